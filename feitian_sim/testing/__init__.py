"""Contract suites that users run on parts of their own.

``check_placement_policy(MyPolicy())``, ``check_rebalancer(MyRebalancer())`` and Fuxi's ``check_fairness_policy``,
``check_machine_choice``, ``check_preemption_policy``, ``check_task_program``, ``check_job_program``,
``check_role_program`` and ``check_hotspot_policy`` raise AssertionError with what is broken; call them from a test.
"""

from feitian_sim.testing.placement import check_placement_policy
from feitian_sim.testing.programs import (
    check_hotspot_policy,
    check_job_program,
    check_role_program,
    check_task_program,
)
from feitian_sim.testing.rebalance import check_rebalancer
from feitian_sim.testing.scheduling import check_fairness_policy, check_machine_choice, check_preemption_policy

__all__ = [
    "check_fairness_policy",
    "check_hotspot_policy",
    "check_job_program",
    "check_machine_choice",
    "check_placement_policy",
    "check_preemption_policy",
    "check_rebalancer",
    "check_role_program",
    "check_task_program",
]
