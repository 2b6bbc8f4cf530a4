"""The dataset that is there when a simulation begins: drawn, cut into chunks and placed in one vectorised step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from feitian_sim.kernel import ScenarioError, SimulatedError, Simulation, Stream
from feitian_sim.pangu.cluster_view import ClusterView
from feitian_sim.pangu.config import DatasetConfig, PanguConfig
from feitian_sim.pangu.placement.policy import PlacementPolicy, Servers, chosen_many

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Files by number, and their chunks, which are numbered through the files."""

    file_sizes: Ints
    chunks_per_file: Ints
    #: Bytes of each chunk: all of a file's chunks are full but the last.
    lengths: Ints

    @property
    def chunk_count(self) -> int:
        """Chunks of all files."""
        return len(self.lengths)


EMPTY = Dataset(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def draw(sim: Simulation, config: DatasetConfig | None, chunk_size_bytes: int) -> Dataset:
    """The dataset of the scenario; the last file is cut so that the sizes add up to what was asked for."""
    if config is None:
        return EMPTY
    sizes = _file_sizes(sim.stream("pangu.dataset"), config)
    counts = -(-sizes // chunk_size_bytes)
    ends = np.cumsum(counts)
    lengths = np.full(int(ends[-1]), chunk_size_bytes, dtype=np.int64)
    lengths[ends - 1] = sizes - (counts - 1) * chunk_size_bytes
    return Dataset(sizes, counts, lengths)


def laid_out(
    sim: Simulation, view: ClusterView, policy: PlacementPolicy, config: PanguConfig
) -> tuple[Dataset, Servers | None]:
    """The dataset and the servers of each chunk, int32[chunks, replicas]; None where there is no chunk.

    Raises :class:`ScenarioError` when it cannot be placed.
    """
    policy.prepare(view, config.replicas, sim.stream("pangu.placement", "", "policy"))
    dataset = draw(sim, config.dataset, config.chunk_size)
    if not dataset.chunk_count:
        return dataset, None
    stream = sim.stream("pangu.placement", "dataset")
    try:
        return dataset, chosen_many(policy, view, dataset.chunk_count, config.replicas, stream, dataset.lengths)
    except SimulatedError as error:
        raise ScenarioError(f"the dataset cannot be placed: {error}") from error


def _file_sizes(stream: Stream, config: DatasetConfig) -> Ints:
    drawn = np.zeros(0, dtype=np.int64)
    missing = config.bytes
    while missing > 0:
        count = int(missing / max(config.file_size.expected(), 1.0) * 1.05) + 16
        more = np.maximum(config.file_size.samples(stream, count), 1)
        drawn = np.concatenate([drawn, more])
        missing = config.bytes - int(drawn.sum())
    files = int(np.searchsorted(np.cumsum(drawn), config.bytes)) + 1
    sizes = drawn[:files].copy()
    sizes[-1] -= int(sizes.sum()) - config.bytes
    return sizes
