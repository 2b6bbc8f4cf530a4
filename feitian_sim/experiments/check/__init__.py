"""`feitian check`: a scenario under random faults over many seeds, with all oracles on, and what fails made small.

:mod:`.trial` draws what one seed does to the scenario, :mod:`.judge` runs it and says what did not hold, :mod:`.hunt`
does so for many seeds, :mod:`.shrink` makes a failing seed small, :mod:`.found` writes it as a scenario that fails again.
"""
