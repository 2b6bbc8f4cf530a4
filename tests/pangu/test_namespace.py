"""The tree of files: rules, the dataset's rows, and agreement with a plain dict under random changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feitian_sim.pangu.namespace import BulkFiles, Namespace, NamespaceError, dataset_path


def tree() -> Namespace:
    names = Namespace()
    names.create("/a/b/f", "t1")
    names.add_chunk("/a/b/f", 7)
    return names


def test_directories_above_a_file_come_with_it():
    assert tree().names("/") == ("a/",)
    assert tree().names("/a/") == ("b/",)
    assert tree().names("/a/b/") == ("f",)


def test_rename_keeps_the_chunks_and_delete_returns_them():
    names = tree()
    names.rename("/a/b/f", "/c/g")
    assert names.chunks("/c/g") == [7]
    assert names.names("/a/b/") == ()
    assert names.delete("/c/g") == [7]
    assert not names.is_file("/c/g")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda names: names.create("/a/b/f", ""), "already there"),
        (lambda names: names.create("/a/b", ""), "already there"),
        (lambda names: names.create("/a/b/f/g", ""), "is a file"),
        (lambda names: names.create("a", ""), "not the absolute path"),
        (lambda names: names.create("/a//b", ""), "not the absolute path"),
        (lambda names: names.create("/a/", ""), "not the absolute path"),
        (lambda names: names.delete("/a/"), "not empty"),
        (lambda names: names.delete("/"), "not empty"),
        (lambda names: names.delete("/nothing"), "no file"),
        (lambda names: names.names("/nothing/"), "no directory"),
        (lambda names: names.make_directory("/x"), "directory"),
        (lambda names: names.rename("/a/b/f", "/a/b/f"), "already there"),
    ],
)
def test_what_the_tree_refuses(act, message):
    names = tree()
    with pytest.raises(NamespaceError, match=message):
        act(names)
    assert names.chunks("/a/b/f") == [7]


def test_files_of_the_dataset_are_rows_until_they_are_changed():
    names = Namespace()
    names.load(BulkFiles(np.array([0, 2, 3], dtype=np.int64)))
    first, second = dataset_path(0), dataset_path(1)
    assert names.chunks(first) == [0, 1]
    names.add_chunk(second, 9)
    assert names.chunks(second) == [2, 9]
    names.rename(first, "/moved")
    assert names.chunks("/moved") == [0, 1]
    assert not names.is_file(first)
    assert names.file_count == 2
    assert names.delete(second) == [2, 9]
    assert names.names("/dataset/") == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["create", "delete", "rename", "chunk"]), st.integers(0, 5), st.integers(0, 5)),
        max_size=40,
    )
)
def test_the_tree_agrees_with_a_dict(steps):
    names = Namespace()
    names.load(BulkFiles(np.arange(4, dtype=np.int64)))
    paths = [dataset_path(0), dataset_path(1), "/a/x", "/a/y", "/b/x", "/z"]
    model = {dataset_path(number): [number] for number in range(3)}
    for number, (what, one, two) in enumerate(steps):
        path, other = paths[one], paths[two]
        try:
            match what:
                case "create":
                    names.create(path, "")
                    assert path not in model
                    model[path] = []
                case "delete":
                    assert names.delete(path) == model.pop(path)
                case "rename":
                    names.rename(path, other)
                    assert other not in model
                    model[other] = model.pop(path)
                case "chunk":
                    names.add_chunk(path, 100 + number)
                    model[path].append(100 + number)
        except NamespaceError:
            wanted = path in model
            assert wanted == (what == "create") or (what == "rename" and other in model)
    assert {path: names.chunks(path) for path in [*paths, dataset_path(2)] if names.is_file(path)} == model
    assert names.file_count == len(model)
