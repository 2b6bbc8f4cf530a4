"""The reference of a file's bytes, that of the tree, and what a directory's history may be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from feitian_sim.checking.file_model import FileModel
from feitian_sim.checking.file_tree_model import FileTreeModel
from feitian_sim.checking.history import UNKNOWN, History
from feitian_sim.checking.linearizability import check_all
from feitian_sim.checking.models import FileDirectory, Refusal


def _read(content: str, began_ns: int = 100) -> SimpleNamespace:
    return SimpleNamespace(chunk=1, content=content, began_ns=began_ns)


def _log(*acknowledged: tuple[int, int, str], sent: str = "a#1+0:4 b#1+0:2 b#2+0:2") -> FileModel:
    model = FileModel()
    model.sent(SimpleNamespace(chunk=1, content=sent))
    for now_ns, offset_bytes, content in acknowledged:
        told = SimpleNamespace(chunk=1, offset_bytes=offset_bytes, content=content)
        assert model.acknowledged(now_ns, told) == ""
    return model


def test_a_read_shows_what_was_acknowledged_at_its_place():
    model = _log((10, 0, "a#1+0:4"), (20, 4, "b#1+0:2"))
    assert model.read(_read("a#1+0:4 b#1+0:2")) == ""
    assert "at 0" in model.read(_read("b#1+0:2 a#1+0:4"))
    assert "at 4" in model.read(_read("a#1+0:4"))


def test_what_is_acknowledged_later_need_not_be_there():
    model = _log((10, 0, "a#1+0:4"), (200, 4, "b#1+0:2"))
    assert model.read(_read("a#1+0:4")) == ""


def test_a_failed_try_may_be_there_and_a_record_twice():
    model = _log((10, 2, "a#1+0:4"), (50, 8, "b#1+0:2"))
    assert model.read(_read("b#1+0:2 a#1+0:4 b#2+0:2 b#1+0:2")) == ""


def test_a_torn_record_is_not_what_anybody_sent():
    model = _log((10, 0, "a#1+0:4"))
    assert "nobody sent" in model.read(_read("a#1+0:4 b#1+0:1"))
    assert "nobody sent" in model.read(_read("a#1+0:4 c#1+0:4"))


def test_two_acknowledged_writes_have_places_of_their_own():
    model = _log((10, 0, "a#1+0:4"))
    assert "where a#1+0:4 stands" in model.acknowledged(20, SimpleNamespace(chunk=1, offset_bytes=2, content="b#1+0:2"))


def test_a_chunk_of_the_dataset_is_one_write_of_its_own():
    model = FileModel()
    assert model.read(_read("dataset#1+0:64")) == ""
    assert model.read(_read("dataset#2+0:64")) != ""


def _record(index: int, op: str, path: str = "", other: str = "", chunk: int = -1, number: int = -1) -> Any:
    return SimpleNamespace(index=index, op=op, path=path, other=other, chunk=chunk, number=number)


def _tree(*records: tuple[Any, ...]) -> tuple[FileTreeModel, list[str]]:
    model = FileTreeModel()
    return model, [model.apply(_record(number, *record)) for number, record in enumerate(records, start=1)]


def test_the_tree_is_what_its_records_make_whatever_way_they_come_to_it():
    one, wrong = _tree(("create", "/d/a"), ("add", "/d/a", "", 7), ("rename", "/d/a", "/d/b"), ("seal", "", "", 7, 40))
    assert wrong == ["", "", "", ""]
    other, _ = _tree(("create", "/d/b"), ("add", "/d/b", "", 7), ("seal", "", "", 7, 40))
    assert one.sum == other.sum != FileTreeModel().sum
    assert one.sums[2] != one.sums[3]


def test_a_record_that_the_ones_before_do_not_allow_is_told():
    _, wrong = _tree(("create", "/a"), ("create", "/a"), ("delete", "/b"), ("rename", "/b", "/c"), ("add", "/b", "", 1))
    assert wrong[0] == ""
    assert all(wrong[1:])
    opened = (("create", "/a"), ("add", "/a", "", 1))
    for last in (("add", "/a", "", 1), ("raise", "", "", 1, 1), ("seal", "", "", 2, 5)):
        assert _tree(*opened, last)[1][2]
    sealed = (*opened, ("seal", "", "", 1, 5))
    for last in (("seal", "", "", 1, 5), ("raise", "", "", 1, 2), ("abandon", "/a", "", 1)):
        assert _tree(*sealed, last)[1][3]
    assert _tree(*opened, ("raise", "", "", 1, 2), ("abandon", "/a", "", 1))[1] == [""] * 4


def test_a_deleted_file_takes_its_chunks_along():
    model, wrong = _tree(("create", "/a"), ("add", "/a", "", 1), ("delete", "/a"), ("seal", "", "", 1, 5))
    assert wrong == ["", "", "", "no file has chunk 1"]
    assert model.sum == FileTreeModel().sum


def _is_legal(*operations: tuple[str, Any, Any]) -> bool:
    history = History()
    for now, (op, argument, result) in enumerate(operations):
        began = history.invoke(f"c{now}", "dir", op, argument, 2 * now)
        if result is UNKNOWN:
            history.unknown(began)
        else:
            history.ok(began, result, 2 * now + 1)
    return all(verdict.legal for verdict in check_all(history, lambda _: FileDirectory()))


def test_a_rename_takes_one_name_and_gives_another():
    assert _is_legal(("create", "a", None), ("rename", ("a", "b"), None), ("names", None, ("b",)), ("exists", "a", False))
    assert not _is_legal(("create", "a", None), ("rename", ("a", "b"), None), ("exists", "a", True))
    assert _is_legal(("rename", ("a", "b"), Refusal.NO_NODE), ("create", "b", None), ("create", "a", None))
    assert _is_legal(("create", "a", None), ("create", "b", None), ("rename", ("a", "b"), Refusal.EXISTS))
    assert not _is_legal(("create", "a", None), ("rename", ("a", "b"), Refusal.EXISTS))


def test_who_deleted_a_file_is_not_told_that_there_was_none():
    assert not _is_legal(("create", "a", None), ("delete", "a", Refusal.NO_NODE))
    assert _is_legal(("create", "a", None), ("delete", "a", UNKNOWN), ("delete", "a", Refusal.NO_NODE))
