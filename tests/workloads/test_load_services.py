"""Loads of the base services: what they count is so, and would be noticed if it were not."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from feitian_sim.kernel import SECOND, ScenarioError
from feitian_sim.kuafu import Verdict
from feitian_sim.scenario import build, load_text
from feitian_sim.scenario.wiring import Platform, Ran

HEAD = """\
name: services
duration: {duration}
sample_every: 1s
cluster:
  {{racks: {racks}, machines_per_rack: 5, machine: {{cores: 8, disks: 2, disk: ssd-1tb}}, clients: {{machines: 4}}}}
"""


def platform(body: str, duration: str = "20s", racks: int = 4, **options: Any) -> Platform:
    return build(load_text(HEAD.format(duration=duration, racks=racks) + body, **options))


def rows(ran: Ran, kind: str) -> list[dict[str, Any]]:
    columns = ran.facts.columns(kind)
    if not columns:
        return []
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


# Calls

CHATTER = """\
load:
  - kind: rpc
    name: chatter
    callers: {per_machine: 3}
    servers: {per_machine: 2}
    fanout: 7
    outstanding: 7
    think: {kind: exponential, mean: 300ms}
"""


@pytest.mark.parametrize("proxies", [True, False])
@pytest.mark.parametrize("racks", [2, 6])
def test_connections_that_are_counted_are_those_that_are_simulated(proxies: bool, racks: int) -> None:
    text = f"kuafu: {{proxies: {str(proxies).lower()}}}\n" + CHATTER
    simulated = platform(text, "5s", racks).run()
    counted = platform(text + "    counted_above: 1\n", "5s", racks).run()
    for name in ("kuafu.connections_max_count", "kuafu.machine_connections_max_count"):
        assert simulated.metrics[name] == counted.metrics[name] > 8
    assert not rows(counted, "kuafu.call")


def test_with_proxies_a_machine_has_no_more_connections_than_there_are_other_machines() -> None:
    most = platform(CHATTER, "5s").run().metrics["kuafu.machine_connections_max_count"]
    direct = platform("kuafu: {proxies: false}\n" + CHATTER, "5s").run().metrics["kuafu.machine_connections_max_count"]
    assert most <= 19 < direct


DISCOVERY = """\
nuwa: {{servers: 3, session: 4s}}
load:
  - kind: rpc
    name: echo
    servers: {{machines: [r0/m3, r1/m3]}}
    callers: {{machines: [r2/m4, r3/m4], per_machine: 3}}
    discovery: {{service: echo, balance: {balance}, move_every: {move}, leave_after: {leave}}}
    arrival: {{kind: poisson, rate: 100/s}}
    deadline: 3s
"""


def test_n8_callers_follow_servers_that_move() -> None:
    ran = platform(DISCOVERY.format(balance="round-robin", move="3s", leave="1s"), "30s").run()
    moves = rows(ran, "kuafu.server_moved")
    assert len(moves) == 9
    calls = rows(ran, "kuafu.call")
    assert len(calls) > 2000
    assert not [call for call in calls if call["error"]]
    served = rows(ran, "kuafu.server_held")
    # Each server that there ever was did its part.
    assert len(served) == 11
    assert sum(one["served"] for one in served) == len(calls)
    assert min(one["served"] for one in served) > 50


def test_n8_a_hasty_end_costs_retries_and_no_calls() -> None:
    ran = platform(DISCOVERY.format(balance="least-outstanding", move="3s", leave="0s"), "30s").run()
    assert not [call for call in rows(ran, "kuafu.call") if call["error"]]


# Nuwa

MIX = """\
nuwa: {servers: 5}
load:
  - kind: nuwa
    name: mix
    ratios: {get: 2, fresh: 1, put: 2, create: 1}
    arrival: {kind: poisson, rate: 100/s}
    sessions: 10
