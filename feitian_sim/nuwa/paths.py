"""Paths of the tree: absolute; a directory ends in ``/``, a file does not; the root is ``/`` (N2)."""

from __future__ import annotations

ROOT = "/"


def why_bad(path: str) -> str:
    """What is wrong with a path; nothing when it is one."""
    if not path.startswith("/"):
        return f"{path!r} is not absolute: a path begins with /"
    if "//" in path:
        return f"{path!r} has an empty name"
    if any(name in (".", "..") for name in path.split("/")):
        return f"{path!r}: . and .. are not names"
    if "\0" in path:
        return f"{path!r} has a zero character"
    return ""


def is_directory(path: str) -> bool:
    """Whether the path is that of a directory."""
    return path.endswith("/")


def parent_of(path: str) -> str:
    """The directory in which it stands. The root has none."""
    assert path != ROOT, "the root stands in no directory"
    return path[: path.rstrip("/").rindex("/") + 1]


def sibling(path: str) -> str:
    """The same name as a file where it is a directory, and the other way about: both cannot be there at once."""
    return path[:-1] if is_directory(path) else path + "/"


def common_directory(paths: list[str]) -> str:
    """The lowest directory in which all of them stand; the root for none."""
    if not paths:
        return ROOT
    shortest, longest = min(paths), max(paths)
    same = 0
    while same < min(len(shortest), len(longest)) and shortest[same] == longest[same]:
        same += 1
    return shortest[: shortest.rfind("/", 0, same) + 1] or ROOT
