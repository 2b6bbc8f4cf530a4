"""Facts: what happened, in the past tense, typed; the only thing that leaves a model (DESIGN rule 7).

Tables, metrics, figures, invariants and the digest are all subscribers. *Canonical* facts are always built and
are the substance of the digest; the others are observations (samples, messages) that are built only when
somebody wants them. Fields are plain ``int``, ``float``, ``str`` and ``bool``; the unit ends the name.
"""

from __future__ import annotations

from collections.abc import Callable
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
        return built

    return declare


def _reader(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if not names:
        return lambda _: ()
    if len(names) == 1:
        single = attrgetter(names[0])
        return lambda item: (single(item),)
    return attrgetter(*names)


class FactBus:
    """Hands each fact to who subscribed, and keeps the digest of the canonical ones.

    Facts of one instant are sorted before they are hashed, so that the digest depends on what happened and
    when, not on the order in which equal-time events ran.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._by_kind: dict[str, list[Subscriber]] = {}
        self._to_all: list[Subscriber] = []
        self._hash = blake2b(digest_size=16)
        self._instant = -1
        self._lines: list[str] = []
        #: Canonical facts so far.
        self.canonical_count = 0

    def subscribe(self, what: str | type[Fact], subscriber: Subscriber) -> None:
        """Call ``subscriber(time_ns, fact)`` for each fact of a kind or class, or of every kind but details (``"*"``)."""
        if what == "*":
            self._to_all.append(subscriber)
        else:
            kind = what if isinstance(what, str) else what.kind
            self._by_kind.setdefault(kind, []).append(subscriber)

    def wants(self, what: type[Fact]) -> bool:
        """Whether anybody listens: a high-volume fact that nobody wants need not be built."""
        if what.detail:
            return what.kind in self._by_kind
        return bool(self._to_all) or what.canonical or what.kind in self._by_kind

    def emit(self, item: Fact) -> None:
        """Publish ``item`` at the present instant."""
        self.emit_at(self._now(), item)

    def emit_at(self, now_ns: int, item: Fact) -> None:
        """Publish ``item``; ``now_ns`` is the present instant."""
        if item.canonical:
            if now_ns != self._instant:
                self._close_instant()
                self._instant = now_ns
            self._lines.append(fact_line(item))
            self.canonical_count += 1
        for subscriber in self._by_kind.get(item.kind, ()):
            subscriber(now_ns, item)
        if item.detail:
            return
        for subscriber in self._to_all:
            subscriber(now_ns, item)

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
    # repr keeps every bit of a float and tells "1" from 1.
    return item.kind + _SEPARATOR + _SEPARATOR.join(map(repr, type(item).values(item)))
