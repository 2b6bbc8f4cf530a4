"""Names of events: of an entry of the queue, whose it is, what will handle it, with what, and where that is written.

An entry seldom names what it is about: a message's is the network's, a job's the disk's, an owner's call that of
:class:`Owner`. Each such wrapper is opened. Who wraps others says so by a method ``event_carried``, which returns the
place, the handler and its arguments. A SimPy event is named after the process that waits for it, through conditions,
and its line is the one where the innermost generator waits. Names hold nothing of the machine: no address, no folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import PurePath
from types import MethodType
from typing import Any, NamedTuple

import simpy
from simpy.events import Condition, Event

from feitian_sim.kernel.owner import Owner
from feitian_sim.kernel.timer import Timer

_TEXT_MOST = 48
_CONTENT_MOST = 96
_CONDITIONS_MOST = 8
#: Where an object has its owner or its name, by the conventions of this package; the first that is there tells.
_OWNERS = ("owner", "_owner", "daemon", "machine", "_machine", "client", "_client", "_endpoint", "endpoint")
_NAMES = ("name", "_name", "address")


class EventName(NamedTuple):
    """What one event is: all texts; ``source`` is ``package/file.py:line``, or empty for what Python has built in."""

    owner: str
    handler: str
    detail: str
    source: str


def event_name(what: Any, args: tuple[Any, ...] | None) -> EventName:
    """The name of an entry of the queue: a callback with arguments, a timer or a SimPy event."""
    if args is not None:
        return _call_name("", what, args)
    if what.__class__ is Timer:
        return _call_name("" if what.owner is None else what.owner.name, what.callback, what.args)
    return _simpy_name(what)


def _call_name(owner: str, handler: Any, args: tuple[Any, ...]) -> EventName:
    via = ""
    while True:
        if isinstance(handler, partial):
            handler, args = handler.func, (*handler.args, *args)
        elif getattr(handler, "__func__", None) is Owner._call:
            owner, (handler, args) = handler.__self__.name, args
        elif args and hasattr(args[0], "event_carried"):
            via = via or f" via {handler.__qualname__}"
            owner, handler, args = args[0].event_carried()
        else:
            break
    name, source = _function(handler)
    if not owner and isinstance(handler, MethodType):
        owner = _whose(handler.__self__)
    return EventName(owner, name + via, _details(args), source)


def _simpy_name(event: Event) -> EventName:
    kind = type(event).__name__
    waiting = _waiting(event)
    if isinstance(waiting, simpy.Process):
        owner, name, detail, source = _process_name(waiting)
        return EventName(owner, f"{name} on {kind}", detail, source)
    if waiting is not None:
        owner, name, _, source = _call_name("", waiting, ())
        return EventName(owner, f"{name} on {kind}", "", source)
    if isinstance(event, simpy.Process):
        owner, name, detail, source = _process_name(event)
        return EventName(owner, f"end of {name}", detail, source)
    return EventName("", f"{type(event).__module__}.{kind}", "", "")


def _waiting(event: Event) -> Any:
    """The process that waits for an event, by itself or through conditions; else its first callback; else None."""
    first: Any = None
    for _ in range(_CONDITIONS_MOST):
        within: Condition | None = None
        for callback in event.callbacks or ():
            target = getattr(callback, "__self__", None)
            if isinstance(target, simpy.Process):
                return target
            if isinstance(target, Condition) and within is None:
                within = target
            elif first is None:
                first = callback
        if within is None:
            break
        event = within
    return first


def _process_name(process: simpy.Process) -> EventName:
    generator: Any = process._generator
    owner = ""
    # An owner's process is driven by a generator of the owner's.
    frame = getattr(generator, "gi_frame", None)
    if frame is not None and generator.gi_code is Owner._guarded.__code__:
        owner = frame.f_locals["self"].name
        generator = frame.f_locals["generator"]
        frame = getattr(generator, "gi_frame", None)
    code = getattr(generator, "gi_code", None)
    if code is None or frame is None:
        return EventName(owner, getattr(generator, "__qualname__", type(generator).__name__), "", "")
    known = frame.f_locals
    given = [name for name in code.co_varnames[: code.co_argcount] if name in known and name != "self"]
    owner = owner or ("self" in known and _whose(known["self"])) or ""
    module = frame.f_globals.get("__name__", "")
    detail = _details(known[name] for name in given)
    innermost = generator
    while getattr(innermost.gi_yieldfrom, "gi_frame", None) is not None:
        innermost = innermost.gi_yieldfrom
    frame = innermost.gi_frame
    at = _place(frame.f_globals.get("__name__", ""), frame.f_code.co_filename, frame.f_lineno)
    return EventName(owner, f"{module}.{generator.__qualname__}", detail, at)


_functions: dict[Any, tuple[str, str]] = {}


def _function(handler: Any) -> tuple[str, str]:
    """Qualified name of a function with its module, and its source line."""
    method: Any = getattr(handler, "__func__", None)
    # What is made anew for each call would fill the table.
    if method is None or "<locals>" in getattr(method, "__qualname__", "<locals>"):
        return _looked_up(handler if method is None else method)
    found = _functions.get(method)
    if found is None:
        found = _functions[method] = _looked_up(method)
    return found


def _looked_up(function: Any) -> tuple[str, str]:
    function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", None)
    if name is None:
        # An object that can be called.
        call: Callable[..., object] = type(function).__call__
        return _looked_up(call) if hasattr(call, "__code__") else (type(function).__qualname__, "")
    module = getattr(function, "__module__", None)
    source = "" if code is None else _place(module or "", code.co_filename, code.co_firstlineno)
    return f"{module}.{name}" if module else name, source


def _place(module: str, file: str, line: int) -> str:
    *packages, last = module.split(".")
    name = PurePath(file).name
    if name == "__init__.py":
        packages.append(last)
    return f"{'/'.join([*packages, name])}:{line}"


def _whose(thing: Any) -> str:
    """Name of the owner of an object, or its own; empty when it has none."""
    if isinstance(thing, type):
        return ""
    for attribute in _OWNERS:
        owner = _value(thing, attribute)
        name = _value(owner, "name")
        if type(name) is str:
            return name
    return _own_name(thing)


def _own_name(thing: Any) -> str:
    for attribute in _NAMES:
        name = _value(thing, attribute)
        if type(name) is str:
            return name
    return ""


def _details(values: Iterable[Any]) -> str:
    # On one line, without the marks between lines.
    told = ", ".join(map(_told, values))
    return told if told.isprintable() else "".join(each if each.isprintable() else " " for each in told)


def _told(value: Any) -> str:
    """An argument in a word: plain values as they are, objects by class and name."""
    if isinstance(value, str):
        return value[:_TEXT_MOST]
    if value is None or isinstance(value, (int, float)):
        return str(value)
    if type(value) is tuple:
        return f"({', '.join('...' if type(each) is tuple else _told(each) for each in value[:4])})"
    kind = type(value).__name__
    if hasattr(value, "__qualname__"):
        return str(value.__qualname__)
    message = _value(value, "message")
    if message is not None and not isinstance(message, str):
        kind = f"{kind} of {_content(message)}"
    name = _own_name(value)
    return f"{kind} {name[:_TEXT_MOST]}" if name else kind


#: Names of the fields of each class of messages; none for what is no dataclass.
_fields: dict[type, tuple[str, ...]] = {}


def _content(message: Any) -> str:
    """A message by class and what it says in plain values: two of one class differ in these if in anything."""
    kind = type(message)
    names = _fields.get(kind)
    if names is None:
        names = _fields[kind] = tuple(getattr(kind, "__dataclass_fields__", ()))
    values = [str(value) for name in names if isinstance(value := getattr(message, name), (str, int, float))]
    return f"{kind.__name__}({', '.join(values)[:_CONTENT_MOST]})" if values else kind.__name__


def _value(thing: Any, attribute: str) -> Any:
    try:
        return getattr(thing, attribute, None)
    except Exception:
        # A property may refuse in a state in which there is nothing to tell.
        return None
