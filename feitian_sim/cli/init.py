"""`feitian init`: a scenario to start from."""

from __future__ import annotations

from pathlib import Path

import click

#: Templates shipped with the package: their files, and what each is for.
TEMPLATES: dict[str, tuple[tuple[str, ...], str]] = {
    "quickstart": (("quickstart.yaml",), "40 machines lose a rack while clients write; under 20 s"),
    "rack-loss": (("rack-loss.yaml",), "100 machines, a rack lost for good, three runs, readers and writers"),
    "disk-failures": (("disk-failures.yaml",), "a quarter of a year of disk failures at a rate"),
    "corruption": (("corruption.yaml",), "bit rot under readers"),
    "flows": (("flows.yaml", "flows.csv"), "a flow trace over the network alone"),
    "empty": (("empty.yaml",), "the least that a scenario needs"),
}
_FOLDER = Path(__file__).parent / "templates"


def _described() -> str:
    return "\b\nTemplates:\n" + "\n".join(f"  {name:<14} {what}" for name, (_, what) in TEMPLATES.items())


@click.command("init", short_help="Write a scenario to start from.", epilog=_described())
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".", metavar="[DIR]")
@click.option(
    "-t", "--template", type=click.Choice(list(TEMPLATES)), default="quickstart", show_default=True, help="Which one."
)
def init_command(folder: Path, template: str) -> None:
    """Write the files of a template into DIR (the current folder by default). Never overwrites."""
    files, _ = TEMPLATES[template]
    there = [folder / name for name in files if (folder / name).exists()]
    if there:
        raise click.UsageError(f"{there[0]} is there already: choose another folder, or move it away")
    from feitian_sim.experiments.store import refusing

    with refusing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name in files:
            (folder / name).write_bytes((_FOLDER / name).read_bytes())
            click.echo(str(folder / name))
    click.echo(f"Next: feitian run {folder / files[0]}", err=True)
