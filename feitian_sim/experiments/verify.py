"""Verify: run again what a results folder says it was made from, and compare the digests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from feitian_sim.experiments.manifest import file_hash, versions
from feitian_sim.experiments.one_run import run_once
from feitian_sim.experiments.progress import Listener, Teller
from feitian_sim.experiments.results import Results
from feitian_sim.experiments.study import points_of
from feitian_sim.kernel import SECOND
from feitian_sim.scenario import load


@dataclass(frozen=True, slots=True)
class Compared:
    """One run: the digest in the folder and the one of now."""

    run: int
    stored: str
    repeated: str

    @property
    def same(self) -> bool:
        """Whether they are equal."""
        return self.stored == self.repeated


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of it: the runs, files that were changed since, and versions that differ."""

    name: str
    directory: Path
    runs: tuple[Compared, ...]
    changed_files: tuple[str, ...]
    other_versions: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every run came out the same and no file was changed."""
        return all(run.same for run in self.runs) and not self.changed_files


def verify(directory: str | Path, listener: Listener | None = None) -> Verification:
    """Repeat all finished runs of a results folder in this process."""
    results = Results(directory)
    manifest = results.manifest
    compared: list[Compared] = []
    for position, (overrides, number) in enumerate(_made(results)):
        loaded = load(
            results.directory / "scenario.resolved.yaml",
            overrides,
            seed=results.seed,
            data=[manifest["base_dir"], *manifest.get("data_dirs", ())],
        )
        teller = Teller(listener, len(results.digests), loaded.scenario.duration / SECOND)
        repeated = run_once(loaded, number, teller, position).record.digest
        compared.append(Compared(position, results.digests[position], repeated))
    return Verification(
        results.name,
        results.directory,
        tuple(compared),
        tuple(_changed(results)),
        tuple(_other_versions(manifest.get("versions", {}))),
    )


def _made(results: Results) -> list[tuple[tuple[str, ...], int]]:
    """What was set for each finished run, in order, and its number at that point of a sweep."""
    axes = results.manifest.get("axes")
    if not axes:
        return [((), number) for number in range(len(results.digests))]
    failed = [(one["axes"], one["run"]) for one in results.document["failed"]]
    return [
        (point.overrides, number)
        for point in points_of(axes)
        for number in range(int(results.manifest["runs"]))
        if (dict(point.values), number) not in failed
    ]


def _changed(results: Results) -> list[str]:
    changed = []
    for name, about in results.manifest.get("files", {}).items():
        # Figures may be drawn again at any time, with another style or format.
        if name.startswith("figures/") or name == "report.html":
            continue
        path = results.directory / name
        if not path.is_file() or file_hash(path) != about["sha256"]:
            changed.append(name)
    return changed


def _other_versions(stored: dict[str, str]) -> list[str]:
    now = versions()
    return [
        f"{name} {stored.get(name, 'absent')} then, {now.get(name, 'absent')} now"
        for name in sorted({*stored, *now})
        if stored.get(name) != now.get(name)
    ]
