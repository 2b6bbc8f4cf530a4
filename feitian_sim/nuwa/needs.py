"""What each message of Nuwa asks the guard for. Any user of the cell may read and modify what another made (N4)."""

from __future__ import annotations

from typing import Any

from feitian_sim.kuafu import Need
from feitian_sim.nuwa.messages import Attach, Close, Fired, Forward, FreshRead, Open, Ping, Read, Touch, Write

CELL = "nuwa://cell"
_SESSIONS = f"{CELL}/.sessions"


def _path(message: Any) -> str:
    return CELL + str(message.path)


_SESSION = Need("read", _SESSIONS)
_SERVERS = Need("call", f"{CELL}/.servers")

#: Of everything that a server serves or hears.
SERVER_NEEDS: dict[type, Need] = {
    Open: _SESSION,
    Attach: _SESSION,
    Ping: _SESSION,
    Close: _SESSION,
    Read: Need("read", _path),
    Write: Need("write", _path),
    Forward: _SERVERS,
    FreshRead: _SERVERS,
    Touch: _SERVERS,
}
#: Of what clients hear: only servers tell.
CLIENT_NEEDS: dict[type, Need] = {Fired: _SERVERS}

__all__ = ["CELL", "CLIENT_NEEDS", "SERVER_NEEDS"]
