"""What one seed does to a scenario: knobs, faults of the first phase, and what stays broken in the second.

A trial is plain lines of a scenario (so that it can be written, and made smaller line by line) and, made from the same
lines without a detour over a file, the typed scenario that runs. Everything is drawn here, before the run.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, TypeAdapter

from feitian_sim.checking.config import CheckConfig, LivenessConfig
from feitian_sim.faults.config import FaultConfig
from feitian_sim.faults.dice import Ground
from feitian_sim.faults.places import places
from feitian_sim.faults.swarm import PROFILES, draw_core, draw_faults, draw_losses
from feitian_sim.kernel import ScenarioError
from feitian_sim.kernel.chance import Stream, stream_key
from feitian_sim.scenario import Loaded, Scenario, load
from feitian_sim.scenario.roles import (
    APPLICATION_ROLE,
    FUXI_MASTER_ROLE,
    MASTER_ROLE,
    NUWA_ROLE,
    PROXY_ROLE,
    STORE_ROLE,
    TUBO_ROLE,
    WORKER_ROLE,
    roles,
)
from feitian_sim.workloads.check import load_names
from feitian_sim.workloads.config import LoadConfig

_FAULTS: TypeAdapter[tuple[Any, ...]] = TypeAdapter(tuple[FaultConfig, ...])
_LOADS: TypeAdapter[tuple[Any, ...]] = TypeAdapter(tuple[LoadConfig, ...])
#: Seeds' draws have a name of their own, so that no draw of the run is one of them.
_STREAM = "check"


@dataclass(frozen=True, slots=True)
class Trial:
    """One seed's scenario, in plain lines."""

    seed: int
    faults: tuple[Mapping[str, Any], ...]
    #: Loads as written.
    loads: tuple[Mapping[str, Any], ...]
    #: Dotted keys and their values.
    knobs: tuple[tuple[str, Any], ...] = ()
    after: str | None = None
    core: tuple[str, ...] = ()
    #: Ids of the invariants that are to be judged; None: all.
    invariants: tuple[str, ...] | None = None
    duration: str | None = None
    #: Whether a draw decides between events of one instant.
    ties: bool = False


