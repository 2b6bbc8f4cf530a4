"""The shrunk scenario of a planted bug, run as a user runs it: by ``feitian run``, again and again, here and elsewhere.

``python -m tests.mutants.replay ID FILE`` is ``feitian run FILE`` in a process of its own with the bug planted; it prints
the invariant that was violated.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.main import invoke
from feitian_sim.experiments.check.found import scenario_text
from feitian_sim.experiments.check.judge import BOOKS, UNHANDLED
from feitian_sim.experiments.check.shrink import Shrunk
from tests.mutants.mutant import Mutant, arena_of, planted

#: Other processes' hash seeds.
_HASH_SEEDS = ("1", "2")
_NAMED = re.compile(r"was broken: (\w+) at ")


@dataclass(frozen=True, slots=True)
class Replays:
    """How often a scenario was run, and how often it violated the invariant that it was kept for."""

    runs: int
    same: int
    #: Whether it holds where the bug is not planted.
    clean: bool

    def __str__(self) -> str:
        return f"{self.same}/{self.runs}{'' if self.clean else ' DIRTY'}"


def replays(mutant: Mutant, small: Shrunk, here: int = 5, elsewhere: int = len(_HASH_SEEDS)) -> Replays:
    """Run the shrunk scenario from its file, ``here`` times in this process and then in others."""
    with _written(mutant, small) as path:
        with planted(mutant):
            found = [violated(path) for _ in range(here)]
        found += [_elsewhere(mutant, path, seed) for seed in _HASH_SEEDS[:elsewhere]]
        clean = violated(path) == ""
    return Replays(len(found), sum(one == small.finding.invariant for one in found), clean)


@contextmanager
def _written(mutant: Mutant, small: Shrunk) -> Iterator[Path]:
    arena = arena_of(mutant)
    text = scenario_text(arena.document(small.trial, f"mutant-{mutant.id.lower()}", f"Is it so that {mutant.what}?"))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "shrunk.yaml"
        path.write_text(text, encoding="utf-8")
        yield path


def violated(path: Path) -> str:
    """The invariant that ``feitian run`` names; empty when all hold."""
    errors = io.StringIO()
    with redirect_stderr(errors), redirect_stdout(io.StringIO()):
        code = invoke(["run", str(path), "-q", "--no-figures", "-o", str(path.parent / "results")])
    match code:
        case ExitCode.DONE:
            return ""
        case ExitCode.INTERNAL:
            return UNHANDLED
        case ExitCode.FAILED:
            named = _NAMED.search(errors.getvalue())
            return named[1] if named else BOOKS
    return f"exit code {int(code)}: {errors.getvalue()[-200:]}"


def _elsewhere(mutant: Mutant, path: Path, hash_seed: str) -> str:
    command = [sys.executable, "-m", __name__, mutant.id, str(path)]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() if not done.returncode else f"failed: {done.stderr[-200:]}"


def main() -> None:
    """In the other process."""
    from tests.mutants.table import MUTANTS

    name, path = sys.argv[1:]
    with planted(next(mutant for mutant in MUTANTS if mutant.id == name)):
        print(violated(Path(path)))


if __name__ == "__main__":
    main()
