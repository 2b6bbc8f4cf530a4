"""Paths (N2): which are paths at all, what is a directory, where each stands, and what the tree says of a bad one."""

from __future__ import annotations

import pytest

from feitian_sim.nuwa.commands import Create, Delete, Put
from feitian_sim.nuwa.paths import common_directory, is_directory, parent_of, sibling, why_bad
from feitian_sim.nuwa.tree import Tree

#: Each with a word of what is said of it.
BAD = {
    "": "not absolute",
    "a": "not absolute",
    "a/": "not absolute",
    "./a": "not absolute",
    "//": "empty name",
    "//a": "empty name",
    "/a//b": "empty name",
    "/a//": "empty name",
    "/.": "not names",
    "/..": "not names",
    "/a/../b": "not names",
    "/a/./": "not names",
    "/a\0b": "zero character",
}


def _tree() -> Tree:
    tree = Tree(value_limit=100)
    assert tree.create(Create("/d/"), "me", 1, 1, 0).ok
    assert tree.create(Create("/d/f", b"x"), "me", 1, 2, 0).ok
    tree.changes.clear()
    return tree


@pytest.mark.parametrize("path", ["/", "/a", "/a/", "/a/b", "/a/b/", "/a.b/..c", "/ä ö", "/.../a", "/-"])
def test_n2_an_absolute_path_of_names_is_a_path(path: str) -> None:
    assert why_bad(path) == ""


@pytest.mark.parametrize(("path", "word"), BAD.items())
def test_n2_a_bad_path_is_refused_with_what_is_wrong_by_every_operation(path: str, word: str) -> None:
    tree = _tree()
    answers = [
        tree.create(Create(path), "me", 1, 3, 0),
        tree.put(Put(path, b"y"), 3, 0),
        tree.delete(Delete(path), 3),
        tree.get(path, 3),
        tree.stat(path, 3),
        tree.names(path, 3),
    ]
    for answer in answers:
        assert answer.error == "bad-path"
        assert word in answer.text
    assert set(tree.nodes) == {"/", "/d/", "/d/f"}
    assert not tree.changes


@pytest.mark.parametrize(
    ("path", "directory"), [("/", True), ("/a/", True), ("/a/b/", True), ("/a", False), ("/a/b", False)]
)
def test_n2_a_directory_ends_in_a_slash_and_a_file_does_not(path: str, directory: bool) -> None:
    assert is_directory(path) is directory


def test_n2_the_root_is_there_can_be_listed_and_neither_made_nor_written_nor_removed() -> None:
    tree = Tree(value_limit=100)
    assert tree.names("/", 1).value == ()
    assert tree.stat("/", 1).value.children == 0
    assert tree.create(Create("/"), "me", 1, 1, 0).error == "bad-path"
    assert tree.put(Put("/", b""), 1, 0).error == "is-directory"
    assert tree.delete(Delete("/"), 1).error == "bad-path"
    assert set(tree.nodes) == {"/"}


def test_n2_a_directory_has_names_and_no_value_and_a_file_a_value_and_no_names() -> None:
    tree = _tree()
    assert tree.names("/d/", 3).value == ("f",)
    assert tree.get("/d/", 3).error == "is-directory"
    assert tree.put(Put("/d/", b"x"), 3, 0).error == "is-directory"
    assert tree.create(Create("/e/", b"x"), "me", 1, 3, 0).error == "is-directory"
    assert tree.create(Create("/e/", ephemeral=True), "me", 1, 3, 0).error == "is-directory"
    assert tree.get("/d/f", 3).value == b"x"
    assert tree.names("/d/f", 3).error == "bad-request"


def test_n2_a_file_and_a_directory_of_one_name_are_never_there_together() -> None:
    tree = _tree()
    assert tree.create(Create("/d"), "me", 1, 3, 0).error == "exists"
    assert tree.create(Create("/d/f/"), "me", 1, 3, 0).error == "exists"
    # Nor is the one found under the other's path.
    assert tree.stat("/d", 3).error == "no-node"
    assert tree.stat("/d/f/", 3).error == "no-node"
    assert tree.delete(Delete("/d/f/"), 3).error == "no-node"


def test_n2_what_stands_in_no_directory_is_not_made() -> None:
    tree = _tree()
    missing = tree.create(Create("/no/f"), "me", 1, 3, 0)
    assert (missing.error, missing.text) == ("no-parent", "/no/ is not there")
    assert tree.create(Create("/d/f/g"), "me", 1, 3, 0).error == "no-parent"
    assert tree.create(Create("/d/e", ephemeral=True), "me", 1, 3, 0).ok
    assert tree.create(Create("/d/e/g"), "me", 1, 4, 0).error == "ephemeral-parent"


@pytest.mark.parametrize(
    ("path", "parent"), [("/a", "/"), ("/a/", "/"), ("/a/b", "/a/"), ("/a/b/", "/a/"), ("/a/b/c", "/a/b/")]
)
def test_n2_each_path_but_the_root_stands_in_a_directory(path: str, parent: str) -> None:
    assert parent_of(path) == parent
    assert parent_of(sibling(path)) == parent


def test_the_sibling_of_a_file_is_the_directory_of_its_name_and_the_other_way_about() -> None:
    assert sibling("/a/b") == "/a/b/"
    assert sibling("/a/b/") == "/a/b"


@pytest.mark.parametrize(
    ("paths", "directory"),
    [
        ([], "/"),
        (["/a"], "/"),
        (["/a/b"], "/a/"),
        (["/a/b", "/a/c"], "/a/"),
        (["/a/b/c", "/a/b/d", "/a/e"], "/a/"),
        (["/a/bc", "/a/bd"], "/a/"),
        (["/a/b", "/c/d"], "/"),
        (["/ab/x", "/a/x"], "/"),
    ],
)
def test_several_paths_stand_in_one_lowest_directory(paths: list[str], directory: str) -> None:
    assert common_directory(paths) == directory
