"""Resource vectors: what a machine has, what a process needs; integers in a fixed order of dimensions.

CPU is in thousandths of a core, memory and local storage are in bytes, and any number of named virtual resources
(licences, slots of concurrency) are in whole units. Everything that decides adds and compares these tuples and
nothing else, so no rounding can ever let a machine be filled beyond what it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Amounts in the order of the dimensions.
Vector = tuple[int, ...]

CPU = "cpu"
MEMORY = "memory"
STORAGE = "storage"
#: What every machine has, in this order, before the virtual resources.
PHYSICAL = (CPU, MEMORY, STORAGE)
#: Of one core.
MILLICORES = 1000


@dataclass(frozen=True, slots=True)
class Dimensions:
    """The names of a cell's resources, in the order of its vectors: the physical ones, then the virtual ones."""

    virtual: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names in order."""
        return (*PHYSICAL, *self.virtual)

    @property
    def zero(self) -> Vector:
        """Nothing of anything."""
        return (0,) * len(self.names)

    def vector(self, amounts: Mapping[str, int]) -> Vector:
        """The vector of named amounts; what is not named is 0. Raises KeyError for a resource that the cell lacks."""
        unknown = [name for name in amounts if name not in self.names]
        if unknown:
            raise KeyError(unknown[0])
        return tuple(amounts.get(name, 0) for name in self.names)


def fits(need: Vector, free: Vector) -> bool:
    """Whether ``free`` has room for one of ``need``."""
    return all(wanted <= there for wanted, there in zip(need, free, strict=True))
