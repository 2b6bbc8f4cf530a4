"""Contract suites that users run on parts of their own.

``check_placement_policy(MyPolicy())`` and ``check_rebalancer(MyRebalancer())`` raise AssertionError with what is broken;
call them from a test.
"""

from feitian_sim.testing.placement import check_placement_policy
from feitian_sim.testing.rebalance import check_rebalancer

__all__ = ["check_placement_policy", "check_rebalancer"]
