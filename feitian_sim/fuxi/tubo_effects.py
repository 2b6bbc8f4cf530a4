"""What the Tubo's core wants done: returned by it, carried out by its driver."""

from __future__ import annotations

from dataclasses import dataclass

from feitian_sim.fuxi.process_table import AppHere, Process


@dataclass(frozen=True, slots=True)
class Start:
    """Launch a process; ``Tubo.up`` or ``Tubo.failed`` says how that went."""

    process: Process


@dataclass(frozen=True, slots=True)
class Kill:
    """End a process; ``Tubo.gone`` when it is gone."""

    process: Process


@dataclass(frozen=True, slots=True)
class TellApp:
    """An application's master is to hear of ends (``app.gone``)."""

    app: AppHere


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An allowance has been taken, for who checks the books."""

    app: str
    unit: int
    delta: int


Effect = Start | Kill | TellApp | TakenIn
