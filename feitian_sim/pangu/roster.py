"""Which chunk servers belong to the cell, as the operator has said: part of the master's replicated state.

A server is **in service** unless something else was said of it. One that is **absent** has not been added yet. One
that is **draining** takes no new replicas and gives those that it has to others; when it has none left it is
**drained**, or **retired** when it was to be decommissioned, and may be switched off.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Mode = Literal["absent", "in-service", "draining", "decommissioning", "drained", "retired"]

#: Modes in which a server takes no new replicas.
_CLOSED = ("draining", "decommissioning", "drained", "retired", "absent")
#: Modes in which nobody waits to hear from it.
_OUT = ("absent", "retired")


class Roster:
    """Servers that are not simply in service, each with its mode and since when."""

    def __init__(self) -> None:
        self._modes: dict[int, tuple[Mode, int]] = {}

    def set(self, server: int, mode: Mode, at_ns: int) -> None:
        """From now on the server is in this mode."""
        if mode == "in-service":
            self._modes.pop(server, None)
        else:
            self._modes[server] = (mode, at_ns)

    def mode(self, server: int) -> Mode:
        """The mode of a server."""
        return self._modes.get(server, ("in-service", 0))[0]

    def since_ns(self, server: int) -> int:
        """When the server's mode was set; 0 for one in service."""
        return self._modes.get(server, ("in-service", 0))[1]

    def is_out(self, server: int) -> bool:
        """Whether the server is not there, and rightly so."""
        return self.mode(server) in _OUT

    @property
    def out_count(self) -> int:
        """Servers that are not there, and rightly so."""
        return sum(mode in _OUT for mode, _ in self._modes.values())

    def leaving(self) -> list[int]:
        """Servers that are being drained or decommissioned, in the order in which that began."""
        return [server for server, (mode, _) in self._modes.items() if mode in ("draining", "decommissioning")]

    def accepting(self, count: int) -> npt.NDArray[np.bool_]:
        """For each of ``count`` servers whether new replicas may go there."""
        return np.array([self.mode(server) not in _CLOSED for server in range(count)], dtype=np.bool_)
