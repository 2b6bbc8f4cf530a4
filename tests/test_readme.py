"""The commands that the README shows are commands: they parse, their files are there, and the short ones run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import feitian, invoke

REPOSITORY = Path(__file__).resolve().parents[1]
#: What takes no simulation.
SHORT = ("explain", "init", "lint")


def shown() -> list[str]:
    """The lines of the README's blocks of commands that call ``feitian``."""
    blocks = re.findall(
        r"^```\n(.*?)^```", (REPOSITORY / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [line for block in blocks for line in block.splitlines() if line.startswith("feitian ")]


def commands(line: str) -> list[list[str]]:
    """The arguments of each call on a line."""
    return [shlex.split(call, comments=True)[1:] for call in line.split("&&")]


def test_the_readme_shows_commands() -> None:
    assert len(shown()) > 15


@pytest.mark.parametrize("line", shown())
def test_a_command_of_the_readme_is_one(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in commands(line):
        with click.Context(feitian) as above:
            name, command, rest = feitian.resolve_command(above, list(arguments))
            assert command is not None
            command.make_context(name, rest, parent=above)
        for argument in arguments:
            assert not argument.startswith("scenarios/") or (REPOSITORY / argument).is_file()
    monkeypatch.chdir(tmp_path)
    for arguments in commands(line):
        if arguments[0] in SHORT:
            assert invoke(arguments) == ExitCode.DONE
