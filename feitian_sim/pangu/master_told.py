"""What oracles are told of masters: each record that one takes in, the tree that it has, the clones that it orders."""

from __future__ import annotations

from hashlib import blake2b

from feitian_sim.pangu.books import Books
from feitian_sim.pangu.check_facts import CloneOrdered, RecordChosen, TreeTold
from feitian_sim.pangu.master_state import MasterState
from feitian_sim.pangu.messages import CloneChunk
from feitian_sim.pangu.records import (
    ChunkAbandoned,
    ChunkAdded,
    ChunkSealed,
    Deleted,
    DirectoryMade,
    FileCreated,
    Record,
    Renamed,
    ServerModeSet,
    VersionRaised,
)


def record_chosen(member: str, index: int, record: Record) -> RecordChosen:
    """A record as a fact."""
    match record:
        case FileCreated():
            said = ("create", record.path, "", -1, -1)
        case DirectoryMade():
            said = ("directory", record.path, "", -1, -1)
        case Deleted():
            said = ("delete", record.path, "", -1, -1)
        case Renamed():
            said = ("rename", record.path, record.new_path, -1, -1)
        case ChunkAdded():
            said = ("add", record.path, "", record.chunk, -1)
        case ChunkSealed():
            said = ("seal", "", "", record.chunk, record.length_bytes)
        case ChunkAbandoned():
            said = ("abandon", record.path, "", record.chunk, -1)
        case VersionRaised():
            said = ("raise", "", "", record.chunk, record.version)
        case ServerModeSet():
            said = ("mode", "", record.mode, record.server, -1)
    return RecordChosen(member, index, *said)


def tree_told(member: str, state: MasterState, why: str) -> TreeTold:
    """A master's state as a fact."""
    total, chunks = 0, state.chunks
    for directory, files in state.namespace.made():
        total ^= _hash(f"d {directory}")
        for path, held in files:
            total ^= _hash(" ".join(["f", path, *map(str, held)]))
            for chunk in held:
                length_bytes = int(chunks.lengths[chunk]) if chunks.sealed[chunk] else -1
                total ^= _hash(f"c {chunk} {int(chunks.versions[chunk])} {length_bytes}")
    return TreeTold(member, state.records_applied, total, why)


def clone_ordered(books: Books, command: CloneChunk, target: int) -> CloneOrdered:
    """An order as a fact, with what it is measured by."""
    view, repair = books.view, books.config.repair
    clone = books.repair.running(command.chunk)
    copies = clone.copies_left if clone is not None else books.locations.copies(command.chunk)
    return CloneOrdered(
        epoch=books.incarnation,
        chunk=command.chunk,
        copies_left=copies,
        source=view.names[command.source],
        target=view.names[target],
        from_source=int(view.clones_out[command.source]),
        into_target=int(view.clones_in[target]),
        running=books.repair.running_count,
        most_per_server=repair.per_server,
        most_running=books.repair.limit,
        instead=_instead(books, copies, command.source, target),
    )


def _instead(books: Books, copies: int, source: int, target: int) -> int:
    """A chunk with fewer copies that waits though it could have taken exactly these slots."""
    table = books.state.chunks
    for chunk in books.repair.waiting:
        holders = books.locations.servers(chunk)
        if not 0 < len(holders) < copies or source not in holders or target in holders:
            continue
        if not table.knows(chunk) or not table.sealed[chunk]:
            continue
        if int(target) not in books.view.candidates(holders, int(table.lengths[chunk])).tolist():
            continue
        if books.policy.satisfied(books.view, (*holders, target)):
            return chunk
    return -1


def _hash(line: str) -> int:
    return int.from_bytes(blake2b(line.encode(), digest_size=8).digest(), "big")
