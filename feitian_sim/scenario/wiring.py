"""From a loaded scenario to a platform that runs: the one place where all parts are made and put together.

The order is fixed, since it is the order of insertion at time 0: simulation, hardware, calls, Nuwa, Pangu with its
dataset, the authority, Fuxi, loads, faults, operations. Oracles and tables listen from before the first fact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from feitian_sim.authority import IssuingOffice, Judge
from feitian_sim.authority.renewal import Renewals
from feitian_sim.authority.wiring import AuthorityCell
from feitian_sim.checking.checker import Checker
from feitian_sim.faults import wiring as faults
from feitian_sim.fuxi.application import Kinds
from feitian_sim.fuxi.job.application import JobApplication
from feitian_sim.fuxi.service.application import ServiceApplication
from feitian_sim.fuxi.service.cell import ServiceCell
from feitian_sim.fuxi.wiring import FuxiCell
from feitian_sim.hardware import Daemon, DataCenter, Machine
from feitian_sim.kernel import (
    SECOND,
    EventRecorder,
    FactTables,
    InvariantError,
    ScenarioError,
    Simulation,
    less_collection,
)
from feitian_sim.kernel.metric import Tables, measure
from feitian_sim.kuafu import NameResolver
from feitian_sim.kuafu.rpc import Kuafu
from feitian_sim.nuwa.office import ElectedOffice
from feitian_sim.nuwa.wiring import NuwaCell
from feitian_sim.operations import wiring as operations
from feitian_sim.pangu import office
from feitian_sim.pangu.wiring import PanguCell
from feitian_sim.scenario.evidence import evidence
from feitian_sim.scenario.load import Loaded
from feitian_sim.scenario.load_code import LoadCode
from feitian_sim.scenario.metrics import library
from feitian_sim.scenario.model import Scenario
from feitian_sim.scenario.plugins import blamed
from feitian_sim.scenario.roles import AUTHORITY_ROLE, FUXI_MASTER_ROLE, MASTER_ROLE, NUWA_ROLE, has_services, roles
from feitian_sim.scenario.warmup import found_warmup_s
from feitian_sim.workloads import wiring as workloads
from feitian_sim.workloads.context import RunningLoad, Services


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run leaves in memory."""

    facts: FactTables
    tables: Tables
    digest: str
    event_digest: str

    @property
    def metrics(self) -> dict[str, float]:
        """Every metric that has something to measure."""
        return measure(library(), self.tables)


def _simulation(scenario: Scenario, run: int, event_hash: bool, recorder: EventRecorder | None) -> Simulation:
    ties = scenario.check is not None and bool(scenario.check.ties)
    return Simulation(
        scenario.seed,
        run,
        event_hash=event_hash,
        recorder=recorder,
        drawn_ties=ties,
        # What is checked runs under many seeds, and signs the same things in each.
        common_secrets=scenario.check is not None,
    )


