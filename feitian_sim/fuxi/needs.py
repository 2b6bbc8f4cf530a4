"""What each message of Fuxi asks the guard for: a permission on an application, or to be a part of Fuxi.

A user may submit, ask about and stop applications; the FuxiMaster besides refuses who submits in another's name. What
masters, Tubos, workers and applications' masters tell each other is for modules of the platform alone.
"""

from __future__ import annotations

from typing import Any

from feitian_sim.kuafu import Need

#: Under which every resource of the cell lies.
CELL = "fuxi://cell"
_MASTERS = f"{CELL}/.masters"
_TUBOS = f"{CELL}/.tubos"
_WORKERS = f"{CELL}/.workers"
_APPLICATIONS = f"{CELL}/.applications"


def _application(message: Any) -> str:
    return f"{CELL}/apps/{message.app}"


SUBMIT = Need("create", _application)
STOP = Need("delete", _application)
ASK = Need("read", _application)
#: Of what the FuxiMaster, Tubos, worker runtimes and applications' masters serve to modules.
BE_HEARD_BY_MASTER = Need("call", _MASTERS)
BE_HEARD_BY_TUBO = Need("call", _TUBOS)
BE_HEARD_BY_WORKERS = Need("call", _WORKERS)
BE_HEARD_BY_APPLICATION = Need("call", _APPLICATIONS)
#: Of the storage of services, that their workers speak to.
BE_HEARD_BY_STORE = Need("call", f"{CELL}/.stores")
#: Of what a service's workers serve to users.
USE = Need("write", _application)
