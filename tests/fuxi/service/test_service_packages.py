"""A role whose package nobody has put: a service that never came up ends with the reason, one that runs goes on."""

from __future__ import annotations

from typing import Any

import pytest

from feitian_sim.fuxi.facts import ProcessEnded
from feitian_sim.fuxi.service.config import ServiceConfig
from feitian_sim.fuxi.service.description import ServiceDescription
from feitian_sim.fuxi.service.hotspot import SplitOrMove
from feitian_sim.fuxi.service.service_master import ServiceMaster
from feitian_sim.fuxi.service.table import Table, evenly
from feitian_sim.fuxi.worker_messages import WorkerState
from feitian_sim.kernel import SECOND
from feitian_sim.scenario import build, load_text
from feitian_sim.scenario.wiring import Platform, Ran

M = "r0/m0"
WHY = "role server needs package /apps/kv, which {} workers did not find in Pangu"


# The ServiceMaster's decisions


def _master(attempt: int = 1, table: Table | None = None, **config: Any) -> ServiceMaster:
    """Of a service with two roles, the second of which serves six partitions; it has asked for its workers."""
    roles = {
        "monitor": {"instances": 2},
        "server": {"instances": 3, "package": "/apps/kv"},
    }
    partitions = {"role": "server", "keys": 600, "count": 6}
    service = ServiceDescription.model_validate({"name": "kv", "roles": roles, "partitions": partitions})
    cell = ServiceConfig.model_validate(config)
    core = ServiceMaster(service, table or evenly(600, 6, attempt), attempt, cell, SplitOrMove(), 0)
    if attempt == 1:
        core.begin(0)
    else:
        core.restore({}, 0)
        core.open_up(0)
    return core


def _start(core: ServiceMaster, role: int) -> int:
    """Grant a worker; its number."""
    core.take_effects()
    core.granted(role, M, 1, 0)
    ((number,),) = core.take_effects().starts.values()
    return number


def _fail(core: ServiceMaster, role: int, times: int, why: str = "no-package") -> None:
    for _ in range(times):
        core.workers_gone(M, [_start(core, role)], why, 0)


def test_a_package_that_no_worker_of_a_role_finds_ends_the_service_with_the_reason() -> None:
    core = _master()
    _fail(core, 1, 3)
    assert not core.is_over
    core.workers_gone(M, [_start(core, 1)], "no-package", 0)
    assert core.is_over
    assert core.take_effects().ended == WHY.format(4)


def test_how_many_must_not_find_it_is_said_by_the_cell() -> None:
    core = _master(attempts=1)
    core.workers_gone(M, [_start(core, 1)], "no-package", 0)
    assert core.take_effects().ended == WHY.format(1)


def test_other_roles_that_run_do_not_help_a_role_that_never_came_up() -> None:
    core = _master()
    core.workers_ready(M, 0, [_start(core, 0)], 0)
    _fail(core, 1, 4)
    assert core.is_over


def test_workers_that_do_not_come_up_for_another_reason_are_tried_again() -> None:
    core = _master()
    _fail(core, 1, 20, "launch-failed")
    assert not core.is_over
    assert core.take_effects().wants == [(1, 1)]


def test_a_role_that_has_once_come_up_is_tried_for_ever() -> None:
    """Also when none of its workers is left."""
    core = _master()
    number = _start(core, 1)
    core.workers_ready(M, 1, [number], 0)
    core.workers_gone(M, [number], "crashed", 0)
    _fail(core, 1, 20)
    assert not core.is_over
    assert core.take_effects().wants == [(1, 1)]


@pytest.mark.parametrize("sign", ["a worker", "the table", ""])
def test_a_later_master_ends_the_service_only_if_there_is_no_sign_that_it_ever_ran(sign: str) -> None:
    """It cannot know which roles had come up: a worker of any, or a partition that was given to one, is such a sign."""
    given = Table(2, 5, 6, 3, 600, evenly(600, 6, 2).partitions)
    core = _master(2, given if sign == "the table" else None)
    if sign == "a worker":
        core.adopt(M, [WorkerState(1_000_001, 1)], 0)
    _fail(core, 1, 4)
    assert core.is_over == (sign == "")


