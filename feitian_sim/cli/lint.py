"""`feitian lint` and `feitian show`: scenario files, checked and resolved, not run."""

from __future__ import annotations

from pathlib import Path

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import print_json

_FILE = click.Path(path_type=Path)


@click.command("lint", short_help="Check scenario files without running them.")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def lint_command(files: tuple[Path, ...], as_json: bool) -> ExitCode:
    """Show everything that is wrong in each FILE, as file:line:column: message."""
    from feitian_sim.scenario import load
    from feitian_sim.scenario.problems import Problem, ScenarioProblems

    problems: list[tuple[str, Problem]] = []
    for file in files:
        try:
            problems += [("warning", problem) for problem in load(file).warnings]
        except ScenarioProblems as error:
            problems += [("error", problem) for problem in error.problems]
    wrong = sum(level == "error" for level, _ in problems)
    if as_json:
        print_json({"schema_version": 1, "ok": not wrong, "problems": [_row(*found) for found in problems]})
    else:
        for level, problem in problems:
            text = str(problem)
            click.echo(text if level == "error" else f"{problem.position}: warning: {problem.message}")
        click.echo(f"{_counted(len(files), 'file')}, {_counted(wrong, 'problem')}", err=True)
    return ExitCode.REFUSED if wrong else ExitCode.DONE


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _row(level: str, problem: object) -> dict[str, object]:
    from feitian_sim.scenario.problems import Problem

    assert isinstance(problem, Problem)
    place = problem.position
    return {
        "level": level,
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "key": problem.key,
        "message": problem.message,
    }


@click.command("show", short_help="Print a scenario with everything resolved.")
@click.argument("file", type=_FILE)
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Seed, instead of the file's.")
@click.option("--runs", type=click.IntRange(1, 100_000), help="Replications, instead of the file's.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Set any key. Repeatable.")
@click.option("--hash", "only_hash", is_flag=True, help="Only the hash of the configuration.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def show_command(
    file: Path, seed: int | None, runs: int | None, overrides: tuple[str, ...], only_hash: bool, as_json: bool
) -> None:
    """Print FILE as it would be run: defaults, what it extends and what was set, all written out."""
    from feitian_sim.scenario import load

    loaded = load(file, overrides, seed, runs)
    if only_hash:
        click.echo(loaded.config_hash)
    elif as_json:
        from feitian_sim.scenario.resolved import resolved_data

        print_json({"schema_version": 1, "config_hash": loaded.config_hash, "scenario": resolved_data(loaded.scenario)})
    else:
        click.echo(loaded.resolved_yaml(), nl=False)
