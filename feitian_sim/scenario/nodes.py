"""From the YAML graph of nodes to plain data, with the position of every key and value.

Aliases are expanded within bounds: a bomb is small as text only, and a cycle has no expansion at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from feitian_sim.scenario.problems import KeyPath, Position, Problem, ScenarioProblems, dotted

#: Values after aliases are expanded.
VALUES_MOST = 100_000
DEPTH_MOST = 60
_TAG = "tag:yaml.org,2002:"


@dataclass(slots=True)
class Source:
    """Plain data of a scenario and where each part of it stands."""

    data: dict[str, Any]
    #: Where a key stands (for an item of a list: the item).
    keys: dict[KeyPath, Position] = field(default_factory=dict)
    #: Where a value begins.
    values: dict[KeyPath, Position] = field(default_factory=dict)

    def key(self, path: KeyPath) -> Position:
        """Where the key at ``path`` stands, or the nearest part around it."""
        return self._nearest(path, self.keys)

    def value(self, path: KeyPath) -> Position:
        """Where the value at ``path`` begins, or the nearest part around it."""
        return self._nearest(path, self.values)

    def _nearest(self, path: KeyPath, places: dict[KeyPath, Position]) -> Position:
        for length in range(len(path), -1, -1):
            place = places.get(path[:length])
            if place is not None:
                return place
        return self.values[()]

    def forget(self, path: KeyPath) -> None:
        """Drop the positions at and below ``path``."""
        for places in (self.keys, self.values):
            for known in [known for known in places if known[: len(path)] == path]:
                del places[known]


def describe(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def refused(position: Position, message: str) -> ScenarioProblems:
    """One problem that ends the reading."""
    return ScenarioProblems([Problem(position, message)])


def mark(name: str, place: Any) -> Position:
    """A mark of ruamel, which counts from 0, as a position."""
    return Position(name) if place is None else Position(name, place.line + 1, place.column + 1)


class Walk:
    """From the graph of nodes to plain data, noting positions and expanding aliases within bounds."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.keys: dict[KeyPath, Position] = {}
        self.values: dict[KeyPath, Position] = {}
        self.problems: list[Problem] = []
        self._count = 0
        self._open: list[Node] = []

    def plain(self, node: Node, path: KeyPath) -> Any:
        """The data of ``node``, which stands at ``path``."""
        position = mark(self.name, node.start_mark)
        self._spend(position)
        if any(node is outer for outer in self._open):
            raise refused(position, "an alias (*name) contains itself")
        self.values[path] = position
        if isinstance(node, ScalarNode):
            return self._scalar(node, path, position)
        if len(self._open) >= 2 * DEPTH_MOST:
            raise refused(position, f"aliases (*name) nest deeper than {2 * DEPTH_MOST} levels")
        if str(node.tag) not in {f"{_TAG}map", f"{_TAG}seq"}:
            self._note(position, f"the tag {node.tag} is not allowed here: leave it out", path)
        self._open.append(node)
        try:
            return self._sequence(node, path) if isinstance(node, SequenceNode) else self._mapping(node, path)
        finally:
            self._open.pop()

    def _sequence(self, node: SequenceNode, path: KeyPath) -> list[Any]:
        for index, item in enumerate(node.value):
            self.keys[*path, index] = mark(self.name, item.start_mark)
        return [self.plain(item, (*path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: Node, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        own: dict[str, Position] = {}
        for key_node, value_node in self._pairs(node):
            position = mark(self.name, key_node.start_mark)
            key = str(key_node.value)
            if key in own:
                first = f"line {own[key].line}, column {own[key].column}"
                message = f"{key!r} is given twice: it stands already in {first}"
                self._note(position, message, (*path, key))
                continue
            own[key] = position
            self.keys[*path, key] = position
            result[key] = self.plain(value_node, (*path, key))
        for inherited in self._merged(node):
            self._inherit(inherited, path, result)
        return result

    def _pairs(self, node: Node) -> Iterator[tuple[Node, Node]]:
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self.problems.append(Problem(mark(self.name, key_node.start_mark), "a key must be plain text"))
            elif str(key_node.tag) != f"{_TAG}merge":
                yield key_node, value_node

    def _merged(self, node: Node) -> Iterator[Node]:
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode) or str(key_node.tag) != f"{_TAG}merge":
                continue
            for part in value_node.value if isinstance(value_node, SequenceNode) else [value_node]:
                if isinstance(part, MappingNode):
                    yield part
                else:
                    self.problems.append(Problem(mark(self.name, part.start_mark), "<< needs a mapping (*name)"))

    def _inherit(self, node: Node, path: KeyPath, result: dict[str, Any]) -> None:
        if any(node is outer for outer in self._open):
            raise refused(mark(self.name, node.start_mark), "an alias (*name) contains itself")
        self._spend(mark(self.name, node.start_mark))
        self._open.append(node)
        for key_node, value_node in self._pairs(node):
            key = str(key_node.value)
            if key not in result:
                self.keys[*path, key] = mark(self.name, key_node.start_mark)
                result[key] = self.plain(value_node, (*path, key))
        for inherited in self._merged(node):
            self._inherit(inherited, path, result)
        self._open.pop()

    def _scalar(self, node: ScalarNode, path: KeyPath, position: Position) -> Any:
        tag = str(node.tag).removeprefix(_TAG)
        try:
            return _typed(tag, node.value)
        except ValueError:
            self._note(position, f"{node.value!r} is not of the type !!{tag}", path)
        except KeyError:
            self._note(position, f"the tag {node.tag} is not allowed here: leave it out", path)
        return node.value

    def _spend(self, position: Position) -> None:
        self._count += 1
        if self._count > VALUES_MOST:
            raise refused(position, f"more than {VALUES_MOST} values, aliases (*name) expanded")

    def _note(self, position: Position, message: str, path: KeyPath) -> None:
        self.problems.append(Problem(position, message, dotted(path)))


def _typed(tag: str, text: str) -> Any:
    if tag in {"str", "timestamp"}:
        return text
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() in {"true", "yes", "on"}
    if tag == "int":
        return _integer(text)
    if tag == "float":
        return float(re.sub(r"\.(inf|nan)$", r"\1", text.lower().replace("_", "")))
    raise KeyError(tag)


def _integer(text: str) -> int:
    plain = text.replace("_", "").lower()
    base = {"0x": 16, "0o": 8, "0b": 2}.get(plain.lstrip("+-")[:2], 10)
    return int(plain, base)
