"""`feitian check`: random faults over many seeds, all invariants on; what fails is shrunk to a scenario."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import print_json, print_table, quantity
from feitian_sim.cli.progress import bar_or_lines

if TYPE_CHECKING:
    from feitian_sim.experiments.check.found import Kept
    from feitian_sim.experiments.check.hunt import Hunt, Told
    from feitian_sim.experiments.check.trial import Arena

_DEFAULT = Path("scenarios/check/platform.yaml")
#: Failing seeds that are shrunk; the others are named.
_SHRUNK = 3


@click.command("check", short_help="Random faults over many seeds, invariants on; what fails is shrunk.")
@click.argument("file", type=click.Path(path_type=Path), default=_DEFAULT)
@click.option("--seeds", "-n", type=click.IntRange(min=1), default=100, show_default=True, help="How many seeds.")
@click.option("--seed", "first", type=click.IntRange(min=0), default=0, show_default=True, help="The first seed.")
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), default=1, show_default=True, help="Processes beside each other."
)
@click.option(
    "--profile",
    metavar="NAME",
    help="swarm, crash-heavy, network, disks, gray, clocks, operator, duels, amnesia or none.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of the scenario.")
@click.option("--no-shrink", is_flag=True, help="Only say which seeds fail.")
@click.option("--keep-going", is_flag=True, help="Go on after a failing seed. Default: stop after the first few.")
@click.option(
    "--double", type=click.IntRange(min=0), default=2, show_default=True, help="Seeds that are run anew elsewhere."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("results/check"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def check_command(
    file: Path,
    seeds: int,
    first: int,
    jobs: int,
    profile: str | None,
    overrides: tuple[str, ...],
    no_shrink: bool,
    keep_going: bool,
    double: int,
    output: Path,
    as_json: bool,
    quiet: bool,
) -> ExitCode:
    """Run FILE under random faults and say what did not hold; exit code 1 when something did not."""
    from feitian_sim.experiments.check.hunt import fails_by_itself, hunt
    from feitian_sim.experiments.check.trial import Arena
    from feitian_sim.experiments.interruption import interruptible
    from feitian_sim.experiments.store import probe, refusing
    from feitian_sim.scenario import load

    arena = Arena(load(file, overrides), profile)
    if not no_shrink:
        # Now, and not when hours of hunting have found something to be written.
        with refusing(output):
            probe(output)
    with interruptible():
        fails_by_itself(arena)
        with _shown(quiet) as told:
            try:
                found = hunt(arena, first, seeds, jobs, told, None if keep_going else _SHRUNK)
            except KeyboardInterrupt as error:
                _say_interrupted(getattr(error, "found", None))
                raise
        leaks = _leaks(arena, first, min(double, seeds), found)
        kept = [] if no_shrink else _kept(arena, found, output)
    if as_json:
        print_json(_document(arena, found, kept, leaks))
    else:
        _print(arena, found, kept, leaks, first)
    unjudged = _unjudged(found)
    return ExitCode.FAILED if found.failed or leaks or unjudged else ExitCode.DONE


def _unjudged(found: Hunt) -> tuple[str, ...]:
    from feitian_sim.experiments.check.hunt import ENOUGH_SEEDS

    return found.unjudged if found.seeds >= ENOUGH_SEEDS else ()


def _leaks(arena: Arena, first: int, double: int, found: Hunt) -> list[str]:
    """Seeds that another run of the same gives otherwise."""
    from feitian_sim.experiments.check.repeat import repeated

    return [where for seed in range(first, first + double) if seed in found.digests for where in repeated(arena, seed)]


def _kept(arena: Arena, found: Hunt, output: Path) -> list[Kept]:
    from feitian_sim.experiments.check.found import keep
    from feitian_sim.experiments.check.shrink import Shrinker

    kept = []
    for finding in found.failed[:_SHRUNK]:
        click.echo(f"seed {finding.seed} violates {finding.invariant}; making it small ...", err=True)
        shrinker = Shrinker(arena, arena.trial(finding.seed), finding)
        try:
            shrunk = shrinker.run()
        except KeyboardInterrupt as error:
            best = keep(arena, shrinker.best, finding, output)
            error.add_note(f"the best so far is kept in {best.path}")
            raise
        kept.append(keep(arena, shrunk, finding, output))
    return kept


def _print(arena: Arena, found: Hunt, kept: list[Kept], leaks: list[str], first: int) -> None:
    path = arena.loaded.path
    for one in kept:
        shrunk = one.shrunk
        click.echo(f"\nseed {one.finding.seed} violates {one.finding.invariant}: {one.finding.claim}")
        click.echo(f"  at {shrunk.finding.time_ns / 1e9:.6f} s: {shrunk.finding.text}")
        click.echo(f"  shrunk in {shrunk.runs} runs to {shrunk.faults} faults and {shrunk.operations} operations")
        for line in one.facts[-8:]:
            click.echo(f"    {line[:150]}")
        again = "" if one.replays else "   (does NOT violate it when run from the file)"
        click.echo(f"  replay it: feitian run {one.path}{again}")
    rest = [finding for finding in found.failed if all(finding.seed != one.finding.seed for one in kept)]
    for finding in rest[:5]:
        click.echo(f"seed {finding.seed} violates {finding.invariant} at {finding.time_ns / 1e9:.3f} s: {finding.text}")
        click.echo(f"  replay it: feitian check {path} --profile {arena.profile} --seed {finding.seed} --seeds 1")
    for leak in leaks:
        click.echo(f"not repeatable: {leak}")
    if unjudged := found.unjudged:
        click.echo(f"never judged: {', '.join(unjudged)}{'' if _unjudged(found) else ' (few seeds)'}")
    if unreached := found.unreached:
        click.echo(f"never reached: {'; '.join(unreached[:8])}{' ...' if len(unreached) > 8 else ''}")
    rows = [
        ("seeds judged", str(found.seeds), f"from {first}, profile {arena.profile}"),
        ("seeds that failed", str(len(found.failed)), ""),
        ("judgements", f"{sum(found.evaluated.values()):,}", f"by {len(found.evaluated)} invariants"),
        ("events", f"{found.events:,}", f"{found.seeds / max(found.cpu_s, 1e-9):.1f} seeds per CPU second"),
    ]
    click.echo("")
    print_table(("", "", ""), rows)


def _document(arena: Arena, found: Hunt, kept: list[Kept], leaks: list[str]) -> dict[str, Any]:
    from feitian_sim.experiments.manifest import total_digest

    paths = {one.finding.seed: (str(one.path), one) for one in kept}
    failed = []
    for finding in found.failed:
        path, one = paths.get(finding.seed, ("", None))
        row = {
            "seed": finding.seed,
            "invariant": finding.invariant,
            "time_s": finding.time_ns / 1e9,
            "text": finding.text,
        }
        if one is not None:
            row |= {"scenario": path, "faults": one.shrunk.faults, "operations": one.shrunk.operations}
            row |= {"replays": one.replays}
        failed.append(row)
    return {
        "schema_version": 1,
        "scenario": arena.loaded.scenario.name,
        "profile": arena.profile,
        "seeds": found.seeds,
        "digest": total_digest([found.digests[seed] for seed in sorted(found.digests)]),
        "failed": failed,
        "not_repeatable": leaks,
        "judged": dict(sorted(found.evaluated.items())),
        "never_judged": list(found.unjudged),
        "reached": dict(sorted(found.reached.items())),
        "never_reached": list(found.unreached),
    }


def _say_interrupted(found: Hunt | None) -> None:
    for finding in found.failed if found is not None else ():
        click.echo(f"seed {finding.seed} violates {finding.invariant}: {finding.text}")


@contextmanager
def _shown(quiet: bool) -> Iterator[Callable[[Told], None] | None]:
    with bar_or_lines(quiet) as show:
        if show is None:
            yield None
        else:
            yield lambda told: show(told.done / told.seeds, _words(told), told.elapsed_s)


def _words(told: Told) -> str:
    left_s = told.elapsed_s * (told.seeds - told.done) / max(told.done, 1)
    left = f", {quantity(max(left_s, 1.0), 's')} left" if told.done < told.seeds else ""
    failed = f", {told.failed} failed" if told.failed else ""
    return f"{told.done} of {told.seeds} seeds{failed}{left}"
