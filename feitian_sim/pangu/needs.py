"""What each message of Pangu asks the guard for: a permission on a path, on the chunks, or on the masters' books.

Paths are resources of their own, so a capability can be for a directory. A chunk's number says nothing about whose it
is: who may write files of the cell may write its chunks. What servers and masters tell each other is for modules of the
platform alone.
"""

from __future__ import annotations

from typing import Any

from feitian_sim.kuafu import Need

#: Under which every resource of the cell lies.
CELL = "pangu://cell"
CHUNKS = f"{CELL}/.chunks"
SERVERS = f"{CELL}/.servers"


def _path(message: Any) -> str:
    return CELL + str(message.path)


def _new_path(message: Any) -> str:
    return CELL + str(message.new_path)


READ_FILE = Need("read", _path)
WRITE_FILE = Need("write", _path)
CREATE_FILE = Need("create", _path)
#: Of the old path and of the new one.
RENAME_FILE = Need("write", _path, also=Need("write", _new_path))
DELETE_FILE = Need("delete", _path)
LIST_DIRECTORY = Need("list", _path)
READ_CHUNK = Need("read", CHUNKS)
WRITE_CHUNK = Need("write", CHUNKS)
#: Chunk servers and masters among themselves.
BE_SERVER = Need("call", SERVERS)
