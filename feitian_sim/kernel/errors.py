"""Errors, told apart by whose mistake they are.

The kernel stands below everything, so every package raises these and the command alone turns them into
words and exit codes: a :class:`ScenarioError` is the user's, a :class:`SimulatedError` belongs to the story
that a model tells, an :class:`InvariantError` is ours. An ``assert`` is ours too, found on the spot.
"""

from __future__ import annotations


class FeitianError(Exception):
    """Anything that this package raises on purpose."""


class ScenarioError(FeitianError):
    """The user's input is wrong: the message says where, what was found and what would be right."""


class EnvironmentRefusal(FeitianError):
    """The surroundings refuse: a folder that cannot be written, a full disk, a folder in use."""


class SimulatedError(FeitianError):
    """Something failed inside the simulated world; models catch it as part of the story."""


class InvariantError(FeitianError):
    """A check found that the simulator itself broke a promise."""
