"""Contract suites that users run on parts of their own.

``check_placement_policy(MyPolicy())`` raises AssertionError with what is broken; call it from a test.
"""

from feitian_sim.testing.placement import check_placement_policy

__all__ = ["check_placement_policy"]
