"""What must hold of files as clients see them: their bytes, and the tree in which they stand.

A catalogue row has no oracle here: PG14 (random access files, order of overlapping writes) has no mechanism, since
clients write files from beginning to end or append to them; nobody overwrites.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from feitian_sim.checking.config import CheckConfig
from feitian_sim.checking.file_model import FileModel
from feitian_sim.checking.file_tree_model import FileTreeModel
from feitian_sim.checking.invariant import Hears, Invariant, When

_PANGU = ("pangu",)


class ReadsAreAsWritten(Invariant):
    """PG2F: the reference of a file's bytes, where PG2 trusts the account that the platform keeps."""

    id = "PG2F"
    needs = _PANGU
    claim = "a read shows what was acknowledged at its place, whole, and nothing that nobody sent"

    def __init__(self) -> None:
        super().__init__()
        self._model = FileModel()

    def hears(self) -> Mapping[str, Hears]:
        """What clients send, are promised and read."""
        return {
            "pangu.bytes_sent": self._sent,
            "pangu.bytes_acknowledged": self._acknowledged,
            "pangu.chunk_read": self._read,
        }

    def _sent(self, now_ns: int, fact: Any) -> None:
        self._model.sent(fact)

    def _acknowledged(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        wrong = self._model.acknowledged(now_ns, fact)
        if wrong:
            self.broken(now_ns, f"{fact.client}: {wrong}")

    def _read(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        wrong = self._model.read(fact)
        if wrong:
            self.broken(now_ns, f"{fact.client} read {fact.path}: {wrong}")


class TreeIsTheLog(Invariant):
    """PG8T: namespace = f(log), and all masters have the same log."""

    id = "PG8T"
    needs = _PANGU
    claim = "masters take in the same records, each allowed by those before, and have the tree that they make"

    def __init__(self) -> None:
        super().__init__()
        self._model = FileTreeModel()
        self._records: dict[int, tuple[Any, ...]] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Records as masters take them in, and their trees."""
        return {"pangu.record_chosen": self._chosen, "pangu.tree_told": self._told}

    def _chosen(self, now_ns: int, fact: Any) -> None:
        self.evaluated += 1
        said = (fact.op, fact.path, fact.other, fact.chunk, fact.number)
        if fact.index <= self._model.records:
            if said != self._records[fact.index]:
                self.broken(
                    now_ns, f"record {fact.index} of {fact.member} is {said}, elsewhere {self._records[fact.index]}"
                )
            return
        self._records[fact.index] = said
        wrong = self._model.apply(fact)
        if wrong:
            self.broken(now_ns, f"record {fact.index} of {fact.member} is {said}: {wrong}")

    def _told(self, now_ns: int, fact: Any) -> None:
        # What a master has decided and not yet heard to be chosen is in its tree, but in no log that counts.
        expected = self._model.sums.get(fact.records)
        if expected is None:
            return
        self.evaluated += 1
        if fact.sum != expected:
            self.broken(now_ns, f"{fact.member} {fact.why} with another tree than its {fact.records} records make")


class NothingIsLeftOver(Invariant):
    """PG8G: what was deleted, or is there once too often, goes."""

    id = "PG8G"
    needs = _PANGU
    claim = "with a healthy core none of its servers keeps replicas that nobody needs"
    when: ClassVar[When] = "liveness"

    def __init__(self, config: CheckConfig) -> None:
        super().__init__()
        assert config.liveness is not None
        self._core = dict.fromkeys(config.liveness.core)

    def hears(self) -> Mapping[str, Hears]:
        """Servers at the end."""
        return {"pangu.replicas_told": self._told}

    def _told(self, now_ns: int, fact: Any) -> None:
        if fact.server not in self._core:
            return
        self.evaluated += 1
        if fact.orphans:
            self.broken(now_ns, f"{fact.server} keeps replicas of no use, of chunks {fact.orphans}")
