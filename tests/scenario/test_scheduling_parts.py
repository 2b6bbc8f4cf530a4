"""``fuxi.schedule``: what is wrong in it is said with its line, and a policy of the user's own is used."""

from __future__ import annotations

import pytest

from feitian_sim.kernel import ScenarioError
from feitian_sim.scenario import load

SCENARIO = """\
name: shared
question: Who goes first?
seed: 1
duration: 1m
cluster: {racks: 2, machines_per_rack: 5}
nuwa: {}
fuxi:
  schedule:
%s
"""

OWN = """\
from feitian_sim.fuxi.fairness import FairnessPolicy


class Alphabetical(FairnessPolicy):
    weight: float = 1.0

    def key(self, party):
        return self.weight * ord(party.name[0])
"""


def _loaded(tmp_path, schedule):
    file = tmp_path / "shared.yaml"
    file.write_text(SCENARIO % schedule)
    return load(file)


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("    fairness: drv", r"shared.yaml:9:15: .*no fairness policy 'drv'.*drf"),
        ("    fairness: {kind: drf, amongst: user}", r"shared.yaml:9:27: .*no option 'amongst'.*among"),
        ("    fairness: {kind: drf, among: rack}", r"shared.yaml:9:34: .*'app', 'user' or 'group'"),
        ("    machine_choice: pak", r"no machine choice 'pak'.*pack"),
        ("    preemption: lates", r"no preemption policy 'lates'.*latest"),
        ("    fairness: own.py:Alphabetic", r"did you mean own.py:Alphabetical"),
        ("    groups: [{name: a, minimum: 60%}, {name: b, minimum: 50%}]", r"add up to 110% of the cluster"),
        ("    groups: [{name: a, minimum: 60%, maximum: 50%}]", r"above its maximum"),
        ("    groups: [{name: a}, {name: a}]", r"two quota groups 'a'"),
    ],
)
def test_a_mistake_is_refused_with_its_place(tmp_path, schedule, words):
    (tmp_path / "own.py").write_text(OWN)
    with pytest.raises(ScenarioError, match=words):
        _loaded(tmp_path, schedule)


def test_a_policy_of_the_users_own_is_loaded_with_its_options(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    loaded = _loaded(tmp_path, "    fairness: {kind: own.py:Alphabetical, weight: 2}")
    (part,) = loaded.policies
    assert (part.key, part.create().weight) == ("fuxi.schedule.fairness", 2.0)
