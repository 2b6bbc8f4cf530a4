"""Traces that are JSON documents: read whole, with file, line and column of what does not parse."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from feitian_sim.kernel import ScenarioError
from feitian_sim.kernel.data_files import open_text
from feitian_sim.workloads.traces.account import TraceAccount

_KINDS = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}


class BadDocumentError(Exception):
    """What is wrong with a document, and where in it."""


def read_document(path: Path, account: TraceAccount) -> Any:
    """The document, or None when it is bad and reading goes on. Raises ScenarioError otherwise."""
    try:
        with open_text(path) as text:
            content = text.read()
    except UnicodeDecodeError:
        raise ScenarioError(f"{path}: not UTF-8: save the file as UTF-8") from None
    except (gzip.BadGzipFile, EOFError, zlib.error, OSError) as error:
        return _bad(path, 1, f"the file is cut or damaged and cannot be read to its end ({error})", account)
    if not content.strip():
        raise ScenarioError(f"{path}:1: the trace is empty: a JSON document is needed")
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        cut = "the file is cut here" if error.pos >= len(content.rstrip()) - 1 else "not JSON"
        return _bad(path, error.lineno, f"{cut}, at column {error.colno}: {error.msg}", account)


def _bad(path: Path, line: int, what: str, account: TraceAccount) -> None:
    account.bad(path, line, what)
    account.close()


def member(holder: Any, key: str, kind: type, where: str, default: Any = None) -> Any:
    """``holder[key]`` of the right kind. Raises BadDocumentError when it is missing, without a default, or another."""
    if not isinstance(holder, dict):
        raise BadDocumentError(f"{where} is {type(holder).__name__}: an object is needed")
    value = holder.get(key, default)
    if value is None:
        raise BadDocumentError(f"{where} has no {key}")
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadDocumentError(f"{where}.{key} is {value!r:.40}: {_KINDS[kind]} is needed")
    return value


def number(holder: Any, key: str, where: str, default: float | None = None) -> float:
    """``holder[key]`` as a number that is not negative. Raises BadDocumentError."""
    value = holder.get(key, default) if isinstance(holder, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**62:
        raise BadDocumentError(f"{where}.{key} is {value!r:.40}: a number of at least 0 is needed")
    return value
