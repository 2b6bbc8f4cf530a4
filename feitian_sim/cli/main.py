"""The entry point: a group of commands, each loaded when it is called or asked for help."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

import click

from feitian_sim.cli.exits import ExitCode
from feitian_sim.cli.guard import guarded

#: Every command, where it lives and its line in ``--help``, so that help imports none of them.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("feitian_sim.cli.run", "Run a scenario and write its results."),
    "sweep": ("feitian_sim.cli.sweep", "Run a scenario over all combinations of the values on its axes."),
    "compare": ("feitian_sim.cli.compare", "Variants that meet the same chance, with intervals of their differences."),
    "place": ("feitian_sim.cli.place", "What placement policies do, without simulating."),
    "check": ("feitian_sim.cli.check", "Random faults over many seeds, invariants on; what fails is shrunk."),
    "resume": ("feitian_sim.cli.resume", "Go on with a sweep or a comparison that was stopped."),
    "status": ("feitian_sim.cli.resume", "How far a sweep or a comparison is."),
    "validate": ("feitian_sim.cli.validate", "Published experiments: simulated beside published."),
    "verify": ("feitian_sim.cli.verify", "Run a result again and compare digests."),
    "diff": ("feitian_sim.cli.diff", "The first diverging event of two runs."),
    "report": ("feitian_sim.cli.report", "Draw the figures and the HTML page of results again."),
    "plot": ("feitian_sim.cli.report", "Draw the figures of results."),
    "export": ("feitian_sim.cli.export", "Write results in the formats of others."),
    "lint": ("feitian_sim.cli.lint", "Check scenario files without running them."),
    "show": ("feitian_sim.cli.lint", "Print a scenario with everything resolved."),
    "estimate": ("feitian_sim.cli.estimate", "Run time and memory before running."),
    "list": ("feitian_sim.cli.reference", "List scenarios, faults, policies, workloads or metrics."),
    "explain": ("feitian_sim.cli.reference", "What a key, a metric or an id means."),
    "schema": ("feitian_sim.cli.reference", "JSON Schema of scenario files, for editors."),
    "init": ("feitian_sim.cli.init", "Write a scenario to start from."),
    "doctor": ("feitian_sim.cli.doctor", "Whether everything that is needed is here."),
    "completion": ("feitian_sim.cli.completion", "Completion for bash, zsh or fish."),
    "version": ("feitian_sim.cli.version", "Version, and of what this stands on."),
}


class Commands(click.Group):
    """Loads a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table: the most used first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = getattr(import_module(module), f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an unknown one, name the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f" (commands: {', '.join(COMMANDS)})"
            raise click.UsageError(f"there is no command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The lines of the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=lambda *given: _version(*given))
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def feitian(debug: bool) -> None:
    """Simulate the Feitian (Apsara) cloud platform: clusters, load and faults from a YAML file.

    Start with `feitian init` and `feitian run quickstart.yaml`. Exit codes: 0 done and all expectations held;
    1 an expectation, invariant or validation failed; 2 wrong usage, refused input or surroundings; 3 internal error;
    4 some runs of a sweep or a comparison failed; 130 or 143 interrupted.
    """


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from feitian_sim.cli.version import plain_version

        click.echo(plain_version())
        ctx.exit()


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command and end the process with its exit code."""
    sys.exit(int(invoke(sys.argv[1:] if arguments is None else arguments)))


def invoke(arguments: list[str]) -> ExitCode:
    """Run the command; returns its exit code."""
    # --debug may stand anywhere: it is about the command, not about what the command does.
    debug = "--debug" in arguments
    rest = [argument for argument in arguments if argument != "--debug"]
    return guarded(lambda: feitian.main(rest, prog_name="feitian", standalone_mode=False), debug=debug)