class Platform:
    """Everything of one run, wired and ready."""

    def __init__(
        self,
        loaded: Loaded,
        run: int,
        *,
        event_hash: bool = False,
        tables: bool = True,
        recorder: EventRecorder | None = None,
        kinds: Kinds | None = None,
    ) -> None:
        scenario = loaded.scenario
        self._loaded = loaded
        # Of applications' kinds, beside those of Fuxi.
        self._more_daemons: tuple[Daemon, ...] = ()
        self._code = LoadCode(loaded.policies, loaded.base_dir)
        self.sim = _simulation(scenario, run, event_hash, recorder)
        #: The oracles, which listen before anybody speaks; None where the scenario has no ``check``.
        self.checker = Checker(scenario.check, self.sim.facts, _parts(scenario)) if scenario.check is not None else None
        self.facts = FactTables(self.sim.facts) if tables else None
        self.datacenter = DataCenter(self.sim, scenario.cluster)
        self.identities = IssuingOffice(self.sim, scenario.zhongkui)
        self.judge = Judge(self.sim, scenario.zhongkui, self.identities)
        if scenario.coordination is not None:
            # Without Nuwa there is no authority to ask: capabilities end when they end.
            self.judge.on_hold.append(Renewals(self.sim, scenario.zhongkui, self._resolver, scenario.duration).hold)
        self.kuafu = Kuafu(self.sim, self.datacenter, self.judge, scenario.kuafu)
        self.nuwa = self._nuwa()
        # Before anything is placed: machines that are to be added later hold nothing of the dataset.
        planned = operations.prepare(self.sim, self.datacenter, scenario.operations, roles(scenario))
        self.cell = self._cell()
        self.authority = self._authority()
        self.fuxi = self._fuxi(kinds)
        self.loads = self._loads()
        if self.nuwa is not None:
            # Last of all: whoever was there before time 0 has said by now what it had of Nuwa.
            self.nuwa.start()
        for load in self.loads:
            load.start()
        #: Every process that a fault can reach.
        self.daemons = self._all_daemons()
        self._install_faults()
        #: What a run that may end early still waits for.
        self._evidence = evidence(self.sim, scenario, self.checker, self.loads) if self.checker is not None else None
        if self.cell is not None:
            operations.schedule(self.sim, self.datacenter, self.cell.operator, planned)

    def _loads(self) -> Sequence[RunningLoad]:
        return workloads.set_up(
            self.sim,
            self.datacenter,
            self.cell,
            self._loaded.scenario.load,
            self._loaded.data_dirs,
            self._loaded.base_dir,
            Services(self.kuafu, self.identities, self.judge, self.nuwa, self.authority, self.fuxi, self._code),
        )

    def _all_daemons(self) -> Sequence[Daemon]:
        return (
            *(self.cell.daemons if self.cell is not None else ()),
            *(self.authority.daemons if self.authority is not None else ()),
            *(self.fuxi.daemons if self.fuxi is not None else ()),
            *(self.nuwa.daemons if self.nuwa is not None else ()),
            *self._more_daemons,
            *self.kuafu.daemons,
        )

    def _install_faults(self) -> None:
        faults.install(
            self.sim,
            self.datacenter,
            self.daemons,
            self._loaded.scenario.faults,
            self._loaded.data_dirs,
            self._loaded.base_dir,
            duration_ns=self._loaded.scenario.duration,
            leaders=self._leaders(),
        )

    def _nuwa(self) -> NuwaCell | None:
        config = self._loaded.scenario.coordination
        if config is None:
            return None
        return NuwaCell(self.sim, self.datacenter, self.kuafu, self.identities, config)

    def _leaders(self) -> dict[str, Callable[[], str | None]]:
        """Who leads each role that elects a leader."""
        found: dict[str, Callable[[], str | None]] = {}
        if self.nuwa is not None:
            nuwa = self.nuwa
            found[NUWA_ROLE] = lambda: nuwa.leader.machine.name if nuwa.leader is not None else None
        if self.authority is not None:
            authority = self.authority
            found[AUTHORITY_ROLE] = lambda: authority.serving_machine
        if self.cell is not None:
            masters = self.cell.masters
            found[MASTER_ROLE] = lambda: masters.machine.name if masters.machine is not None else None
        if self.fuxi is not None:
            fuxi = self.fuxi
            found[FUXI_MASTER_ROLE] = lambda: fuxi.serving_machine
        return found

    def _resolver(self, machine: Machine) -> NameResolver:
        assert self.nuwa is not None, "names are known through Nuwa"
        return self.nuwa.agent(machine).resolver

    def _authority(self) -> AuthorityCell | None:
        if self.nuwa is None:
            return None
        return AuthorityCell(
            self.sim,
            self.datacenter,
            self.kuafu,
            self.nuwa,
            self.identities,
            self.judge,
            self._loaded.scenario.zhongkui,
        )

    def _cell(self) -> PanguCell | None:
        config = self._loaded.scenario.pangu
        if config is None:
            return None
        assert self.nuwa is not None, "Pangu's masters are elected by Nuwa"
        cell = PanguCell(
            self.sim,
            self.datacenter,
            self.kuafu,
            config,
            ElectedOffice(self.sim, self.nuwa, office.SERVICE, office.ELECTION, config.election.session),
            self.identities,
            placement=self._own("pangu.placement"),
            rebalancer=self._own("pangu.rebalance"),
        )
        cell.preload()
        return cell

    def _fuxi(self, kinds: Kinds | None) -> FuxiCell | None:
        config = self._loaded.scenario.fuxi
        if config is None:
            return None
        assert self.nuwa is not None, "FuxiMasters are elected by Nuwa"
        if kinds is None:
            of = self.datacenter.config.machine
            capacity = config.resources.capacity(of.cores, of.memory, of.disks)
            services = ServiceCell(self.datacenter, self.kuafu, self.identities, config.services, self._code)
            if has_services(self._loaded.scenario):
                self._more_daemons = (services.open_storage().daemon,)
            kinds = {
                "job": JobApplication(self.datacenter, config.jobs, (capacity,), self._code),
                "service": ServiceApplication(services, (capacity,)),
            }
        return FuxiCell(
            self.sim,
            self.datacenter,
            self.kuafu,
            self.nuwa,
            self.cell,
            self.identities,
            config,
            kinds,
            fairness=self._own("fuxi.schedule.fairness"),
            machine_choice=self._own("fuxi.schedule.machine_choice"),
            preemption=self._own("fuxi.schedule.preemption"),
        )

    def _own(self, key: str) -> Any:
        """A new object of the user's own class at ``key``; None where the scenario names none."""
        return next((part.create() for part in self._loaded.policies if part.key == key), None)

    def run(self) -> Ran:
        """Run to the end of the scenario, sampling on the way.

        Raises ScenarioError when the user's own class raised, InvariantError when the books do not balance.
        """
        try:
            with less_collection():
                self.simulate()
        except (ScenarioError, InvariantError):
            raise
        except (Exception, SystemExit) as error:
            theirs = blamed(error, tuple(part.own for part in self._loaded.policies))
            if theirs is None:
                raise
            raise theirs from error
        scenario = self._loaded.scenario
        assert self.facts is not None, "a platform without tables can only be simulated"
        tables = Tables(self.facts.columns, duration_s=self.sim.now / SECOND, warmup_s=scenario.warmup / SECOND)
        if scenario.warmup_rule == "mser-5":
            tables.warmup_s = found_warmup_s(tables, scenario.warmup / SECOND)
        return Ran(self.facts, tables, self.sim.facts.digest(), self.sim.event_digest())

    def simulate(self) -> None:
        """Run to the end of the scenario. Raises InvariantError for what did not hold."""
        if self.checker is None:
            self._simulate()
            return
        with self.checker.watching(lambda: self.sim.now):
            self._simulate()

    def dissolve(self) -> None:
        """The run is over, and nothing of it is wanted any more: what holds most of the others lets go of them.

        All of a platform knows all of it. Python takes away at once what nobody refers to, but circles only after a
        search, which costs a short run as much as its beginning.
        """
        parts = (self.sim.facts, self.kuafu, self.datacenter.network, self.datacenter, self.judge, self.identities)
        for part in (*parts, self.nuwa, self.sim, self):
            if part is not None:
                vars(part).clear()

    def _simulate(self) -> None:
        scenario, sim = self._loaded.scenario, self.sim
        self.datacenter.emit_disk_use()
        for time_ns in range(0, scenario.duration, scenario.sampling_ns):
            if not self._runs_on_to(time_ns):
                break
            self._sample()
        else:
            self._runs_on_to(scenario.duration)
        self._sample()
        for probe in sim.final_probes:
            probe()
        self.datacenter.emit_disk_use()
        if self.checker is not None:
            self._tell_ends()
            self.checker.finish(sim.now)
        wrong = [message for load in self.loads for message in load.check()]
        if wrong:
            raise InvariantError("; ".join(wrong))

    def _runs_on_to(self, time_ns: int) -> bool:
        """Run to this time; False when the run was over before."""
        while self._evidence is not None and (look_ns := self._evidence.next_look_ns(self.sim.now)) < time_ns:
            self.sim.run_until(look_ns)
            if self._evidence.is_enough(look_ns):
                return False
        self.sim.run_until(time_ns)
        return True

    def _tell_ends(self) -> None:
        """What oracles want to know at the end."""
        self.kuafu.check()
        for server in self.nuwa.servers if self.nuwa is not None else ():
            if server.alive:
                server.tell_state("end")
        if self.cell is not None:
            self.cell.truth.tell_chunks()
            self.cell.truth.tell_masters()

    def _sample(self) -> None:
        for probe in self.sim.probes:
            probe()


