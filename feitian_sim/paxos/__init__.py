"""Paxos: how a few servers agree on one sequence of commands, though any of them may fail and any message get lost.

Multi-Paxos (Lamport, "The Part-Time Parliament", 1998; "Paxos Made Simple", 2001) as a pure state machine: no clock, no
disk, no network, no chance of its own. One :class:`Replica` is one incarnation of one member. Its parts:

- ``ballot``: the numbers of leaders; ``values``, ``log``: slots and what they hold;
- ``acceptor``, ``records``: promises and acceptances, and how they survive a crash;
- ``campaign``: pre-vote, then phase 1; ``leadership``, ``rounds``: phase 2 in batches with a window, change of members;
- ``role``, ``follower``, ``patience``: who follows whom, and when that ends; ``learner``: from the log to the state;
- ``lease``, ``reads``: when the leader may answer reads, alone or after a round;
- ``messages``, ``effects``: what members say, and what they want done.

A member that lags fetches what was chosen, or a snapshot where that is cut. Whoever drives a replica (``replog``) keeps
the records on a disk and tells when they are durable; a :class:`Send` that rests on records names them.
"""

from feitian_sim.paxos.ballot import NO_BALLOT, Ballot
from feitian_sim.paxos.config import PaxosConfig
from feitian_sim.paxos.effects import (
    Apply,
    Cut,
    Deposed,
    Effect,
    Elected,
    Lost,
    Ready,
    Restore,
    Send,
    TakeSnapshot,
    Write,
)
from feitian_sim.paxos.messages import MESSAGES, Message, Snapshot
from feitian_sim.paxos.records import Base, Record, founding_record
from feitian_sim.paxos.replica import Replica
from feitian_sim.paxos.values import NOOP, Entry, Members, Noop, quorum_of

__all__ = [
    "MESSAGES",
    "NOOP",
    "NO_BALLOT",
    "Apply",
    "Ballot",
    "Base",
    "Cut",
    "Deposed",
    "Effect",
    "Elected",
    "Entry",
    "Lost",
    "Members",
    "Message",
    "Noop",
    "PaxosConfig",
    "Ready",
    "Record",
    "Replica",
    "Restore",
    "Send",
    "Snapshot",
    "TakeSnapshot",
    "Write",
    "founding_record",
    "quorum_of",
]
