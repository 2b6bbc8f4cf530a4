"""`file.py:Class`: loaded without a trace in the interpreter; whatever is wrong in it is said with file and line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from feitian_sim.scenario.plugins import blamed, instance_of, is_reference, load_class
from feitian_sim.scenario.problems import Position, ScenarioProblems

HERE = Position("s.yaml", 3, 14)
POLICY = """\
from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from neighbour import WIDTH


@dataclass(frozen=True)
class MostFree:
    width: int = WIDTH
    label: ClassVar[str] = "free"

    def place(self):
        return self.width / 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(POLICY)
    (tmp_path / "neighbour.py").write_text("WIDTH = 4\n")
    return tmp_path


def refusal(reference: str, folder: Path) -> str:
    with pytest.raises(ScenarioProblems) as caught:
        load_class(reference, folder, HERE)
    return str(caught.value)


def test_what_is_a_reference() -> None:
    assert is_reference("mine.py:MostFree")
    assert is_reference("policies/mine.py:MostFree")
    assert not is_reference("copyset")
    assert not is_reference("mine.py")
    assert not is_reference(3)


def test_a_class_is_loaded_and_nothing_remembers_it(folder: Path) -> None:
    modules, path = set(sys.modules), list(sys.path)
    own = load_class("mine.py:MostFree", folder, HERE)
    assert (own.made.__name__, len(own.source_hash)) == ("MostFree", 64)
    assert set(sys.modules) == modules
    assert sys.path == path
    assert not (folder / "__pycache__").exists()


def test_two_files_of_one_name_do_not_meet(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "mine.py").write_text("class MostFree:\n    width = 7\n")
    first = load_class("mine.py:MostFree", folder, HERE).made
    second = load_class("mine.py:MostFree", other, HERE).made
    assert (first.width, second.width) == (4, 7)


def test_fields_are_options(folder: Path) -> None:
    own = load_class("mine.py:MostFree", folder, HERE)
    assert instance_of(own, {"width": 9}, HERE).width == 9
    with pytest.raises(ScenarioProblems, match=r"s.yaml:3:14: mine.py:MostFree has no field 'widht'; did you"):
        instance_of(own, {"widht": 9}, HERE)
    with pytest.raises(ScenarioProblems, match=r"width: .*integer"):
        instance_of(own, {"width": "wide"}, HERE)


def test_what_raises_later_is_blamed_on_its_line(folder: Path) -> None:
    own = load_class("mine.py:MostFree", folder, HERE)
    with pytest.raises(ZeroDivisionError) as caught:
        own.made().place()
    problems = blamed(caught.value, (own,))
    assert problems is not None
    assert str(problems).startswith(f"{folder / 'mine.py'}:15:1: ZeroDivisionError: division by zero (in place); mend")
    assert blamed(ValueError("ours"), (own,)) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\ny = x / 0\n", "bad.py:2:1: ZeroDivisionError: division by zero while the file is loaded"),
        ("import no_such_module\n", "bad.py:1:1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("import sys\nsys.exit(3)\n", "bad.py:2:1: SystemExit: 3"),
        ("x = 1\ny = (x\n", "bad.py:2:5: not Python: '(' was never closed"),
        ("class Other:\n    pass\n", "s.yaml:3:14: bad.py has no class 'Mine' (classes in it: Other)"),
        ("class Mime:\n    pass\n", "did you mean bad.py:Mime?"),
        ("Mine = 3\n", "s.yaml:3:14: bad.py has no class 'Mine' (there is no class in it)"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.py").write_text(text)
    assert message in refusal("bad.py:Mine", tmp_path)


def test_a_missing_file_is_refused_at_the_scenario(folder: Path) -> None:
    assert "s.yaml:3:14: there is no file nine.py in" in refusal("nine.py:MostFree", folder)
    assert "did you mean mine.py?" in refusal("nine.py:MostFree", folder)
    (folder / "latin.py").write_bytes(b"# \xe9\n")
    assert "latin.py is not UTF-8" in refusal("latin.py:A", folder)
