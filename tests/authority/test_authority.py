"""The authority as a service: it renews, changes keys and revokes, survives its processes, and everybody hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.authority.facts import Denied, NewsHeard
from feitian_sim.authority.messages import NEEDS, Done, Renew, Revoke, Rotate
from feitian_sim.authority.server import AUTHORITY_ROLE
from feitian_sim.kernel import DAY, MINUTE, SECOND
from feitian_sim.kuafu import CallError, Need, ServiceCaller
from feitian_sim.scenario import build, load_text
from feitian_sim.scenario.wiring import Platform

CELL = """\
name: authority
duration: 30d
cluster: {racks: 5, machines_per_rack: 3, machine: {cores: 1, disks: 1}}
nuwa: {}
"""
AUTHORITY = "nuwa://cell/zhongkui"


class Cell:
    """A cell with an operator and a server that everybody may call."""

    def __init__(self, extra: str = "") -> None:
        self.platform: Platform = build(load_text(CELL + extra))
        self.sim = self.platform.sim
        self.denied: list[Denied] = []
        self.heard: list[NewsHeard] = []
        self.sim.facts.subscribe(Denied, lambda _, item: self.denied.append(item))
        self.sim.facts.subscribe(NewsHeard, lambda _, item: self.heard.append(item))
        self.operator = self.caller("r0/m0", self.platform.identities.operator(), 40_000)
        machine = self.platform.datacenter.machine("r3/m2")
        credential = self.platform.identities.module("test.echo", machine.name)
        self.echo = self.platform.kuafu.endpoint(self.sim.owner("echo"), machine, 41_000, credential)
        self.echo.serve(Done, lambda call: call.reply(call.message), Need("read", "pangu://cell/echo"))

    def caller(self, machine_name: str, credential: Any, port: int) -> ServiceCaller:
        machine = self.platform.datacenter.machine(machine_name)
        endpoint = self.platform.kuafu.endpoint(self.sim.owner(f"caller {port}"), machine, port, credential)
        assert self.platform.nuwa is not None
        return ServiceCaller(
            endpoint, self.platform.nuwa.agent(machine).resolver, self.sim.stream("test", machine_name, str(port))
        )

    def user(self, name: str, port: int) -> ServiceCaller:
        return self.caller("r4/m2", self.platform.identities.user(name), port)

    def ask(self, caller: ServiceCaller, target: str, message: object) -> Any:
        """The reply or the error, some seconds later."""
        ends: list[Any] = []
        caller.call(target, message, 30 * SECOND, ends.append, ends.append)
        self.sim.run_until(self.sim.now + 40 * SECOND)
        assert len(ends) == 1
        return ends[0]

    def echoes(self, caller: ServiceCaller) -> bool:
        end = self.ask(caller, "tcp://r3/m2:41000", Done(1))
        assert isinstance(end, Done) or end.kind == "denied"
        return isinstance(end, Done)


@pytest.fixture
def cell() -> Cell:
    return Cell()


def test_after_a_change_of_keys_the_old_signatures_stay_good_until_everybody_has_renewed(cell: Cell) -> None:
    user = cell.user("ann", 40_001)
    credential = cell.platform.identities.user("ann")
    old = credential.capabilities[0]
    assert cell.echoes(user)
    assert cell.ask(cell.operator, AUTHORITY, Rotate()) == Done(1)
    assert cell.platform.authority is not None
    assert len(cell.heard) == len(cell.platform.authority.agents)
    assert cell.echoes(user)
    cell.sim.run_until(8 * DAY)
    assert credential.capabilities[0].key_id != old.key_id
    assert cell.echoes(user)
    assert not cell.denied


def test_what_is_revoked_is_refused_everywhere_once_the_news_is_there(cell: Cell) -> None:
    ann, bob = cell.user("ann", 40_001), cell.user("bob", 40_002)
    assert cell.echoes(ann)
    assert cell.ask(cell.operator, AUTHORITY, Revoke(subject="user:ann")) == Done(1)
    assert not cell.echoes(ann)
    assert cell.denied[-1].reason == "revoked"
    assert cell.echoes(bob)
    again = cell.ask(ann, AUTHORITY, Renew())
    assert [one.epoch for one in again.capabilities] == [1]


def test_the_barred_get_nothing(cell: Cell) -> None:
    ann = cell.user("ann", 40_001)
    assert cell.ask(cell.operator, AUTHORITY, Revoke(subject="user:ann", bar=True)) == Done(1)
    end = cell.ask(ann, AUTHORITY, Renew())
    assert isinstance(end, CallError)
    assert end.text == "user:ann is barred"


def test_only_operators_change_anything(cell: Cell) -> None:
    ann = cell.user("ann", 40_001)
    for change in (Rotate(), Revoke(subject="user:bob")):
        end = cell.ask(ann, AUTHORITY, change)
        assert isinstance(end, CallError)
        assert (end.kind, end.text) == ("denied", "permission-missing")
    assert not cell.heard


def test_nothing_but_renewal_is_open_to_everybody(cell: Cell) -> None:
    cell.echo.serve(Renew, lambda call: call.reply(Done(0)), Need("", "pangu://cell/echo"))
    cell.platform.kuafu.needs[Renew] = NEEDS[Renew]
    end = cell.ask(cell.user("ann", 40_001), "tcp://r3/m2:41000", Renew())
    assert isinstance(end, CallError)
    assert end.kind == "denied"


def test_changes_survive_the_authority_s_processes_and_the_next_goes_on(cell: Cell) -> None:
    assert cell.ask(cell.operator, AUTHORITY, Revoke(subject="user:ann")) == Done(1)
    assert cell.platform.authority is not None
    first = next(server for server in cell.platform.authority.servers if server.state is not None)
    daemon = next(one for one in cell.platform.daemons if one.role == AUTHORITY_ROLE and one.machine is first.machine)
    daemon.kill()
    cell.sim.run_until(cell.sim.now + MINUTE)
    serving = [server for server in cell.platform.authority.servers if server.state is not None]
    assert len(serving) == 1
    assert serving[0] is not first
    assert cell.ask(cell.operator, AUTHORITY, Revoke(subject="user:bob")) == Done(2)
    assert not cell.echoes(cell.user("ann", 40_001))


def test_a_machine_that_was_down_asks_when_it_is_back(cell: Cell) -> None:
    machine = cell.platform.datacenter.machine("r3/m2")
    machine.switch_off("test")
    cell.sim.run_until(cell.sim.now + SECOND)
    assert cell.ask(cell.operator, AUTHORITY, Revoke(subject="user:ann")) == Done(1)
    assert "r3/m2" not in [one.machine for one in cell.heard]
    machine.switch_on()
    cell.sim.run_until(cell.sim.now + 10 * MINUTE)
    assert "r3/m2" in [one.machine for one in cell.heard]


def test_processes_renew_before_their_capabilities_end() -> None:
    cell = Cell()
    cell.sim.run_until(25 * DAY)
    user = cell.user("new", 40_009)
    assert not cell.denied
    assert cell.ask(cell.operator, AUTHORITY, Rotate()) == Done(1)
    assert cell.echoes(user)
    assert not cell.denied
