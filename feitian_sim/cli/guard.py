"""From an error to words and an exit code; the only place where the command catches what went wrong."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import traceback
from collections.abc import Callable

import click

from feitian_sim.cli.exits import ExitCode


def guarded(work: Callable[[], object], *, debug: bool) -> ExitCode:
    """Do ``work`` and say what came of it. Work may return an ExitCode; anything else is done."""
    try:
        outcome = work()
        sys.stdout.flush()
        return outcome if isinstance(outcome, ExitCode) else ExitCode.DONE
    except click.exceptions.Exit as error:
        return ExitCode(error.exit_code)
    except click.Abort as error:
        # Click raises this from the interruption that it caught.
        cause = error.__cause__
        return _interrupted(cause if isinstance(cause, KeyboardInterrupt) else KeyboardInterrupt())
    except click.ClickException as error:
        error.show()
        return ExitCode.REFUSED
    except BrokenPipeError:
        return _pipe_closed()
    except SystemExit as error:
        # Click ends the process itself when it meets a closed pipe.
        if isinstance(error.__context__, BrokenPipeError):
            return _pipe_closed()
        raise
    except KeyboardInterrupt as error:
        return _interrupted(error)
    except Exception as error:
        if debug:
            traceback.print_exc()
        return explained(error)


def explained(error: Exception) -> ExitCode:
    """Say what an error means on stderr. Ours is reported in full, everybody else's as a message."""
    from feitian_sim.kernel.errors import EnvironmentRefusal, FeitianError, InvariantError, ScenarioError

    if isinstance(error, InvariantError):
        say("; ".join([f"a promise of the simulator was broken: {error}", *getattr(error, "__notes__", ())]))
        return ExitCode.FAILED
    if isinstance(error, ScenarioError):
        click.echo(str(error), err=True)
        return ExitCode.REFUSED
    if isinstance(error, EnvironmentRefusal):
        say(str(error))
        return ExitCode.REFUSED
    if isinstance(error, MemoryError):
        say("there is not enough memory for this scenario: see `feitian estimate FILE`, or make it smaller")
        return ExitCode.REFUSED
    if isinstance(error, FeitianError):
        say(str(error))
        return ExitCode.INTERNAL
    _report_bug(error)
    return ExitCode.INTERNAL


def say(message: str) -> None:
    """A message to the user, on stderr."""
    click.echo(f"feitian: {message}", err=True)


def _report_bug(error: Exception) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "feitian_sim" in frame.filename]
    where = ours[-1] if ours else frames[-1]
    place = where.filename[where.filename.rfind("feitian_sim") :] if ours else where.filename
    from feitian_sim.cli.version import plain_version

    notes = "".join(f"  note     {note}\n" for note in getattr(error, "__notes__", ()))
    click.echo(
        "feitian: internal error, a mistake of ours. Please report it with these lines:\n"
        f"  error    {type(error).__name__}: {error}\n"
        f"  at       {place}:{where.lineno} in {where.name}\n"
        f"  version  {plain_version()}, Python {platform.python_version()}, {platform.platform()}\n"
        f"  command  {shlex.join(['feitian', *sys.argv[1:]])}\n"
        f"{notes}"
        "Run it again with --debug for the whole traceback.",
        err=True,
    )


def _interrupted(error: KeyboardInterrupt) -> ExitCode:
    terminated = type(error).__name__ == "Terminated"
    words = [str(note) for note in getattr(error, "__notes__", ())]
    say("; ".join(["stopped by SIGTERM" if terminated else "interrupted", *words]))
    return ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED


def _pipe_closed() -> ExitCode:
    # Whoever read our output has seen enough (`feitian list metrics | head`). Python would complain again
    # when it flushes stdout at exit: let it flush into nothing.
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    return ExitCode.DONE
