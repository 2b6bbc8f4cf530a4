"""What loads of jobs need of Fuxi."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, Protocol

from feitian_sim.fuxi.config import FuxiConfig
from feitian_sim.fuxi.messages import Kind
from feitian_sim.fuxi.resources import Vector
from feitian_sim.hardware import Machine


class JobClient(Protocol):
    """A process of a user's that submits jobs."""

    def submit(
        self,
        app: str,
        kind: Kind,
        description: Any,
        done: Callable[[Any], object],
        *,
        group: str = "",
        size_bytes: int = 4096,
    ) -> None:
        """Have it run: ``done`` gets Submitted, or why it was refused."""
        ...

    def end_of(self, app: str, done: Callable[[Any], object]) -> None:
        """``done`` gets its Status when it has ended."""
        ...


class JobTaker(Protocol):
    """A running Fuxi."""

    @property
    def config(self) -> FuxiConfig:
        """Its part of the scenario."""
        ...

    def client(self, machine: Machine, user: str) -> JobClient:
        """A process of that user's on that machine."""
        ...

    def capacity_of(self, machine: Machine) -> Vector:
        """What a machine offers."""
        ...

    def known_apps(self) -> Container[str] | None:
        """Every application that the serving FuxiMaster knows, also ended ones; None while nobody serves."""
        ...
