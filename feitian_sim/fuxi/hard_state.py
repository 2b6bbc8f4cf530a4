"""The FuxiMaster's hard state in Nuwa: one file for each application, and what it takes to come to power.

``/fuxi/epoch`` holds the number of reigns so far. Who is elected raises it, under the version that it read: two who think
so at once cannot both, and whoever hears of a larger number knows which is which. What is written later is written under
the session that won the election; one that is over can write nothing. A description is a Python object of the
application's kind: its file has its size, and the object stands in for the bytes (:class:`Shelf`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from feitian_sim.fuxi.hard_records import AppRecord, DisabledRecord, EndRecord, HardRecord, Recovered
from feitian_sim.nuwa.answers import Answer, Stat
from feitian_sim.nuwa.client import NuwaClient
from feitian_sim.nuwa.commands import Create, Delete

EPOCH = "/fuxi/epoch"
APPS = "/fuxi/apps/"
ENDED = "/fuxi/ended/"
DISABLED = "/fuxi/disabled"
#: Of jobs, which their masters write (:mod:`.job.snapshot_file`).
SNAPSHOTS = "/fuxi/jobs/"
#: Files that a new FuxiMaster asks for at a time. Source: own assumption.
_AT_ONCE = 64


class Shelf:
    """The descriptions that files stand for, by application. They never change."""

    def __init__(self) -> None:
        self._descriptions: dict[str, Any] = {}

    def put(self, app: str, description: Any) -> None:
        """A file with it is to be written."""
        self._descriptions[app] = description

    def get(self, app: str) -> Any:
        """What the file of an application says."""
        return self._descriptions[app]

    def drop(self, app: str) -> None:
        """The file is gone."""
        self._descriptions.pop(app, None)


def _app_bytes(record: AppRecord) -> bytes:
    head = {
        "number": record.number,
        "kind": record.kind,
        "user": record.user,
        "group": record.group,
        "submitted_ns": record.submitted_ns,
        "size": record.size_bytes,
    }
    return json.dumps(head).encode().ljust(record.size_bytes)


class Writer:
    """Writes records. ``done(error)``: empty when it is kept."""

    def __init__(self, client: NuwaClient, shelf: Shelf) -> None:
        self._client = client
        self._shelf = shelf

    def write(self, record: HardRecord, done: Callable[[str], object]) -> None:
        """Keep it."""

        def ended(answer: Answer) -> None:
            # What is there already was written in an earlier try, of which the answer was lost.
            done("" if answer.ok or answer.error == "exists" else answer.error)

        match record:
            case AppRecord():
                self._shelf.put(record.app, record.description)
                self._client.create(APPS + record.app, _app_bytes(record), ended)
            case EndRecord():
                value = json.dumps([record.number, record.ok, record.why]).encode()
                changes = (Create(ENDED + record.app, value), Delete(APPS + record.app))

                def gone(answer: Answer) -> None:
                    ended(answer)
                    if answer.ok:
                        self._shelf.drop(record.app)
                        # Nobody reads it any more. If this fails, the next FuxiMaster does it.
                        self._client.delete(SNAPSHOTS + record.app, _nothing)

                self._client.multi(changes, gone)
            case DisabledRecord():
                self._client.put(DISABLED, json.dumps(record.machines).encode(), ended)


class Accession:
    """One elected FuxiMaster's way to power: it raises the epoch, then reads everything.

    Ends with ``done(epoch, recovered)``, or ``failed()`` when somebody else is coming to power.
    """

    def __init__(
        self,
        client: NuwaClient,
        shelf: Shelf,
        done: Callable[[int, Recovered], object],
        failed: Callable[[], object],
    ) -> None:
        self._client = client
        self._shelf = shelf
        self._done = done
        self._failed = failed
        self._epoch = 0
        self._names: list[str] = []
        self._asked = 0
        self._under_way = 0
        self._apps: dict[str, AppRecord] = {}
        self._ended: list[tuple[str, bool, str]] = []
        self._numbers = 0
        self._disabled: tuple[tuple[str, int, str], ...] = ()
        client.read("stat", EPOCH, self._found, fresh=True)

    def _found(self, answer: Answer) -> None:
        if not answer.ok or not isinstance(answer.value, Stat):
            self._failed()
            return
        version = answer.value.version
        self._client.read("get", EPOCH, lambda got: self._raise(version, got), fresh=True)

    def _raise(self, version: int, answer: Answer) -> None:
        if not answer.ok:
            self._failed()
            return
        self._epoch = int(answer.value) + 1
        self._client.put(EPOCH, str(self._epoch).encode(), self._raised, version=version)

    def _raised(self, answer: Answer) -> None:
        if answer.ok:
            self._client.read("get", DISABLED, self._read_disabled, fresh=True)
        else:
            self._failed()

    def _read_disabled(self, answer: Answer) -> None:
        if not answer.ok:
            self._failed()
            return
        found = json.loads(answer.value) if answer.value else []
        self._disabled = tuple((name, since_ns, why) for name, since_ns, why in found)
        self._client.read("values", ENDED, self._read_ended, fresh=True)

    def _read_ended(self, answer: Answer) -> None:
        if not answer.ok:
            self._failed()
            return
        for name, value in answer.value:
            number, ok, why = json.loads(value)
            self._numbers = max(self._numbers, number)
            self._ended.append((name, ok, why))
        self._client.read("names", APPS, self._read_names, fresh=True)

    def _read_names(self, answer: Answer) -> None:
        if not answer.ok:
            self._failed()
            return
        self._names = list(answer.value)
        self._go_on()

    def _go_on(self) -> None:
        while self._asked < len(self._names) and self._under_way < _AT_ONCE:
            name = self._names[self._asked]
            self._asked += 1
            self._under_way += 1
            self._client.read("get", APPS + name, partial(self._read_app, name), fresh=True)
        if not self._under_way:
            apps = sorted(self._apps.values(), key=_number)
            numbers = max(self._numbers, apps[-1].number if apps else 0)
            self._done(self._epoch, Recovered(numbers, tuple(apps), tuple(self._ended), self._disabled))
            self._client.read("names", SNAPSHOTS, self._clear, fresh=True)

    def _clear(self, answer: Answer) -> None:
        """Snapshots of jobs that have ended: the FuxiMaster before died before they were deleted."""
        if answer.ok:
            ended = {name: None for name, _, _ in self._ended}
            for name in answer.value:
                if name in ended:
                    self._client.delete(SNAPSHOTS + name, _nothing)

    def _read_app(self, name: str, answer: Answer) -> None:
        self._under_way -= 1
        if not answer.ok:
            self._failed()
            return
        head = json.loads(answer.value)
        self._apps[name] = AppRecord(
            head["number"],
            name,
            head["kind"],
            head["user"],
            head["group"],
            self._shelf.get(name),
            head["size"],
            head["submitted_ns"],
        )
        self._go_on()


def _number(record: AppRecord) -> int:
    return record.number


def _nothing(_: Answer) -> None:
    """Gone, or it never was, or it is tried again by the next FuxiMaster."""
