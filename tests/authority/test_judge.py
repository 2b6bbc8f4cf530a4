"""Z4: the judge at every port, and that remembering never changes a verdict."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.authority import IssuingOffice, Judge, ZhongkuiConfig
from feitian_sim.authority.facts import Denied
from feitian_sim.kernel import DAY, SECOND, Simulation
from feitian_sim.kuafu import Need
from feitian_sim.zhongkui import Grant, Revocations, delegated

WORKSHOP = "pangu://cell/a"


class Court:
    """A judge with an office, whose refusals are noted."""

    def __init__(self) -> None:
        self.sim = Simulation(seed=1)
        self.config = ZhongkuiConfig()
        self.office = IssuingOffice(self.sim, self.config)
        self.judge = Judge(self.sim, self.config, self.office)
        self.denied: list[Denied] = []
        self.sim.facts.subscribe(Denied, lambda _, item: self.denied.append(item))

    def check(self, subject: str, capability: Any, permission: str = "read", resource: str = WORKSHOP) -> str:
        return self.judge.check("r0/m0", subject, capability, permission, resource).reason


def test_z4_modules_hold_and_show_capabilities_like_everybody() -> None:
    court = Court()
    module = court.office.module("pangu.chunkserver", "r0/m0")
    shown = court.judge.present(module, Need("call", "pangu://cell/.servers"), None)
    assert court.check(module.subject, shown, "call", "pangu://cell/.servers") == ""
    user = court.office.user("ann")
    shown = court.judge.present(user, Need("call", "pangu://cell/.servers"), None)
    assert court.check(user.subject, shown, "call", "pangu://cell/.servers") == "permission-missing"
    assert court.check(module.subject, None, "call", "pangu://cell/.servers") == "no-capability"


def test_every_refusal_is_a_fact_with_its_reason() -> None:
    court = Court()
    ann, bob = court.office.user("ann"), court.office.user("bob")
    assert court.check(bob.subject, ann.capabilities[0]) == "other-subject"
    assert court.check(ann.subject, ann.capabilities[0], "admin") == "permission-missing"
    assert court.check(ann.subject, ann.capabilities[0], "read", "zhongkui://cell/keys") == "resource-outside"
    assert [(one.subject, one.reason) for one in court.denied] == [
        ("user:bob", "other-subject"),
        ("user:ann", "permission-missing"),
        ("user:ann", "resource-outside"),
    ]
    assert court.judge.denied == 3


def test_first_sight_costs_a_verification_for_each_link_and_later_a_look_up_on_each_machine() -> None:
    court = Court()
    ann, bob = court.office.user("ann"), court.office.key_of("user:bob")
    narrow = Grant.of((WORKSHOP,), ("read",), 0, DAY)
    child = delegated(ann.capabilities[0], ann.key, "d", "user:bob", bob.public, narrow)
    verify_ns, check_ns = court.config.verify_cpu, court.config.check_cpu
    for machine in ("r0/m0", "r0/m1"):
        costs = [court.judge.check(machine, "user:bob", child, "read", WORKSHOP).cpu_ns for _ in range(3)]
        assert costs == [2 * verify_ns + check_ns, check_ns, check_ns]
    # The program itself looks at each signature once for the whole simulation.
    assert court.judge.signatures.verifications == 2
    assert court.judge.verified == 4


def test_news_ends_what_was_known_and_older_news_changes_nothing() -> None:
    court = Court()
    ann = court.office.user("ann")
    newest = Revocations().raised("user:bob").raised("user:ann")
    assert court.check(ann.subject, ann.capabilities[0]) == ""
    court.judge.learn("r0/m0", court.office.keyring, newest)
    assert court.check(ann.subject, ann.capabilities[0]) == "revoked"
    court.judge.learn("r0/m0", court.office.keyring, Revocations().raised("user:bob"))
    assert court.check(ann.subject, ann.capabilities[0]) == "revoked"
    # Another machine has not heard of it.
    assert court.judge.check("r0/m1", ann.subject, ann.capabilities[0], "read", WORKSHOP).reason == ""


def test_a_capability_that_ends_between_two_calls_is_refused_at_the_second() -> None:
    court = Court()
    ann = court.office.user("ann")
    assert court.check(ann.subject, ann.capabilities[0]) == ""
    court.sim.run_until(7 * DAY + 5 * SECOND + 1)
    assert court.check(ann.subject, ann.capabilities[0]) == "expired"


SUBJECTS = ("user:ann", "user:bob")
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("check"),
            st.sampled_from(SUBJECTS),
            st.integers(0, 3),
            st.sampled_from(["read", "write", "admin"]),
            st.sampled_from([WORKSHOP, "pangu://cell/b", "zhongkui://cell/keys"]),
        ),
        st.tuples(st.just("revoke"), st.sampled_from([*SUBJECTS, "c1"])),
        st.tuples(st.just("wait"), st.sampled_from([SECOND, 2 * DAY])),
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_remembering_never_changes_a_verdict(steps: list[Any]) -> None:
    court = Court()
    users = [court.office.user("ann"), court.office.user("bob")]
    narrow = Grant.of((WORKSHOP,), ("read",), 0, 3 * DAY)
    shown: list[Any] = [user.capabilities[0] for user in users]
    shown.append(delegated(shown[0], users[0].key, "d", "user:bob", users[1].key.public, narrow))
    shown.append(None)
    news = Revocations()
    for step in steps:
        if step[0] == "wait":
            court.sim.run_until(court.sim.now + step[1])
        elif step[0] == "revoke":
            news = news.without(step[1]) if step[1] == "c1" else news.raised(step[1])
            court.judge.learn("r0/m0", court.office.keyring, news)
        else:
            _, subject, which, permission, resource = step
            forgetful = Judge(court.sim, court.config, court.office)
            forgetful.learn("r0/m0", court.office.keyring, news)
            expected = forgetful.check("r0/m0", subject, shown[which], permission, resource).reason
            assert court.check(subject, shown[which], permission, resource) == expected


def test_keys_are_renewed_before_they_end_only_when_the_overlap_allows_it() -> None:
    with pytest.raises(ValueError, match="overlap must be at least lifetime"):
        ZhongkuiConfig.model_validate({"lifetime": "7d", "overlap": "6d"})
    with pytest.raises(ValueError, match="renew_before must be below lifetime"):
        ZhongkuiConfig.model_validate({"lifetime": "1d", "renew_before": "1d"})
