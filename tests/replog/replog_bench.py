"""A replicated log on simulated machines: members, one on each rack, and a state machine that keeps what it was told."""

from __future__ import annotations

from typing import Any

from plain_guard import Name, PlainGuard

from feitian_sim.hardware import ClusterConfig, Daemon, DataCenter
from feitian_sim.kernel import MILLISECOND, SECOND, Owner, Simulation
from feitian_sim.kuafu import Kuafu
from feitian_sim.replog import Group, ReplicatedLog, ReplogConfig

PORT = 7100


class Recorder:
    """Keeps the commands in order."""

    def __init__(self) -> None:
        self.commands: list[Any] = []

    def apply(self, index: int, command: Any) -> Any:
        self.commands.append(command)
        return len(self.commands)

    def image(self) -> tuple[Any, int]:
        return tuple(self.commands), 100 * len(self.commands)

    def restore(self, image: Any) -> None:
        self.commands = list(image)


class Bench:
    """``size`` members in a cluster of as many racks; member 0 leads at the beginning unless ``cold``."""

    def __init__(self, size: int = 5, *, seed: int = 1, cold: bool = False, config: ReplogConfig | None = None) -> None:
        self.sim = Simulation(seed=seed)
        self.datacenter = DataCenter(self.sim, ClusterConfig(racks=size, machines_per_rack=2))
        self.kuafu = Kuafu(self.sim, self.datacenter, PlainGuard())
        self.config = config or ReplogConfig()
        machines = [self.datacenter.machine(f"r{number}/m0") for number in range(size)]
        addresses = {number: f"tcp://{machine.name}:{PORT}" for number, machine in enumerate(machines)}
        self.group = Group("g", addresses, None if cold else 0)
        self.logs: dict[int, ReplicatedLog] = {}
        self.states: dict[int, Recorder] = {}
        self.daemons = [
            Daemon(machine, f"log-{number}", "log", lambda owner, number=number: self._boot(number, owner))
            for number, machine in enumerate(machines)
        ]
        self.results: dict[Any, Any] = {}
        self.lost: dict[Any, str] = {}
        self.at: dict[Any, int] = {}
        self.facts: list[tuple[int, Any]] = []
        self.sim.facts.subscribe("replog.leader_elected", lambda at, what: self.facts.append((at, what)))
        for daemon in self.daemons:
            daemon.start()

    def _boot(self, number: int, owner: Owner) -> None:
        machine = self.daemons[number].machine
        endpoint = self.kuafu.endpoint(owner, machine, PORT, Name("replog"))
        self.states[number] = Recorder()
        self.logs[number] = ReplicatedLog(
            self.sim,
            self.datacenter,
            owner,
            endpoint,
            machine.disks[0],
            self.group,
            number,
            self.states[number],
            self.config,
        )

    def propose(self, number: int, command: Any) -> None:
        def chosen(result: Any) -> None:
            self.results[command] = result
            self.at[command] = self.sim.now

        self.logs[number].propose(command, 100, chosen, lambda why: self.lost.__setitem__(command, why))

    @property
    def leader(self) -> int | None:
        alive = [n for n, log in self.logs.items() if self.daemons[n].alive and log.is_leader]
        return alive[-1] if alive else None

    def run(self, seconds: float) -> None:
        self.sim.run_until(self.sim.now + int(seconds * SECOND))


__all__ = ["MILLISECOND", "SECOND", "Bench"]
