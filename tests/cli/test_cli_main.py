"""The command: quick help, exit codes, no tracebacks."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.guard import guarded
from feitian_sim.cli.main import COMMANDS, feitian, invoke
from feitian_sim.experiments.interruption import Terminated
from feitian_sim.kernel import EnvironmentRefusal, InvariantError, ScenarioError

HEAVY = ("numpy", "pandas", "pydantic", "matplotlib", "scipy", "pyarrow", "networkx", "rich", "numba", "simpy")


def _raising(error: BaseException) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"], ["completion", "bash"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom feitian_sim.cli.main import invoke\n"
        f"code = invoke({arguments!r})\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'heavy: {heavy}' if heavy else int(code))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_takes_less_than_a_fifth_of_a_second_of_processor_time() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "feitian_sim", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.2


def test_every_command_of_the_table_is_there_and_documented() -> None:
    context = click.Context(feitian)
    for name in COMMANDS:
        command = feitian.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert command.help
        assert command.short_help == COMMANDS[name][1]


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ScenarioError("a.yaml:1:2: wrong"), ExitCode.REFUSED, "a.yaml:1:2: wrong"),
        (EnvironmentRefusal("the disk is full"), ExitCode.REFUSED, "the disk is full"),
        (InvariantError("two owners"), ExitCode.FAILED, "two owners"),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED, "interrupted"),
        (Terminated(), ExitCode.TERMINATED, "SIGTERM"),
        (click.UsageError("no such option"), ExitCode.REFUSED, "no such option"),
        (ZeroDivisionError("oh"), ExitCode.INTERNAL, "Please report it"),
    ],
)
def test_an_error_becomes_words_and_a_code(
    error: BaseException, code: ExitCode, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert guarded(_raising(error), debug=False) == code
    shown = capsys.readouterr()
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(_raising(ZeroDivisionError("oh")), debug=True) == ExitCode.INTERNAL
    assert "Traceback" in capsys.readouterr().err


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["rum"]) == ExitCode.REFUSED
    assert "did you mean 'run'?" in capsys.readouterr().err


def test_commands_of_other_issues_are_not_offered() -> None:
    assert not {"why", "explore", "dayu"} & set(COMMANDS)


@pytest.mark.slow
def test_a_closed_pipe_is_harmless() -> None:
    command = f"{sys.executable} -m feitian_sim schema | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_offers_the_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["completion", shell]) == ExitCode.DONE
    assert "_FEITIAN_COMPLETE" in capsys.readouterr().out
