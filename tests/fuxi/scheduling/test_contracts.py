"""Every policy that comes with Fuxi keeps its contract, and one that does not is found."""

from __future__ import annotations

import pytest

from feitian_sim.fuxi.fairness import FAIRNESS, FairnessPolicy
from feitian_sim.fuxi.machine_choice import MACHINE_CHOICES, MachineChoice
from feitian_sim.fuxi.preemption import PREEMPTION, PreemptionPolicy
from feitian_sim.testing import check_fairness_policy, check_machine_choice, check_preemption_policy


@pytest.mark.parametrize("kind", list(FAIRNESS))
def test_fairness_policies_keep_their_contract(kind):
    check_fairness_policy(FAIRNESS[kind]())


@pytest.mark.parametrize("among", ["app", "user", "group"])
@pytest.mark.parametrize("kind", ["drf", "max-min", "asset"])
def test_fairness_among_others_keeps_the_contract_too(kind, among):
    check_fairness_policy(FAIRNESS[kind](among=among))


@pytest.mark.parametrize("kind", list(MACHINE_CHOICES))
def test_machine_choices_keep_their_contract(kind):
    check_machine_choice(MACHINE_CHOICES[kind]())


@pytest.mark.parametrize("kind", list(PREEMPTION))
def test_preemption_policies_keep_their_contract(kind):
    check_preemption_policy(PREEMPTION[kind]())


class Falling(FairnessPolicy):
    def key(self, party):
        return -float(party.used[0])


class Nameless(FairnessPolicy):
    def key(self, party):
        return float("nan")


class Unheard(FairnessPolicy):
    among: str = "rack"


class Spending(FairnessPolicy):
    def key(self, party):
        party.used[0] += 1
        return 0.0


@pytest.mark.parametrize(
    ("policy", "words"),
    [(Falling(), "falls to"), (Nameless(), "no order"), (Unheard(), "none of"), (Spending(), "changed the books")],
)
def test_a_broken_fairness_policy_is_found(policy, words):
    with pytest.raises(AssertionError, match=words):
        check_fairness_policy(policy)


class Always(MachineChoice):
    machine: int = 0

    def choose(self, cluster, candidates, shape):
        return self.machine


class Greedy(MachineChoice):
    def choose(self, cluster, candidates, shape):
        return candidates.bit_length() - 1

    def at_once(self, cluster, machine, shape, fit):
        return fit + 1


class Closing(Greedy):
    def choose(self, cluster, candidates, shape):
        cluster.index.open &= ~1
        return candidates.bit_length() - 1

    def at_once(self, cluster, machine, shape, fit):
        return fit


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Always(), "none of them"), (Always(machine=-1), "chose -1"), (Greedy(), "have room"),
        (Closing(), "changed the books"),
    ],
)  # fmt: skip
def test_a_broken_machine_choice_is_found(policy, words):
    with pytest.raises(AssertionError, match=words):
        check_machine_choice(policy)


class Flat(PreemptionPolicy):
    def rank(self, victim):
        return victim.share


class Uneven(PreemptionPolicy):
    def rank(self, victim):
        return (0.0,) * (1 + victim.arrival % 2)


@pytest.mark.parametrize(("policy", "words"), [(Flat(), "not a tuple"), (Uneven(), "different lengths")])
def test_a_broken_preemption_policy_is_found(policy, words):
    with pytest.raises(AssertionError, match=words):
        check_preemption_policy(policy)