def _parts(scenario: Scenario) -> tuple[str, ...]:
    """The parts and kinds of loads of a scenario, by which oracles know whether they have anything to judge."""
    there = {
        "nuwa": scenario.coordination,
        "pangu": scenario.pangu,
        "fuxi": scenario.fuxi,
        "fuxi-groups": scenario.fuxi is not None and len(scenario.fuxi.schedule.groups) > 1,
        "fuxi-files": scenario.fuxi is not None and scenario.pangu is not None,
        "fuxi-packages": scenario.fuxi is not None and bool(scenario.fuxi.packages),
        "zhongkui": scenario.coordination,
        "kuafu": True,
    }
    loads = dict.fromkeys(str(getattr(load, "kind", "")) for load in scenario.load)
    return (*(name for name, part in there.items() if part), *loads)


def build(
    loaded: Loaded,
    run: int = 0,
    *,
    event_hash: bool = False,
    recorder: EventRecorder | None = None,
    kinds: Kinds | None = None,
) -> Platform:
    """Wire the platform of run number ``run``. Raises ScenarioError for inputs that cannot be used.

    ``kinds``: of applications, in place of those of the platform.
    """
    try:
        return Platform(loaded, run, event_hash=event_hash, recorder=recorder, kinds=kinds)
    except ScenarioError:
        raise
    except (Exception, SystemExit) as error:
        # The user's placement is asked already when the dataset is placed.
        theirs = blamed(error, tuple(part.own for part in loaded.policies))
        if theirs is None:
            raise
        raise theirs from error