"""


def test_the_account_of_a_load_adds_up() -> None:
    ran = platform(MIX).run()
    (account,) = rows(ran, "nuwa.account")
    operations = [row for row in rows(ran, "nuwa.operation") if row["owner"].startswith("mix-")]
    assert account["succeeded"] == len(operations) > 1500
    assert account["failed"] == account["lost"] == 0
    assert account["made"] == sum(row["op"] == "create" for row in operations)
    assert account["begun"] - account["succeeded"] < 10


def test_an_acknowledged_write_that_is_gone_is_noticed() -> None:
    running = platform(MIX)
    nuwa = running.nuwa
    assert nuwa is not None

    def forget() -> None:
        for server in nuwa.servers:
            tree = server.state.tree
            made = next(path for path in tree.nodes if path.startswith("/mix/n-"))
            del tree.nodes[made]
            written = next(path for path, node in tree.nodes.items() if node.version > 0)
            tree.nodes[written].version -= 1

    running.sim.call_at(20 * SECOND - 1, forget)
    assert running.run().metrics["nuwa.acknowledged_lost_count"] == 2


def test_what_only_the_dead_had_applied_is_not_lost() -> None:
    """The leader of two dies: the other has everything in its log and may not say so without a quorum."""
    faults = "faults: [{kind: machine-crash, at: 8s, target: {leader: nuwa.server}}]\n"
    for seed in range(4):
        ran = platform(MIX.replace("servers: 5", "servers: 2") + faults, "12s", seed=seed).run()
        assert ran.metrics["nuwa.acknowledged_lost_count"] == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("killed", "stops"), [(2, False), (3, True)])
def test_two_of_five_cost_nothing_and_three_stop_writes_and_lose_nothing(killed: int, stops: bool, seed: int) -> None:
    faults = (
        "faults: [{kind: process-kill, at: 5s, restart_after: 8s, "
        f"target: {{role: nuwa.server, mode: fixed, value: {killed}}}}}]\n"
    )
    ran = platform(MIX + faults, "25s", racks=5, seed=seed).run()
    assert ran.metrics["nuwa.acknowledged_lost_count"] == 0
    assert (ran.metrics["nuwa.write_pause_s"] >= 8) is stops
    if not stops:
        assert ran.metrics["nuwa.write_pause_s"] < 2


def test_the_leader_of_a_role_is_struck_whoever_it_is() -> None:
    faults = "faults: [{kind: process-kill, every: 5s, restart_after: 2s, target: {leader: nuwa.server}}]\n"
    ran = platform(MIX + faults, "22s", racks=5).run()
    struck = [row["target"] for row in rows(ran, "faults.started")]
    assert len(struck) == 4
    assert len(set(struck)) > 1
    assert ran.metrics["replog.elections_count"] >= 4
    assert ran.metrics["nuwa.acknowledged_lost_count"] == 0


# Locks

LOCKS = """\
nuwa: {{servers: 3, session: 4s}}
load:
  - kind: lock
    name: workers
    clients: 8
    locks: 2
    hold: {{kind: exponential, mean: 500ms}}
    touch_every: 50ms
{faults}
"""


def holdings(ran: Ran) -> dict[str, list[tuple[float, float, int]]]:
    found: dict[str, list[tuple[float, float, int]]] = {}
    for row in rows(ran, "nuwa.lock_held"):
        found.setdefault(str(row["lock"]), []).append((row["start_s"], row["time_s"], int(row["token"])))
    return {lock: sorted(spans) for lock, spans in found.items()}


@pytest.mark.parametrize(
    "faults",
    [
        "",
        "faults: [{kind: network-partition, at: 8s, duration: 8s, split: one, target: {machine: clients/m0}}]",
        "faults: [{kind: process-kill, at: 8s, restart_after: 4s, target: {leader: nuwa.server}}]",
    ],
)
def test_n6_a_lock_has_one_holder_at_a_time_and_its_tokens_grow(faults: str) -> None:
    ran = platform(LOCKS.format(faults=faults), "30s").run()
    spans = holdings(ran)
    assert sum(map(len, spans.values())) > 50
    for held in spans.values():
        for (_, ended, token), (began, _, next_token) in pairwise(held):
            assert began >= ended
            assert next_token > token
    touched = rows(ran, "nuwa.resource_touched")
    assert sum(bool(one["accepted"]) for one in touched) > 200


# An attacker

ATTACK = """\
nuwa: {servers: 3}
load:
  - {kind: nuwa, name: users, ratios: {get: 1, put: 1}, arrival: {kind: poisson, rate: 20/s}, sessions: 5}
  - {kind: attack, name: mallory, machine: r3/m4, arrival: {kind: poisson, rate: 30/s}}
