"""Facts: what happened, in the past tense, typed; the only thing that leaves a model (DESIGN rule 7).

Tables, metrics, figures, invariants and the digest are all subscribers. *Canonical* facts are always built and
are the substance of the digest; the others are observations (samples, messages) that are built only when
somebody wants them. Fields are plain ``int``, ``float``, ``str`` and ``bool``; the unit ends the name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from hashlib import blake2b
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, dataclass_transform

from feitian_sim.kernel.record import record

_SEPARATOR = "\x1f"


class Fact:
    """Something that happened. Declare one with :func:`fact`."""

    __slots__ = ()

    kind: ClassVar[str]
    canonical: ClassVar[bool]
    detail: ClassVar[bool]
    field_names: ClassVar[tuple[str, ...]]
    values: ClassVar[Callable[[Fact], tuple[Any, ...]]]
    line: ClassVar[Callable[[Fact], str]]


F = TypeVar("F", bound=Fact)
Subscriber = Callable[[int, Any], None]


@dataclass_transform(frozen_default=True)
def fact(kind: str, *, canonical: bool = True, detail: bool = False) -> Callable[[type[F]], type[F]]:
    """Make a class of annotated fields a fact of ``kind`` (``"part.past_participle"``): frozen and slotted.

    A ``detail`` is too frequent to be kept: it is built for those only who subscribed to its very kind.
    """
    assert not (canonical and detail), f"{kind}: what the digest is made of is kept"

    def declare(cls: type[F]) -> type[F]:
        built: type[F] = record(cls)
        names = tuple(field.name for field in fields(built))  # type: ignore[arg-type]
        built.kind = kind
        built.canonical = canonical
        built.detail = detail
        built.field_names = names
        built.values = staticmethod(_reader(names))
        built.line = staticmethod(_writer(kind, names))
        return built

    return declare


def _reader(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda _: ()
    if len(names) == 1:
        single = attrgetter(names[0])
        return lambda item: (single(item),)
    return attrgetter(*names)


def _writer(kind: str, names: tuple[str, ...]) -> Callable[[Any], str]:
    """Makes the line of a fact: its kind and the values of its fields, one after the other."""
    # repr keeps every bit of a float and tells "1" from 1.
    shown = _SEPARATOR.join(f"{{item.{name}!r}}" for name in names)
    found: Callable[[Any], str] = eval(f"lambda item: f'{kind}{_SEPARATOR}{shown}'")
    return found


class _Plan:
    """What is to be done with the facts of one class."""

    __slots__ = ("is_canonical", "line", "of_its_kind", "to_all")

    def __init__(self, what: type[Fact], of_its_kind: Sequence[Subscriber], to_all: Sequence[Subscriber]) -> None:
        self.is_canonical = what.canonical
        self.line = what.line
        self.of_its_kind = of_its_kind
        self.to_all = () if what.detail else to_all


class FactBus:
    """Hands each fact to who subscribed, and keeps the digest of the canonical ones.

    Facts of one instant are sorted before they are hashed, so that the digest depends on what happened and
    when, not on the order in which equal-time events ran.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._by_kind: dict[str, list[Subscriber]] = {}
        self._to_all: list[Subscriber] = []
        # Of each class of which there were facts, or somebody asked whether they are wanted; until the next subscription.
        self._plans: dict[type[Fact], _Plan] = {}
        self._wanted: dict[type[Fact], bool] = {}
        self._hash = blake2b(digest_size=16)
        self._instant = -1
        self._lines: list[str] = []
        #: Canonical facts so far.
        self.canonical_count = 0

    def subscribe(self, what: str | type[Fact], subscriber: Subscriber) -> None:
        """Call ``subscriber(time_ns, fact)`` for each fact of a kind or class, or of every kind but details (``"*"``)."""
        self._plans.clear()
        self._wanted.clear()
        if what == "*":
            self._to_all.append(subscriber)
        else:
            kind = what if isinstance(what, str) else what.kind
            self._by_kind.setdefault(kind, []).append(subscriber)

    def wants(self, what: type[Fact]) -> bool:
        """Whether anybody listens: a high-volume fact that nobody wants need not be built."""
        try:
            return self._wanted[what]
        except KeyError:
            is_kept = not what.detail and (what.canonical or bool(self._to_all))
            wanted = self._wanted[what] = is_kept or what.kind in self._by_kind
            return wanted

    def emit(self, item: Fact) -> None:
        """Publish ``item`` at the present instant."""
        self.emit_at(self._now(), item)

    def emit_at(self, now_ns: int, item: Fact) -> None:
        """Publish ``item``; ``now_ns`` is the present instant."""
        plan = self._plans.get(item.__class__) or self._plan(item.__class__)
        if plan.is_canonical:
            if now_ns != self._instant:
                self._close_instant()
                self._instant = now_ns
            self._lines.append(plan.line(item))
            self.canonical_count += 1
        for subscriber in plan.of_its_kind:
            subscriber(now_ns, item)
        for subscriber in plan.to_all:
            subscriber(now_ns, item)

    def _plan(self, what: type[Fact]) -> _Plan:
        plan = self._plans[what] = _Plan(what, self._by_kind.get(what.kind, ()), self._to_all)
        return plan

    def digest(self) -> str:
        """Hex digest of all canonical facts so far (BLAKE2b, 128 bits)."""
        rest = self._hash.copy()
        rest.update(self._instant_bytes())
        return rest.hexdigest()

    def _close_instant(self) -> None:
        if self._lines:
            self._hash.update(self._instant_bytes())
            self._lines.clear()

    def _instant_bytes(self) -> bytes:
        if not self._lines:
            return b""
        return f"@{self._instant}\n{chr(10).join(sorted(self._lines))}\n".encode()


def fact_line(item: Fact) -> str:
    """A fact as the digest has it."""
    return type(item).line(item)
