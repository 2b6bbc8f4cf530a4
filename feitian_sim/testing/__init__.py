"""Contract suites that users run on parts of their own.

``check_placement_policy(MyPolicy())``, ``check_rebalancer(MyRebalancer())`` and Fuxi's ``check_fairness_policy``,
``check_machine_choice`` and ``check_preemption_policy`` raise AssertionError with what is broken; call them from a test.
"""

from feitian_sim.testing.placement import check_placement_policy
from feitian_sim.testing.rebalance import check_rebalancer
from feitian_sim.testing.scheduling import check_fairness_policy, check_machine_choice, check_preemption_policy

__all__ = [
    "check_fairness_policy",
    "check_machine_choice",
    "check_placement_policy",
    "check_preemption_policy",
    "check_rebalancer",
]
