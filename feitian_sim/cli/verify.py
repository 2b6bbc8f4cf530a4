"""`feitian verify`: run a result again and compare digests."""

from __future__ import annotations

from pathlib import Path

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import print_json, print_table
from feitian_sim.cli.progress import shown_progress


@click.command("verify", short_help="Run a result again and compare digests.")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def verify_command(directory: Path, as_json: bool, quiet: bool) -> ExitCode:
    """Run what the results folder DIR was made from and compare digests; exit code 1 when they differ."""
    from feitian_sim.experiments.interruption import interruptible
    from feitian_sim.experiments.verify import verify

    with interruptible(), shown_progress(quiet) as listener:
        found = verify(directory, listener)
    if as_json:
        rows = [{"run": run.run, "stored": run.stored, "repeated": run.repeated, "same": run.same} for run in found.runs]
        print_json(
            {
                "schema_version": 1,
                "scenario": found.name,
                "directory": str(found.directory),
                "ok": found.ok,
                "runs": rows,
                "changed_files": list(found.changed_files),
                "other_versions": list(found.other_versions),
            }
        )
    else:
        shown = [run for run in found.runs if not run.same] or list(found.runs)
        print_table(
            ("run", "stored", "repeated", ""),
            [(str(run.run), run.stored, run.repeated, "same" if run.same else "DIFFERENT") for run in shown[:15]],
        )
        for name in found.changed_files[:5]:
            click.echo(f"changed since it was written: {name}")
        if not found.ok and found.other_versions:
            click.echo("versions differ: " + "; ".join(found.other_versions[:5]))
        click.echo(f"{found.directory}: {'verified' if found.ok else 'NOT the same'}")
    return ExitCode.DONE if found.ok else ExitCode.FAILED