"""

EXPECTED = {
    "no-capability": "no-capability",
    "forged": "forged",
    "altered": "forged",
    "expired": "expired",
    "stolen": "other-subject",
    "impersonated": "challenge-not-answered",
    "widened": "widened",
    "self-signed-root": "key-unknown",
    "other-cell": "other-cell",
    "out-of-scope": "permission-missing",
    "revoked": "revoked",
}


def test_z3_every_attempt_is_refused_for_its_reason_and_users_do_not_notice() -> None:
    ran = platform(ATTACK, "40s").run()
    attempts = rows(ran, "zhongkui.attempt")
    found = {(row["attempt"], row["refused"]) for row in attempts}
    assert found == set(EXPECTED.items())
    assert {row["target"] for row in attempts} == {"nuwa", "zhongkui"}
    assert ran.metrics["zhongkui.unauthorised_count"] == 0
    assert ran.metrics["zhongkui.denied_count"] >= len(attempts) * 10 / 11 - 20
    assert ran.metrics["nuwa.failed_count"] == 0


def test_what_a_sleeping_judge_lets_through_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    running = platform(ATTACK, "40s")
    monkeypatch.setattr(running.judge, "check", lambda *_: Verdict("", 0))
    ran = running.run()
    assert ran.metrics["zhongkui.unauthorised_count"] > 100


# Bad input


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("load: [{kind: nuwa, ratios: {get: 1}, clients: 1}]\n", "add a nuwa section"),
        ("load: [{kind: lock, clients: 1, hold: 1s}]\n", "add a nuwa section"),
        ("load: [{kind: attack, arrival: {kind: poisson, rate: 1/s}}]\n", "add a nuwa section"),
        ("load: [{kind: rpc, outstanding: 1, discovery: {}}]\n", "add a nuwa section"),
        ("load: [{kind: rpc}]\n", "exactly one of arrival"),
        ("load: [{kind: rpc, outstanding: 1, callers: {machines: [r9/m9]}}]\n", "there is no machine 'r9/m9'"),
        ("nuwa: {}\nload: [{kind: nuwa, ratios: {}, clients: 1}]\n", "needs a weight above 0"),
        ("nuwa: {}\nload: [{kind: attack, machine: r0/m99, arrival: {kind: poisson, rate: 1/s}}]\n", "no machine"),
        ("kuafu: {proxies: false}\nfaults: [{kind: process-kill, at: 1s, target: {role: kuafu.proxy}}]\n", "kuafu.proxy"),
    ],
)
def test_bad_loads_are_refused_with_their_place(body: str, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        load_text(HEAD.format(duration="10s", racks=2) + body)


def test_shares_of_a_mix_are_those_of_its_weights() -> None:
    ran = platform(MIX, "60s").run()
    ops = [row["op"] for row in rows(ran, "nuwa.operation") if row["owner"].startswith("mix-")]
    shares = np.array([ops.count(op) / len(ops) for op in ("get", "fresh get", "put", "create")])
    expected = np.array([2, 1, 2, 1]) / 6
    assert np.all(np.abs(shares - expected) < 4 * np.sqrt(expected * (1 - expected) / len(ops)))