# The whole


def _platform(package: str, *, masters_die: str = "") -> Platform:
    """One worker, with a package that is a file of the data set, or is not there."""
    return build(
        load_text(
            "name: t\nduration: 150s\nsample_every: 10s\n"
            "cluster: {racks: 3, machines_per_rack: 2, machine: {cores: 8, disk: ssd-1tb}, clients: {machines: 1}}\n"
            "pangu: {dataset: {bytes: 20MB, file_size: 20MB}}\n"
            "fuxi: {heartbeat: {timeout: 10s}, services: {attempts: 2}}\n"
            f"faults: [{masters_die}]\n"
            "load:\n"
            "  - kind: fuxi-service\n"
            "    name: users\n"
            "    arrival: {kind: poisson, rate: 5/s}\n"
            "    stop: 100s\n"
            "    service:\n"
            "      name: kv\n"
            f"      roles: {{server: {{instances: 1, resources: {{cpu: 1}}, package: {package}}}}}\n"
            "      partitions: {keys: 600, count: 3}\n"
        )
    )


def _rows(ran: Ran, kind: str) -> list[dict[str, Any]]:
    columns = ran.facts.columns(kind)
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


MASTERS_DIE = "{kind: process-kill, at: 8s, restart_after: 1s, target: {role: fuxi.jobmaster, mode: all}}"


@pytest.mark.parametrize("masters_die", ["", MASTERS_DIE])
def test_a_service_whose_package_nobody_has_put_fails_and_all_that_waits_for_it_ends(masters_die: str) -> None:
    """Whichever life of its master finds that out; requests fail by their deadlines, and no machine is blamed."""
    platform = _platform("/apps/kv", masters_die=masters_die)
    ran = platform.run()
    (ended,) = _rows(ran, "fuxi.app_ended")
    assert (ended["app"], ended["ok"], ended["why"]) == ("kv", False, WHY.format(2))
    # Each of the two waited for as long as a launch may take.
    assert ended["ran_s"] > 20
    assert ran.metrics["fuxi.services_failed_count"] == 1
    assert ran.metrics["fuxi.jobs_failed_count"] == 0
    (account,) = _rows(ran, "fuxi.service_account")
    assert account["failed"] == account["begun"] > 300
    assert account["answered"] == account["open"] == 0
    left = [app for host in platform.fuxi.machines for app in host.table.apps.values() if app.master or app.workers]
    assert not left
    assert not _rows(ran, "fuxi.machine_disabled")


def test_a_service_that_runs_outlives_the_loss_of_its_package_until_it_is_put_again() -> None:
    """A worker that must go elsewhere finds none, as often as it takes."""
    platform = _platform("/dataset/000000000")
    sim = platform.sim
    client = platform.cell.client(platform.datacenter.client_machines[0], "operator")
    gone: list[int] = []
    sim.facts.subscribe(ProcessEnded, lambda now_ns, fact: gone.append(now_ns) if fact.why == "no-package" else None)

    def lose() -> None:
        sim.process(client.delete("/dataset/000000000"))
        (host,) = [host for host in platform.fuxi.machines if any(app.workers for app in host.table.apps.values())]
        sim.call_later(5 * SECOND, host.machine.crash, "a test")

    sim.call_at(25 * SECOND, lose)
    sim.call_at(100 * SECOND, lambda: sim.process(client.write_file("/dataset/000000000", 20_000_000)))
    ran = platform.run()
    assert len([now_ns for now_ns in gone if now_ns < 100 * SECOND]) > 2
    assert not _rows(ran, "fuxi.app_ended")
    assert ran.metrics["fuxi.services_failed_count"] == 0
    assert any(row["time_s"] > 100 for row in _rows(ran, "fuxi.partition_loaded"))
