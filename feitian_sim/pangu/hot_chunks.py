"""The master's role in hot spots: who has temporary copies of chunks that many read. Pure.

Every server at which a chunk is hot gets the help of one copy more, so that copies double from window to window until no
server has more readers than it should, or there are as many as may be. Only sealed chunks are copied: their bytes do not
change. A copy is no replica. It is in no report and no log, durability never counts on it, repair and balance do not see
it; clients are told of it beside the replicas, for as long as somebody reads it. A new master knows of none.
"""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.pangu.books import Books
from feitian_sim.pangu.effects import Effect, Emit, Reply, Send
from feitian_sim.pangu.facts import ChunkHot, HotCopyMade
from feitian_sim.pangu.messages import Cloned, CopyHot, Done, HeatReport

#: The making of a copy may take so many times what its rate alone would.
_PATIENCE = 10


@dataclass(slots=True)
class _Copies:
    """Temporary copies of one version of a chunk."""

    version: int
    #: By server: told of until then.
    until_ns: dict[int, int]
    #: By server that is to have one: since when.
    coming: dict[int, int]


class HotChunks:
    """The temporary copies that one master has had made."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._copies: dict[int, _Copies] = {}
        # Copies on each server, those to come included.
        self._on: dict[int, int] = {}

    def told(self, ticket: int, report: HeatReport, now_ns: int) -> list[Effect]:
        """A server says how often a chunk was read there."""
        done = Reply(ticket, Done())
        config, table = self._books.config.hot, self._books.state.chunks
        chunk = report.chunk
        if config is None or not table.knows(chunk) or not table.sealed[chunk]:
            return [done]
        here = self._of(chunk, now_ns)
        if report.server in here.until_ns:
            here.until_ns[report.server] = now_ns + config.idle
        if not report.hot or len(here.until_ns) + len(here.coming) >= config.copies:
            return [done]
        holders = self._books.locations.servers(chunk)
        living = [server for server in holders if self._books.view.alive[server]]
        length_bytes = int(table.lengths[chunk])
        target = self._target((*holders, *here.until_ns, *here.coming), length_bytes)
        if target is None or not living:
            return [done]
        # Sources take turns, so that the making of copies is no hot spot of its own.
        sources = [*living, *(server for server in here.until_ns if self._books.view.alive[server])]
        source = sources[(len(here.until_ns) + len(here.coming)) % len(sources)]
        here.coming[target] = now_ns
        self._on[target] = self._on.get(target, 0) + 1
        deadline_ns = self._books.config.client.data_deadline
        deadline_ns += _PATIENCE * length_bytes * 8 * 1_000_000_000 // config.rate
        order = CopyHot(chunk, here.version, length_bytes, source, self._books.incarnation)
        names = self._books.view.names
        told = ChunkHot(chunk, names[report.server], report.reads, names[target], len(living) + len(here.until_ns))
        return [done, Emit(told), Send(target, order, deadline_ns)]

    def answered(self, server: int, order: CopyHot, reply: object, now_ns: int) -> list[Effect]:
        """A copy has been made, or not (``reply`` is anything else)."""
        config, here = self._books.config.hot, self._copies.get(order.chunk)
        since_ns = here.coming.pop(server, None) if here is not None and here.version == order.version else None
        if config is None or here is None or since_ns is None:
            return []
        if not isinstance(reply, Cloned) or reply.version != order.version:
            self._gone(server)
            return []
        here.until_ns[server] = now_ns + config.idle
        names = self._books.view.names
        return [Emit(HotCopyMade(order.chunk, names[order.source], names[server], order.length_bytes, since_ns))]

    def servers(self, chunk: int, now_ns: int) -> tuple[int, ...]:
        """Who has a temporary copy of a chunk as it is now."""
        if chunk not in self._copies:
            return ()
        here = self._of(chunk, now_ns)
        alive, holders = self._books.view.alive, self._books.locations.servers(chunk)
        return tuple(server for server in here.until_ns if alive[server] and server not in holders)

    def _of(self, chunk: int, now_ns: int) -> _Copies:
        """The copies of a chunk as it is now; those of before, and those that nobody reads, are forgotten."""
        version = int(self._books.state.chunks.versions[chunk])
        here = self._copies.get(chunk)
        if here is None or here.version != version:
            for server in (*here.until_ns, *here.coming) if here is not None else ():
                self._gone(server)
            here = self._copies[chunk] = _Copies(version, {}, {})
        for server in [server for server, until_ns in here.until_ns.items() if until_ns <= now_ns]:
            del here.until_ns[server]
            self._gone(server)
        return here

    def _gone(self, server: int) -> None:
        self._on[server] -= 1

    def _target(self, taken: tuple[int, ...], length_bytes: int) -> int | None:
        """The server for another copy: in a rack with few, since readers read near by; then one with few itself."""
        view = self._books.view
        racks: dict[int, int] = {}
        for server in taken:
            racks[int(view.rack[server])] = racks.get(int(view.rack[server]), 0) + 1
        used = view.used_ratio()
        free = view.candidates(taken, length_bytes).tolist()
        return min(
            free,
            key=lambda one: (racks.get(int(view.rack[one]), 0), self._on.get(one, 0), float(used[one]), one),
            default=None,
        )
