"""Whether a seed gives the same again: twice in this process, and in another with another ``PYTHONHASHSEED``.

Each finds leaks of chance that the other cannot: state that an earlier run left behind shows only in one process, the
order of a set of texts only between two.
"""

from __future__ import annotations

import os
import subprocess
import sys

from feitian_sim.experiments.check.judge import judge
from feitian_sim.experiments.check.trial import Arena
from feitian_sim.scenario import load

_HASH_SEEDS = ("11", "12")


def repeated(arena: Arena, seed: int) -> list[str]:
    """What differs; empty when all is the same."""
    trial = arena.trial(seed)
    digests = {
        "this process": judge(arena, trial).digest,
        "this process again": judge(arena, trial).digest,
        "another process": _elsewhere(arena, seed),
    }
    if len({*digests.values()}) == 1:
        return []
    said = ", ".join(f"{where} {digest[:16]}" for where, digest in digests.items())
    return [f"seed {seed} gives other digests: {said}; `feitian diff` tells the first event that differs"]


def _elsewhere(arena: Arena, seed: int) -> str:
    # Another hash seed than this process's, whatever it is.
    mine = os.environ.get("PYTHONHASHSEED", "")
    environment = os.environ | {"PYTHONHASHSEED": next(one for one in _HASH_SEEDS if one != mine)}
    command = [sys.executable, "-m", __name__, str(arena.loaded.path), arena.profile, str(seed), *arena.loaded.overrides]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() if not done.returncode else f"failed: {done.stderr[-200:]}"


def main() -> None:
    """In the other process: print the digest of one seed."""
    path, profile, seed, *overrides = sys.argv[1:]
    arena = Arena(load(path, overrides), profile)
    sys.stdout.write(judge(arena, arena.trial(int(seed))).digest)


if __name__ == "__main__":
    main()
