"""A user's own part as ``file.py:Class``, beside the scenario.

The file is compiled and run as a module of its own; neither ``sys.modules`` nor ``sys.path`` remembers it, no
bytecode is written next to it, so that two scenarios with files of the same name do not meet. What goes wrong in
it, at loading or later inside the simulation, is the user's to mend: a ScenarioError with file, line and remedy.
"""

from __future__ import annotations

import re
import sys
import traceback
from ast import ClassDef, parse, walk
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from feitian_sim.scenario.problems import Position, Problem, ScenarioProblems, nearest, suggestion

_REFERENCE = re.compile(r"^(?P<file>[^:\n]+\.py):(?P<name>[A-Za-z_]\w*)$")


def is_reference(value: Any) -> bool:
    """Whether ``value`` names a class of the user's own."""
    return isinstance(value, str) and _REFERENCE.match(value) is not None


@dataclass(frozen=True, slots=True)
class OwnClass:
    """A class that was loaded from the user's file."""

    reference: str
    file: Path
    made: type[Any]
    module: ModuleType
    #: SHA-256 of the file, so that a changed policy gives another configuration hash.
    source_hash: str

    @property
    def place(self) -> tuple[str, int]:
        """The file and the line at which the class begins."""
        return str(self.file), getattr(self.made, "__firstlineno__", 0) or self._first_line()

    def _first_line(self) -> int:
        tree = parse(self.file.read_text(encoding="utf-8"))
        name = self.made.__name__
        return next((node.lineno for node in walk(tree) if isinstance(node, ClassDef) and node.name == name), 1)


def load_class(reference: str, base_dir: Path, position: Position) -> OwnClass:
    """The class that ``reference`` names, looked for in ``base_dir``. Raises ScenarioProblems."""
    match = _REFERENCE.match(reference)
    if match is None:
        raise _refused(position, f"{reference!r} is not file.py:Class")
    file = base_dir / match["file"]
    text = _source_text(file, match["file"], position)
    module = _run(file, text, position)
    made = vars(module).get(match["name"])
    if not isinstance(made, type):
        classes = sorted(
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__
        )
        near = nearest(match["name"], classes)
        hint = f"; did you mean {match['file']}:{near}?" if near else ""
        found = f" (classes in it: {', '.join(classes)})" if classes else " (there is no class in it)"
        raise _refused(position, f"{match['file']} has no class {match['name']!r}{hint}{found}")
    return OwnClass(reference, file, made, module, sha256(text.encode()).hexdigest())


def instance_of(own: OwnClass, options: dict[str, Any], position: Position) -> Any:
    """An object of the user's class made with ``options`` as its fields. Raises ScenarioProblems."""
    unknown = sorted(set(options) - set(fields_of(own.made) or options))
    if unknown:
        hint = suggestion(unknown[0], fields_of(own.made))
        raise _refused(position, f"{own.reference} has no field {unknown[0]!r}{hint}")
    try:
        if not fields_of(own.made):
            return own.made(**options)
        with _visible(own.module, own.file.parent):
            return TypeAdapter(own.made).validate_python(options)
    except ValidationError as error:
        raise ScenarioProblems(
            Problem(position, f"{own.reference}: {_option_message(found)}") for found in error.errors()
        ) from None
    except Exception as error:
        raise blamed(error, (own,)) or _refused(position, f"{own.reference}: {_words(error)}") from None


def fields_of(made: type[Any]) -> tuple[str, ...]:
    """The fields of a dataclass or model; empty for any other class."""
    if issubclass(made, BaseModel):
        return tuple(made.model_fields)
    return tuple(field.name for field in fields(made) if field.init) if is_dataclass(made) else ()


def blamed(error: BaseException, classes: tuple[OwnClass, ...]) -> ScenarioProblems | None:
    """The error as a problem of the user's file, if its last lines ran there."""
    files = {str(own.file): own for own in classes}
    for frame in _frames(error):
        if frame.filename in files:
            remedy = f"; mend the file, or leave {files[frame.filename].reference} out"
            return _refused(Position(frame.filename, frame.lineno or 1, 1), f"{_words(error)} (in {frame.name}){remedy}")
    return None


def _source_text(file: Path, name: str, position: Position) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        others = sorted(other.name for other in file.parent.glob("*.py")) if file.parent.is_dir() else []
        near = nearest(file.name, others)
        hint = f"; did you mean {near}?" if near else ""
        raise _refused(position, f"there is no file {name} in {file.parent}{hint}") from None
    except UnicodeDecodeError:
        raise _refused(position, f"{name} is not UTF-8") from None
    except (OSError, ValueError) as error:
        raise _refused(position, f"{name} cannot be read: {getattr(error, 'strerror', error)}") from None


def _run(file: Path, text: str, position: Position) -> ModuleType:
    module = ModuleType(f"feitian_user_{file.stem}")
    module.__file__ = str(file)
    try:
        code = compile(text, str(file), "exec", dont_inherit=True)
        with _visible(module, file.parent):
            exec(code, module.__dict__)
    except SyntaxError as error:
        place = Position(error.filename or str(file), error.lineno or 1, error.offset or 1)
        raise _refused(place, f"not Python: {error.msg}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        line = next((frame.lineno or 1 for frame in _frames(error) if frame.filename == str(file)), 1)
        message = f"{_words(error)} while the file is loaded; mend the file"
        raise _refused(Position(str(file), line, 1), message) from None
    return module


def _frames(error: BaseException) -> Iterator[traceback.FrameSummary]:
    """The frames of an error and of what caused it (SimPy raises a copy from the original), innermost first."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and all(cause is not known for known in seen):
        seen.append(cause)
        yield from reversed(traceback.extract_tb(cause.__traceback__))
        cause = cause.__cause__ or cause.__context__


@contextmanager
def _visible(module: ModuleType, folder: Path) -> Iterator[None]:
    # Dataclasses and pydantic look their module up while a class is made, and the file may import a neighbour;
    # afterwards everything is as before.
    before = set(sys.modules)
    writes = sys.dont_write_bytecode
    path = list(sys.path)
    sys.modules[module.__name__] = module
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path[:] = path
        sys.dont_write_bytecode = writes
        for name in sorted(set(sys.modules) - before):
            origin = getattr(sys.modules[name], "__file__", None)
            if name == module.__name__ or (origin and Path(origin).is_relative_to(folder)):
                del sys.modules[name]


def _option_message(found: Any) -> str:
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg']}" if place else str(found["msg"])


def _words(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _refused(position: Position, message: str) -> ScenarioProblems:
    return ScenarioProblems([Problem(position, message)])
