"""All planted bugs, those of the catalogue that have no mechanism here, and those that no check could tell."""

from __future__ import annotations

from tests.mutants import (
    calls,
    chunks,
    clients,
    clocks,
    consensus,
    coordination,
    files,
    fuxi,
    lives,
    members,
    naming,
    packages,
    partitions,
    ports,
    reads,
    rights,
    transport,
)
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *consensus.MUTANTS,
    *members.MUTANTS,
    *reads.MUTANTS,
    *coordination.MUTANTS,
    *clients.MUTANTS,
    *files.MUTANTS,
    *chunks.MUTANTS,
    *fuxi.MUTANTS,
    *packages.MUTANTS,
    *calls.MUTANTS,
    *clocks.MUTANTS,
    *transport.MUTANTS,
    *lives.MUTANTS,
    *naming.MUTANTS,
    *rights.MUTANTS,
    *ports.MUTANTS,
    *partitions.MUTANTS,
)

#: Rows of the catalogue that are not planted here, and why.
NOT_HERE: dict[str, str] = {
    "NW-10": "no scenario changes members; played by hand in tests/paxos/test_planted.py (new members at once)",
    "NW-14": "what a member learns while it catches up counts for no quorum, so there is no early word to give",
    "PG-09": "who stays primary too long is asked by nobody, since clients watch the lease as well, and versions fence it; PG6 looks",
    "PG-04": "whom a primary blames costs tries alone: the master asks every replica itself before the chunk goes on",
    "PG-07": "a clone is whole or it is nothing: there is no mark that could pass over a missing piece",
    "PG-14": "room is reserved before a write; a checksum has no space of its own",
}  # fmt: skip

#: Bugs that no client and no disk could ever notice here, each with the argument.
EQUIVALENT: dict[str, str] = {
    "NW-26": "what waits at a deposed leader is asked again by whoever asked it: every call to it has a deadline, and a "
    "command that comes twice is done once; so nobody waits longer than a deadline. Played in tests/paxos.",
    "OWN-06": "members apply and answer in the order of slots, so nothing above a slot that a quorum lacks was ever told to "
    "anybody, or ever will be under an older ballot: each value may be proposed anew in whichever slot, and what is "
    "proposed twice is done once. A hole would show where slots are applied out of order.",
}

#: Invariants that are the first to find no bug from every beginning, and why they are there nevertheless.
JUSTIFIED: dict[str, str] = {
    "FX14": "who takes less than the machines allow either holds more than they have, which FX1 sees as it begins, or computes "
    "less than it should, which FX13 sees of each instance; this one rests on neither's reasoning, only on their facts",
    "FX7t": "the storage has something to refuse only where a process stops between looking at its lease and writing; no fault "
    "stops a single worker so. tests/fuxi/service holds the storage to it by hand, and this one is on wherever services are",
    "G1": "the kernel refuses an event of the past; this one looks at the facts, should anybody ever emit them otherwise",
    "NW14": "no check changes members; NW-10 is played by hand in tests/paxos, and this one is on wherever members change",
    "PG4": "racks of check/chunks have fewer machines than a chunk has replicas, and of two replicas on one machine PG12 tells first "
    "(PG-11): the machine is busy as source and as target; this one looks at what came of it, wherever racks are larger",
    "PG5": "of writes under a version that was left behind (PG-01) PG7 and PG2 mostly tell first: one of them is acknowledged or "
    "read before a replica is extended by another; this one looks at disks, also where nobody acknowledges or reads",
    "PG9": "of a chunk of which nobody holds what the master names, PG3 says before, in the same breath, that it has not come "
    "back; this one judges those as well that were closed too short a while ago for PG3",
    "recoverable": "finds nothing by itself: it says of what the others find in the second phase whether it could be helped",
}  # fmt: skip
