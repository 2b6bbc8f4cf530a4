"""Templates: a scenario to start from, which is right and never overwrites."""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.init import TEMPLATES
from feitian_sim.cli.main import invoke


@pytest.mark.parametrize("template", list(TEMPLATES))
def test_every_template_is_right(template: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["init", str(tmp_path), "--template", template]) == ExitCode.DONE
    written = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.name for path in written] == list(TEMPLATES[template][0])
    assert invoke(["lint", str(written[0])]) == ExitCode.DONE


def test_a_scenario_may_have_a_name_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it reads lies beside it."""
    mine = tmp_path / "new" / "mine.yaml"
    assert invoke(["init", "--template", "trace", str(mine)]) == ExitCode.DONE
    assert sorted(path.name for path in mine.parent.iterdir()) == ["mine.yaml", "trace.csv"]
    assert invoke(["lint", str(mine)]) == ExitCode.DONE
    assert invoke(["init", "--template", "jobs", str(mine)]) == ExitCode.REFUSED
    assert "mine.yaml is there already" in capsys.readouterr().err
    (tmp_path / "notes.txt").write_text("mine")
    assert invoke(["init", str(tmp_path / "notes.txt")]) == ExitCode.REFUSED
    assert "is a file" in capsys.readouterr().err


def test_init_never_overwrites(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "quickstart.yaml").write_text("mine")
    assert invoke(["init", str(tmp_path)]) == ExitCode.REFUSED
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "quickstart.yaml").read_text() == "mine"


def test_an_unknown_template_names_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["init", str(tmp_path), "--template", "racks"]) == ExitCode.REFUSED
    assert "rack-loss" in capsys.readouterr().err
