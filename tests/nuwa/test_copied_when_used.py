"""A dictionary to try changes on leaves its origin as it was."""

from __future__ import annotations

import pytest

from feitian_sim.nuwa.copied_when_used import CopiedWhenUsed
from feitian_sim.nuwa.sessions import Session


def _sessions() -> dict[int, Session]:
    return {number: Session(number, f"owner {number}", 10) for number in (1, 2)}


def test_what_is_changed_in_it_is_not_changed_in_its_origin() -> None:
    origin = _sessions()
    tried = CopiedWhenUsed(origin)
    tried[1].ephemerals["/a"] = None
    assert tried[1].ephemerals == {"/a": None}
    assert origin[1].ephemerals == {}


def test_what_is_taken_out_is_out_of_it_alone_until_it_is_put_in_again() -> None:
    origin = _sessions()
    tried = CopiedWhenUsed(origin)
    assert tried.pop(1).owner == "owner 1"
    assert 1 not in tried
    assert tried.get(1) is None
    with pytest.raises(KeyError):
        tried[1]
    assert list(origin) == [1, 2]
    tried[1] = Session(1, "another", 10)
    assert tried[1].owner == "another"
    assert 1 in tried


def test_what_is_new_is_in_it_alone() -> None:
    origin = _sessions()
    tried = CopiedWhenUsed(origin)
    tried[3] = Session(3, "owner 3", 10)
    assert 3 in tried
    assert 3 not in origin
    assert 4 not in tried
