"""`feitian doctor`: whether everything that is needed is here."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.output import print_json, print_table


@click.command("doctor", short_help="Whether everything that is needed is here.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("results"), help="Results folder to try.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of published traces.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def doctor_command(output: Path, data: Path | None, as_json: bool) -> ExitCode:
    """Look at versions, folders, disk, numba's cache, published traces and fonts."""
    from feitian_sim.experiments.doctor import examine
    from feitian_sim.scenario.load import data_dirs

    checks = examine(output, data_dirs([data] if data else []))
    healthy = all(check.ok or not check.required for check in checks)
    if as_json:
        print_json({"schema_version": 1, "ok": healthy, "checks": [asdict(check) for check in checks]})
    else:
        rows = [
            ("ok" if check.ok else ("MISSING" if check.required else "note"), check.name, check.found) for check in checks
        ]
        print_table(("", "what", "found"), rows)
        for check in checks:
            if not check.ok:
                click.echo(f"{check.name}: {check.remedy}", err=True)
    return ExitCode.DONE if healthy else ExitCode.REFUSED
