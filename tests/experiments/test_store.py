"""A results folder is whole or it is not there."""

from __future__ import annotations

import errno
import multiprocessing
import os
from pathlib import Path

import pytest

from feitian_sim.experiments import store
from feitian_sim.experiments.lock import FolderLock
from feitian_sim.experiments.store import building, locate, refusing
from feitian_sim.kernel import EnvironmentRefusal


def _fill(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)


def test_a_committed_folder_stands_whole_and_nothing_beside_it(tmp_path: Path) -> None:
    with building(tmp_path, "a-1") as made:
        _fill(made.path, "{}")
        assert not made.final.exists()
        made.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["a-1"]


def test_a_folder_that_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    with building(tmp_path, "a-1") as made:
        _fill(made.path, "{}")
    assert list(tmp_path.iterdir()) == []


def test_a_new_result_replaces_the_old_one_whole(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with building(tmp_path, "a-1") as made:
            _fill(made.path, text)
            (made.path / f"{text}.csv").touch()
            made.commit()
    assert sorted(path.name for path in (tmp_path / "a-1").iterdir()) == ["manifest.json", "new.csv"]


def test_the_old_result_survives_a_run_that_fails(tmp_path: Path) -> None:
    with building(tmp_path, "a-1") as made:
        _fill(made.path, "old")
        made.commit()
    with pytest.raises(RuntimeError), building(tmp_path, "a-1"):
        raise RuntimeError
    assert (tmp_path / "a-1" / "manifest.json").read_text() == "old"


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".a-1.partial").mkdir()
    (tmp_path / ".a-1.partial" / "half").touch()
    (tmp_path / ".a-1.replaced").mkdir()
    _fill(tmp_path / ".a-1.replaced", "old")
    with building(tmp_path, "a-1") as made:
        assert (made.final / "manifest.json").read_text() == "old"
        assert list(made.path.iterdir()) == []


def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a-1").mkdir()
    (tmp_path / "a-1" / "thesis.tex").touch()
    with pytest.raises(EnvironmentRefusal, match="not a results folder"), building(tmp_path, "a-1"):
        pass
    assert (tmp_path / "a-1" / "thesis.tex").exists()


def _try_to_build(root: Path, answers: multiprocessing.Queue[str]) -> None:
    try:
        with building(root, "a-1"):
            answers.put("built")
    except EnvironmentRefusal as error:
        answers.put(str(error))


def test_two_writers_of_one_folder_do_not_meet(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    with building(tmp_path, "a-1"):
        other = context.Process(target=_try_to_build, args=(tmp_path, answers))
        other.start()
        answer = answers.get(timeout=20)
        other.join()
    assert f"another run (process {os.getpid()}) is writing" in answer
    assert "-o DIR" in answer


def test_a_released_lock_leaves_no_file_and_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        lock = FolderLock(tmp_path / "lock")
        lock.acquire(tmp_path)
        lock.release()
        lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefusal, match="the disk is full"), refusing(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_too_little_free_space_is_refused_before_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FREE_BYTES_LEAST", 1 << 62)
    with pytest.raises(EnvironmentRefusal, match="MiB needed"), building(tmp_path, "a-1"):
        pass


def test_a_results_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentRefusal, match="is a file"), building(tmp_path / "file", "a-1"):
        pass
    with pytest.raises(EnvironmentRefusal, match="cannot be written"), building(tmp_path / "file" / "sub", "a-1"):
        pass


def test_a_folder_is_found_by_its_parent_if_it_is_the_only_one(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentRefusal, match="no such results folder"):
        locate(tmp_path / "absent")
    with pytest.raises(EnvironmentRefusal, match=r"no manifest\.json"):
        locate(tmp_path)
    for name in ("a-1", "b-2"):
        (tmp_path / name).mkdir()
        _fill(tmp_path / name, "{}")
        if name == "a-1":
            assert locate(tmp_path) == tmp_path / "a-1"
    with pytest.raises(EnvironmentRefusal, match="holds 2"):
        locate(tmp_path)
