"""Files of the dataset as the inputs of a trace's jobs, in traces that say bytes and no files of this cell. Pure.

What a job reads is a run of files, from one that a hash of the input's name chooses, so that jobs which read the same in
the trace read the same here, whatever the seed; the last file is read in part. After the last file of the dataset the
first comes next: a job that read more than the dataset has reads some of it again.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

#: Of an input's name and its bytes: the files to read.
Inputs = Callable[[str, int], tuple[str, ...]]


def inputs_of(count: int, path: Callable[[int], str], size_bytes: Callable[[int], int]) -> Inputs:
    """Inputs out of a dataset of ``count`` files, each with its path and its size."""

    def chosen(name: str, wanted: int) -> tuple[str, ...]:
        number = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") % count
        found: list[str] = []
        while wanted > 0:
            found.append(path(number))
            wanted -= size_bytes(number)
            number = (number + 1) % count
        return tuple(found)

    return chosen
