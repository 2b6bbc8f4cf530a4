"""`feitian version`: which version this is, and of what it stands on."""

from __future__ import annotations

import json

import click


def plain_version() -> str:
    """``feitian-sim 0.1.0``."""
    from importlib import metadata

    try:
        return f"feitian-sim {metadata.version('feitian-sim')}"
    except metadata.PackageNotFoundError:
        return "feitian-sim (not installed)"


@click.command("version", short_help="Version, and of what this stands on.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def version_command(as_json: bool) -> None:
    """Print the version; with --json also those of Python, the platform and the libraries."""
    if not as_json:
        click.echo(plain_version())
        return
    from feitian_sim.experiments.manifest import SCHEMA_VERSION, machine, source_revision, versions

    document = {"schema_version": SCHEMA_VERSION, **machine(), "versions": versions(), **source_revision()}
    click.echo(json.dumps(document, indent=2))