class Arena:
    """A scenario that is to be checked: draws trials, and makes scenarios of them."""

    def __init__(self, loaded: Loaded, profile: str | None = None) -> None:
        check = loaded.scenario.check
        if check is None:
            raise ScenarioError(f"{loaded.path}: there is no check section: say at least check: {{}}")
        self.loaded = loaded
        self.check: CheckConfig = check
        #: Trials judged so far in this process.
        self.judged = 0
        self.profile = profile or check.profile
        if self.profile not in PROFILES:
            raise ScenarioError(f"there is no profile {self.profile!r} (profiles: {', '.join(PROFILES)})")
        hosted = dict(roles(loaded.scenario))
        groups = tuple(role for role in (NUWA_ROLE, MASTER_ROLE, FUXI_MASTER_ROLE) if role in hosted)
        crowds = tuple(role for role in (TUBO_ROLE, WORKER_ROLE, APPLICATION_ROLE, STORE_ROLE) if role in hosted)
        where = places(loaded.scenario.cluster, hosted)
        hosted[PROXY_ROLE] = tuple(one for one in hosted.get(PROXY_ROLE, ()) if one in where.servers)
        if not hosted[PROXY_ROLE]:
            del hosted[PROXY_ROLE]
        self._clients = tuple(one for one in where.machines if one not in where.servers)
        drift_ppm = _drift_ppm(loaded.scenario)
        patience_ms = _patience_ms(loaded.scenario)
        self.ground = Ground(
            where.servers, hosted, groups, bool(where.disks), self._clients, crowds, drift_ppm, patience_ms
        )
        self._knobs = {
            key: [(value, _parsed(loaded, key, value)) for value in values] for key, values in check.knobs.items()
        }
        self._loads = tuple(_plain(line) for line in loaded.data.get("load", ()))
        self._read = {id(line): load for line, load in zip(self._loads, loaded.scenario.load, strict=True)}

    # Drawing

    def trial(self, seed: int) -> Trial:
        """What this seed does."""

        def stream(purpose: str) -> Stream:
            return Stream(stream_key(seed, 0, _STREAM, self.profile, purpose))

        until_ns = self.check.faults_until
        faults = draw_faults(self.profile, self.ground, stream, until_ns)
        lost = self.check.budget.disks_lost if self.profile != "none" else 0
        if lost and self.ground.has_disks:
            faults += draw_losses(self.ground, stream("losses"), until_ns, lost)
        outside, core = draw_core(
            self.ground, stream("core"), until_ns, self.check.budget.servers_down, self._clients, self.check.converge
        )
        if self.profile == "none":
            outside, core = [], (*self.ground.servers, *self._clients)
        knobs, loads = stream("knobs"), self._loads
        if self.check.sometimes:
            names = load_names(self.loaded.scenario.load)
            dice = {name: stream(f"load {name}") for name in self.check.sometimes}
            loads = tuple(
                line
                for name, line in zip(names, self._loads, strict=True)
                if name not in dice or dice[name].uniform() < self.check.sometimes[name]
            )
        return Trial(
            seed,
            tuple(faults + outside),
            loads,
            tuple((key, knobs.choice(values)[0]) for key, values in self._knobs.items()),
            f"{until_ns // 1000}us",
            core,
            ties=self.check.ties is not False,
        )

    # Making

    def scenario(self, trial: Trial) -> Loaded:
        """The scenario of a trial, ready to be built."""
        scenario = self.loaded.scenario
        for key, value in trial.knobs:
            parsed = next(known for text, known in self._knobs[key] if text == value)
            scenario = _with(scenario, key.split("."), parsed)
        check = self.check.model_copy(update={"ties": trial.ties})
        if trial.after is not None:
            after_ns = int(trial.after.removesuffix("us")) * 1000
            liveness = LivenessConfig.model_construct(after=after_ns, core=trial.core)
            check = check.model_copy(update={"liveness": liveness})
        if trial.invariants is not None:
            check = check.model_copy(update={"invariants": trial.invariants})
        # Most trials have lines of the scenario as they were read already.
        read = [self._read.get(id(line)) for line in trial.loads]
        loads = tuple(read) if None not in read else _LOADS.validate_python(trial.loads)
        update = {
            "seed": trial.seed,
            "faults": _FAULTS.validate_python(trial.faults),
            "load": loads,
            "check": check,
        }
        if trial.duration is not None:
            update["duration"] = int(trial.duration.removesuffix("ms")) * 1_000_000
        return replace(self.loaded, scenario=scenario.model_copy(update=update))

    def document(self, trial: Trial, name: str, question: str) -> dict[str, Any]:
        """The trial as a scenario file's data, which loads to the same."""
        data = copy.deepcopy(_plain(self.loaded.data))
        for key in ("sweep", "expect", "runs", "question", "description"):
            data.pop(key, None)
        for key, value in trial.knobs:
            _put(data, key.split("."), value)
        check = data.get("check") or {}
        for key in ("knobs", "sometimes"):
            check.pop(key, None)
        # All that is to go wrong is written down: a file that only replays needs no time for more.
        check["profile"] = "none"
        check["ties"] = trial.ties
        if trial.after is not None:
            check["liveness"] = {"after": trial.after, "core": list(trial.core)}
        if trial.invariants is not None:
            check["invariants"] = list(trial.invariants)
        head = {"name": name, "question": question, "seed": trial.seed}
        body = {key: value for key, value in data.items() if key not in head}
        body["load"] = [_plain(line) for line in trial.loads]
        body["faults"] = [_plain(line) for line in trial.faults]
        body["check"] = check
        if trial.duration is not None:
            body["duration"] = trial.duration
            body.pop("sample_every", None)
        return head | body


def _drift_ppm(scenario: Scenario) -> int:
    """How wrong any clock may go before a lease of a replicated log could be broken, in parts per million."""
    parts = (scenario.nuwa, scenario.pangu)
    return min((part.log.drift_ppm for part in parts if part is not None), default=0)


def _patience_ms(scenario: Scenario) -> float:
    """How long the most patient members of a replicated log wait for a leader."""
    parts = (scenario.nuwa, scenario.pangu)
    return max((part.log.election_timeout / 1_000_000 for part in parts if part is not None), default=150.0)


def _plain(value: Any) -> Any:
    """Dicts, lists and scalars of what a YAML reader made."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def _parsed(loaded: Loaded, key: str, value: Any) -> Any:
    """A knob's value as the scenario has it when it is read. Raises ScenarioError for one that is wrong."""
    found: Any = load(loaded.path, [f"{key}={value}"]).scenario
    for part in key.split("."):
        found = getattr(found, part)
    return found


def _with(model: BaseModel, path: list[str], value: Any) -> Any:
    if len(path) > 1:
        value = _with(getattr(model, path[0]), path[1:], value)
    return model.model_copy(update={path[0]: value})


def _put(data: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        data = data.setdefault(part, {})
    data[path[-1]] = value
