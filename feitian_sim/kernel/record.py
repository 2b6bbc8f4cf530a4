"""Records: frozen and slotted data classes that are cheap to make; facts and messages are made by the thousand.

Python's own frozen data classes set each field through ``object.__setattr__``, which costs several times a plain
assignment. Here the fields are assigned to an object of an open twin, a class of the same layout, which then becomes
one of the frozen class.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

C = TypeVar("C")


@dataclass_transform(frozen_default=True)
def record(cls: type[C]) -> type[C]:
    """Make a class of annotated fields a frozen, slotted data class. Defaults are values, never factories."""
    built: Any = dataclass(frozen=True, slots=True)(cls)
    own = tuple(field.name for field in fields(built))
    assert not hasattr(built, "__post_init__"), f"{cls.__name__} is made in one step"
    if own:
        twin = type(cls.__name__, built.__bases__, {"__slots__": built.__slots__})
        built.__new__ = _maker(built, twin)
        del built.__init__
        built.__reduce__ = _reducer(built, own)
    made: type[C] = built
    return made


def _maker(built: Any, twin: type) -> Any:
    """A ``__new__`` with the fields as parameters, made as data classes make their ``__init__``."""
    names: dict[str, Any] = {"_twin": twin, "_new": object.__new__}
    parameters, body = ["_cls"], ["    _self = _new(_twin)"]
    for field in fields(built):
        assert field.default_factory is MISSING, f"{built.__name__}.{field.name} has a default that is made anew"
        has_default = field.default is not MISSING
        if has_default:
            names[f"_default_{field.name}"] = field.default
        parameters.append(f"{field.name}=_default_{field.name}" if has_default else field.name)
        body.append(f"    _self.{field.name} = {field.name}")
    lines = [f"def __new__({', '.join(parameters)}):", *body, "    _self.__class__ = _cls", "    return _self"]
    exec("\n".join(lines), names)
    return names["__new__"]


def _reducer(built: Any, own: tuple[str, ...]) -> Any:
    """Copies and pickles are made like any other: from the values of the fields."""
    read = attrgetter(*own)
    if len(own) == 1:
        return lambda self: (built, (read(self),))
    return lambda self: (built, read(self))
