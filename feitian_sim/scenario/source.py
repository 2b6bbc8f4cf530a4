"""Reading YAML 1.2 with the position of every key and value.

``ruamel.yaml`` parses (pure, safe) into a graph of nodes, each with its mark; from the graph come the plain data
and, for every key path, where its key and its value stand. YAML 1.2 takes ``no``, ``1:30`` and ``010`` for what they
are. What a text can do to hurt is bounded before it is done: bytes before reading, depth while composing, values
while aliases are expanded.
"""

from __future__ import annotations

import stat
import warnings
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError

from feitian_sim.scenario.nodes import DEPTH_MOST, Source, Walk, describe, mark, refused
from feitian_sim.scenario.problems import Position, Problem, nearest

#: A scenario is written by people; a larger file is a mistake.
SIZE_BYTES_MOST = 1 << 20


def read(path: Path, shown: str | None = None) -> tuple[Source, list[Problem]]:
    """The scenario file at ``path``, and what is wrong inside that does not stop the reading (duplicate keys).

    ``shown`` is the name for messages. Raises ScenarioProblems when there is nothing to go on with.
    """
    name = shown or str(path)
    source, problems = parse(_text(path, name), name)
    if source.data is None:
        message = "the file is empty: a scenario needs at least name, duration and cluster"
        raise refused(Position(name, 1, 1), message)
    if not isinstance(source.data, dict):
        found = describe(source.data)
        raise refused(source.values[()], f"a scenario is a mapping of keys to values; found {found}")
    # Keys that begin with "x-" hold anchors for use elsewhere in the file.
    for key in [key for key in source.data if key.startswith("x-")]:
        del source.data[key]
        source.forget((key,))
    return source, problems


def parse(text: str, name: str) -> tuple[Source, list[Problem]]:
    """Any YAML document; its data may be of any type. Raises ScenarioProblems if it is not YAML."""
    walk = Walk(name)
    root = _compose(text, name)
    data = None if root is None else walk.plain(root, ())
    walk.values.setdefault((), Position(name, 1, 1))
    return Source(data, walk.keys, walk.values), walk.problems  # type: ignore[arg-type]


def _text(path: Path, name: str) -> str:
    whole = Position(name)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise refused(whole, "this is a folder; give the scenario file inside it")
        if not stat.S_ISREG(status.st_mode):
            raise refused(whole, "not a regular file")
        if status.st_size > SIZE_BYTES_MOST:
            size = f"{status.st_size / (1 << 20):.1f} MiB"
            raise refused(whole, f"the file has {size}; a scenario has at most 1 MiB (large inputs are traces)")
        raw = path.read_bytes()
    except FileNotFoundError:
        raise refused(whole, f"there is no such file{_neighbours(path)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise refused(whole, f"the file cannot be read: {reason}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig", "replace")) + 1
        message = f"the file is not UTF-8 (byte 0x{raw[error.start]:02x}): save it as UTF-8"
        raise refused(Position(name, line, column), message) from None


def _neighbours(path: Path) -> str:
    try:
        names = sorted(other.name for other in path.parent.iterdir() if other.suffix in {".yaml", ".yml"})
    except OSError:
        return f" (nor the folder {path.parent})"
    near = nearest(path.name, names)
    return f"; did you mean {path.with_name(near)}?" if near else ""


def _compose(text: str, name: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = DEPTH_MOST
    try:
        with warnings.catch_warnings():
            # YAML 1.2 lets an anchor be defined again.
            warnings.simplefilter("ignore")
            root: Node | None = yaml.compose(text)
            return root
    except ReaderError as error:
        before = text[: error.position]
        position = Position(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise refused(position, f"character U+{ord(text[error.position]):04X} is not allowed in YAML") from None
    except MarkedYAMLError as error:
        raise refused(mark(name, error.problem_mark or error.context_mark), _yaml_message(error)) from None
    except RecursionError:
        raise refused(Position(name), f"nested deeper than {DEPTH_MOST} levels") from None
    except (YAMLError, ValueError, TypeError, AttributeError, IndexError, AssertionError) as error:
        raise refused(Position(name), f"not YAML: {error}") from None


def _yaml_message(error: MarkedYAMLError) -> str:
    problem = str(error.problem or "").strip()
    if "another document" in problem:
        return "a second document begins here: a scenario file holds one (remove the line ---)"
    if "maximum depth" in problem:
        return f"nested deeper than {DEPTH_MOST} levels"
    if "undefined alias" in problem:
        return f"{problem}: no anchor (&name) of this name stands before it"
    hint = ""
    if "'\\t'" in problem:
        hint = ": indent with spaces, not tabs"
    elif "cannot start any token" in problem:
        hint = ": put the text in quotes"
    elif "mapping values are not allowed" in problem:
        hint = ": a colon inside text needs quotes; else check the indentation"
    context = f"{str(error.context).strip()}, " if error.context else ""
    return f"not YAML: {context}{problem}{hint}"
