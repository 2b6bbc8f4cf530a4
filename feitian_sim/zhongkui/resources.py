"""Resources and the patterns that stand for many of them.

A resource is ``scheme://name/name/...``: ``pangu://cell/home/a.txt``, ``nuwa://cell/service/``, ``ots://cell/orders``. A
directory ends in ``/``. In a pattern the name ``*`` stands for any one name, and ``**`` at the end for everything below:
``pangu://cell/home/**`` covers the directory ``/home/`` and all in it. Patterns have no other signs, so whether one lies
within another can be told exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

ANY_NAME = "*"
ANYTHING_BELOW = "**"


class BadPattern(ValueError):
    """The text is no resource or pattern; says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """``scheme`` and names; ``below``: whether everything under them is covered too."""

    scheme: str
    names: tuple[str, ...]
    below: bool

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read a pattern. Raises :class:`BadPattern`."""
        scheme, separator, rest = text.partition("://")
        if not separator or not scheme or not rest:
            raise BadPattern(f"{text!r} is not scheme://name/...")
        names = tuple(rest.split("/"))
        below = names[-1] == ANYTHING_BELOW
        if below:
            names = names[:-1]
        for position, name in enumerate(names):
            if name == ANYTHING_BELOW:
                raise BadPattern(f"{text!r}: ** can only be the last name")
            if not name and position != len(names) - 1:
                raise BadPattern(f"{text!r} has an empty name")
            if name in (".", ".."):
                raise BadPattern(f"{text!r}: paths are absolute, without . and ..")
        if not names or not names[0]:
            raise BadPattern(f"{text!r} names nothing")
        return cls(scheme, names, below)

    def __str__(self) -> str:
        return f"{self.scheme}://" + "/".join((*self.names, ANYTHING_BELOW) if self.below else self.names)

    def covers(self, resource: str) -> bool:
        """Whether a resource is one of those that the pattern stands for. ``*`` in a resource is a name like others."""
        scheme, _, rest = resource.partition("://")
        if scheme != self.scheme:
            return False
        names = rest.split("/")
        if len(names) < len(self.names) or (len(names) > len(self.names) and not self.below):
            return False
        if self.below and len(names) == len(self.names):
            # What is below has a slash more, at least: the directory itself is written with one.
            return False
        return all(mine == name or (mine == ANY_NAME and name) for mine, name in zip(self.names, names, strict=False))

    def is_within(self, other: Pattern) -> bool:
        """Whether every resource that this covers is covered by ``other``."""
        if self.scheme != other.scheme:
            return False
        if other.below:
            # What this covers has as many names as it has itself, and one more at least if it goes below.
            if len(self.names) + self.below <= len(other.names):
                return False
        elif self.below or len(self.names) != len(other.names):
            return False
        pairs = zip(other.names, self.names, strict=False)
        return all(theirs == name or (theirs == ANY_NAME and name != "") for theirs, name in pairs)
