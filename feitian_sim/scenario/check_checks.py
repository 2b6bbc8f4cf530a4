"""What can be wrong with the ``check`` part of a scenario: ids, profiles, loads and budgets that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from feitian_sim.checking.catalogue import known_ids
from feitian_sim.faults.swarm import PROFILES
from feitian_sim.scenario.draft import Draft
from feitian_sim.scenario.problems import Problem
from feitian_sim.scenario.roles import MASTER_ROLE, NUWA_ROLE, roles
from feitian_sim.workloads.check import load_names


def check_is_possible(draft: Draft) -> Iterator[Problem]:
    """What is to hold is known, and what must be survived is less than there is."""
    scenario = draft.scenario
    if not draft.sound(("cluster",), ("cluster", "machine"), ("pangu",), ("nuwa",), ("load",), ("check",)):
        return
    check = scenario.check
    if check is None:
        return
    ids = known_ids()
    for name in check.invariants or ():
        if name not in ids:
            yield draft.problem(("check", "invariants"), _unknown("invariant", name, ids))
    if check.profile not in PROFILES:
        yield draft.problem(("check", "profile"), _unknown("profile", check.profile, tuple(PROFILES)))
    names = tuple(load_names(scenario.load))
    for name in check.sometimes:
        if name not in names:
            yield draft.problem(("check", "sometimes", name), _unknown("load", name, names))
    draws = check.invariants is None and check.liveness is None and check.profile != "none"
    if draws and check.faults_until + check.converge >= scenario.duration:
        yield draft.problem(
            ("check", "converge"), "faults_until and converge together must leave time before the end to judge: duration"
        )
    hosted = roles(scenario)
    for role in (NUWA_ROLE, MASTER_ROLE):
        members = len(hosted.get(role, ()))
        if members and check.budget.servers_down > (members - 1) // 2:
            yield draft.problem(
                ("check", "budget", "servers_down"),
                f"{check.budget.servers_down} of {members} members of {role} cannot be survived: "
                f"at most {(members - 1) // 2}",
            )
        if members and check.budget.disks_lost > (members - 1) // 2:
            yield draft.problem(
                ("check", "budget", "disks_lost"),
                f"{check.budget.disks_lost} lost disks of {members} members of {role} cannot be survived: "
                f"at most {(members - 1) // 2}",
            )
    if scenario.pangu is not None and check.budget.replicas > scenario.pangu.replicas:
        yield draft.problem(("check", "budget", "replicas"), f"more than pangu.replicas, {scenario.pangu.replicas}")


def _unknown(what: str, found: str, names: tuple[str, ...]) -> str:
    near = get_close_matches(found, names, n=1)
    hint = f", did you mean {near[0]}?" if near else ""
    return f"there is no {what} {found!r}{hint} ({', '.join(names)})"
