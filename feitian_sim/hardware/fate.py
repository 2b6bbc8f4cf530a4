"""What is done to single messages on their way, beyond what the state of links says.

A :class:`Meddler` is asked for the fate of each message, in the order in which they leave. It is there only in a run
whose scenario names single messages or strikes them by chance: such a run is *explicit*: no message is left out that
nobody misses (handshakes over clean ways, heartbeats), so that a message's number between two machines is the same
whether chance strikes it or its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from feitian_sim.hardware.topology import Station


class Fate(NamedTuple):
    """What becomes of one message. One that is lost is not damaged, and one that is damaged has no copies."""

    lost: bool = False
    #: A bit flips: the receiver's card takes it in, its checksum is wrong, and the receiver's system drops it.
    corrupt: bool = False
    #: Added to its way; later messages overtake it meanwhile.
    delay_ns: int = 0
    #: How much after it each further copy gets there.
    copies_ns: tuple[int, ...] = ()


class Meddler(Protocol):
    """Who strikes single messages."""

    def fate(self, source: Station, target: Station, path: tuple[int, ...]) -> Fate | None:
        """The fate of the next message from one machine to the other; None for nearly all."""
        ...
