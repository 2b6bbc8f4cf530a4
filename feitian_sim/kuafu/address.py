"""Addresses (K1): ``tcp://host:port`` is one process's port, ``nuwa://cell/service`` whoever serves under a name now."""

from __future__ import annotations

from typing import NamedTuple

from feitian_sim.kernel import SimulatedError

TCP = "tcp://"
NUWA = "nuwa://"
#: The highest port of TCP is 65,535; a simulated machine has room for the clients of a whole rack.
HIGHEST_PORT = 9_999_999


class BadAddress(SimulatedError):
    """The text is no address; says what it should be."""


class TcpAddress(NamedTuple):
    """A port of a machine."""

    machine: str
    port: int

    @classmethod
    def parse(cls, text: str) -> TcpAddress:
        """Read ``tcp://machine:port``. Raises :class:`BadAddress`."""
        machine, separator, port = text.removeprefix(TCP).rpartition(":")
        if not text.startswith(TCP) or not separator or not machine or not port.isdecimal():
            raise BadAddress(f"{text!r} is no address: tcp://machine:port")
        if int(port) > HIGHEST_PORT:
            raise BadAddress(f"{text!r}: there is no port {port}")
        return cls(machine, int(port))

    def __str__(self) -> str:
        return f"{TCP}{self.machine}:{self.port}"


class ServiceName(NamedTuple):
    """A service of a cell."""

    cell: str
    service: str

    @classmethod
    def parse(cls, text: str) -> ServiceName:
        """Read ``nuwa://cell/service``. Raises :class:`BadAddress`."""
        cell, separator, service = text.removeprefix(NUWA).partition("/")
        if not text.startswith(NUWA) or not separator or not cell or not service or service.endswith("/"):
            raise BadAddress(f"{text!r} is no service: nuwa://cell/service")
        return cls(cell, service)

    def __str__(self) -> str:
        return f"{NUWA}{self.cell}/{self.service}"
