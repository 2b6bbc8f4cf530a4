"""`feitian completion`: scripts for the shell, made by click."""

from __future__ import annotations

import click


@click.command("completion", short_help="Completion for bash, zsh or fish.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script of SHELL.

    bash: eval "$(feitian completion bash)"; zsh: eval "$(feitian completion zsh)";
    fish: feitian completion fish | source
    """
    from click.shell_completion import get_completion_class

    from feitian_sim.cli.main import feitian

    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(feitian, {}, "feitian", "_FEITIAN_COMPLETE").source())
