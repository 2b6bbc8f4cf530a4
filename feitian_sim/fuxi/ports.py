"""Where Fuxi's processes listen, and the roles by which faults find them."""

from __future__ import annotations

MASTER_PORT = 7100
STORE_PORT = 7300
TUBO_PORT = 7210
WORKER_PORT = 7220
#: Of applications' masters, in turn on each machine.
FIRST_APPLICATION_PORT = 3_000_000
#: Of users' processes that submit applications.
FIRST_CLIENT_PORT = 4_000_000

MASTER_ROLE = "fuxi.master"
TUBO_ROLE = "fuxi.tubo"
WORKER_ROLE = "fuxi.worker"
APPLICATION_ROLE = "fuxi.jobmaster"
STORE_ROLE = "fuxi.store"


def tubo_at(machine: str) -> str:
    """The address of a machine's Tubo."""
    return f"tcp://{machine}:{TUBO_PORT}"


def workers_at(machine: str) -> str:
    """The address of a machine's worker runtime."""
    return f"tcp://{machine}:{WORKER_PORT}"
