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
    "jobs": (("jobs.yaml",), "MapReduce jobs of two quota groups lose a machine"),
    "trace": (("trace.yaml", "trace.csv"), "a trace of jobs in Alibaba's format; put yours in its place"),
    "service": (("service.yaml",), "a service whose partitions split and move, and lose a machine"),
    "coordination": (("coordination.yaml",), "reads and writes of Nuwa around the end of its leader"),
    "empty": (("empty.yaml",), "the least that a scenario needs"),
}
_FOLDER = Path(__file__).parent / "templates"


def _described() -> str:
    return "\b\nTemplates:\n" + "\n".join(f"  {name:<14} {what}" for name, (_, what) in TEMPLATES.items())


@click.command("init", short_help="Write a scenario to start from.", epilog=_described())
@click.argument("place", type=click.Path(path_type=Path), default=".", metavar="[DIR|FILE.yaml]")
@click.option(
    "-t", "--template", type=click.Choice(list(TEMPLATES)), default="quickstart", show_default=True, help="Which one."
)
def init_command(place: Path, template: str) -> None:
    """Write the files of a template into DIR (the current folder by default), or its scenario as FILE.yaml and what
    belongs to that beside it. Never overwrites."""
    files, _ = TEMPLATES[template]
    paths = _paths(place, files)
    there = next((path for path in paths if path.exists()), None)
    if there is not None:
        raise click.UsageError(f"{there} is there already: choose another place, or move it away")
    from feitian_sim.experiments.store import refusing

    with refusing(paths[0].parent):
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        for name, path in zip(files, paths, strict=True):
            path.write_bytes((_FOLDER / name).read_bytes())
            click.echo(str(path))
    click.echo(f"Next: feitian run {paths[0]}", err=True)


def _paths(place: Path, files: tuple[str, ...]) -> list[Path]:
    if place.suffix in (".yaml", ".yml") and not place.is_dir():
        return [place, *(place.parent / name for name in files[1:])]
    if place.exists() and not place.is_dir():
        raise click.UsageError(f"{place} is a file: a folder, or a file that ends in .yaml, is needed")
    return [place / name for name in files]
