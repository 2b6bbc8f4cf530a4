"""Histories of clients, judged when the run is over: is there one order that explains what everybody was answered?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from feitian_sim.checking.history import History, Operation
from feitian_sim.checking.invariant import Hears, Invariant, When
from feitian_sim.checking.linearizability import check_all
from feitian_sim.checking.models import Deterministic, FileDirectory, Refusal, TreeNode

#: What each service promises to be linearizable; other operations of a history promise less.
_LINEARIZABLE = {
    "pangu": {"create": "create", "delete": "delete", "rename": "rename", "list": "names", "exists": "exists"},
    "nuwa": {"put": "put", "cas": "cas", "create": "create", "delete": "delete", "fresh": "get", "stat": "stat"},
}


class Linearizable(Invariant):
    """What the histories of all services share."""

    when: ClassVar[When] = "end"
    service: str
    model: type[Deterministic]

    def __init__(self) -> None:
        super().__init__()
        self.history = History()
        self._open: dict[tuple[str, int], Operation] = {}

    def hears(self) -> Mapping[str, Hears]:
        """Operations as they begin and end."""
        return {"history.invoked": self._invoked, "history.returned": self._returned}

    def _invoked(self, now_ns: int, fact: Any) -> None:
        if fact.service != self.service:
            return
        op = _LINEARIZABLE[self.service].get(fact.op)
        if op is not None:
            key, argument = self.asked(fact, op)
            self._open[fact.client, fact.number] = self.history.invoke(fact.client, key, op, argument, now_ns)

    def _returned(self, now_ns: int, fact: Any) -> None:
        operation = self._open.pop((fact.client, fact.number), None)
        if operation is None:
            return
        if fact.outcome == "ok":
            self.history.ok(operation, self.answered(operation.op, fact.result), now_ns)
        elif fact.outcome == "fail":
            self.history.fail(operation, now_ns)
        else:
            self.history.unknown(operation)

    def asked(self, fact: Any, op: str) -> tuple[str, Any]:
        """Which object is asked, and the operation's argument."""
        return f"{fact.load}/{fact.key}", _argument(op, fact.argument)

    def answered(self, op: str, text: str) -> Any:
        """The operation's result."""
        return _result(op, text)

    def at_end(self, now_ns: int) -> None:
        """Judge each key."""
        for verdict in check_all(self.history, lambda _: self.model()):
            self.evaluated += 1
            if verdict.legal:
                continue
            failed = verdict.failed
            what = "" if failed is None else f": {failed.op} {failed.argument or ''} of {failed.client} = {failed.result}"
            if verdict.verdict == "unknown":
                self.broken(now_ns, f"the history of {verdict.name} is too hard to judge{what}")
            self.broken(now_ns, f"no order explains the history of {verdict.name}{what}")


class LinearizableNodes(Linearizable):
    """NW6."""

    id = "NW6"
    needs = ("nuwa-history",)
    claim = "writes and fresh reads of Nuwa's files are linearizable"
    service = "nuwa"
    model = TreeNode


class LinearizableTree(Linearizable):
    """PG8."""

    id = "PG8"
    needs = ("file-history",)
    claim = "create, rename, delete, list and exists of Pangu's files are linearizable"
    service = "pangu"
    model = FileDirectory

    def asked(self, fact: Any, op: str) -> tuple[str, Any]:
        """A directory is one object: a renaming touches two names, and a listing all."""
        return fact.load, {"rename": (fact.key, fact.argument), "names": None}.get(op, fact.key)

    def answered(self, op: str, text: str) -> Any:
        """A directory that is not there yet has no names."""
        if op == "names":
            return () if text in ("", "!no-node") else tuple(text.split(","))
        return text == "yes" if op == "exists" else _result(op, text)


def _argument(op: str, text: str) -> Any:
    if op == "cas":
        version, _, value = text.partition(":")
        return value, int(version)
    if op == "delete":
        return None
    return text


def _result(op: str, text: str) -> Any:
    if text.startswith("!"):
        return Refusal(text[1:])
    match op:
        case "put" | "cas" | "stat":
            return int(text)
        case "get":
            return text
    return None
