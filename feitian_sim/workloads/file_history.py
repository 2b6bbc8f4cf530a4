"""Clients of Pangu that keep a history of what they do to one directory: create, rename, delete, list, look.

All are linearizable: one master decides them in the order of its log, and reads the tree only while no other may have
been elected. What the file system refuses ("exists", "no-node") is an answer like any other; an operation that ran out
of time may have happened or may yet.
"""

from __future__ import annotations

from typing import Any

from feitian_sim.kernel import SimulatedError, Simulation
from feitian_sim.workloads.cell import Steps, TreeClient
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.historian import Ended, Historian, Wish
from feitian_sim.workloads.history_config import FileHistoryLoad

#: Refusals that say what the tree was like.
_TELLING = ("no-node", "exists")


class FileHistory:
    """One load of such clients."""

    service = "pangu"

    def __init__(self, config: FileHistoryLoad, name: str) -> None:
        self.config = config
        self.name = name

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._sim: Simulation = context.sim
        cell, machines = context.needed_cell(self.name), context.datacenter.client_machines
        numbers = range(self.config.clients)
        self._clients: list[TreeClient] = [
            cell.client(machines[one % len(machines)], f"{self.name}-{one}", load=self.name) for one in numbers
        ]
        self._targets = [context.stream(self.name, f"client-{one}", "target") for one in numbers]
        self._historian = Historian(context, self.name, self.config, self.config.ratios, self)

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        self._historian.start()

    def check(self) -> list[str]:
        """See :class:`RunningLoad`: what was begun and has not ended is for the invariants to judge."""
        return []

    def draw(self, client: int, number: int, op: str, key: str) -> str:
        """See :class:`Doer`: the new name of what is renamed."""
        target = self._targets[client].uniform()
        return f"f{int(target * self.config.files)}" if op == "rename" else ""

    def do(self, client: int, wish: Wish, ended: Ended) -> None:
        """See :class:`Doer`."""
        self._sim.process(self._operation(self._clients[client], wish, ended))

    def _operation(self, client: TreeClient, wish: Wish, ended: Ended) -> Steps:
        try:
            result = yield from self._asked(client, wish)
        except SimulatedError as error:
            code = getattr(error, "code", None)
            if code in _TELLING:
                ended("ok", f"!{code}")
            elif code is not None or wish.op in ("list", "exists"):
                ended("fail", str(error))
            else:
                ended("unknown", str(error))
            return
        ended("ok", result)

    def _asked(self, client: TreeClient, wish: Wish) -> Steps:
        directory = f"/{self.name}/"
        path = directory + wish.key
        match wish.op:
            case "create":
                yield from client.create(path)
            case "delete":
                yield from client.delete(path)
            case "rename":
                yield from client.rename(path, directory + wish.argument)
            case "list":
                names: Any = yield from client.list(directory)
                return ",".join(names)
            case _:
                found: bool = yield from client.exists(path)
                return "yes" if found else "no"
        return ""
