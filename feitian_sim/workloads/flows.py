"""``flows``: replays a trace of flows over the network alone, without disks and without messages."""

from __future__ import annotations

from feitian_sim.hardware import Flow, Machine
from feitian_sim.workloads.config import FlowsLoad
from feitian_sim.workloads.context import LoadContext
from feitian_sim.workloads.facts import FlowFailed, FlowFinished
from feitian_sim.workloads.flow_rows import FlowRow, read_flows


class FlowReplay:
    """One replay; each flow that has been carried is a ``hardware.flow`` fact."""

    def __init__(self, config: FlowsLoad, name: str) -> None:
        self.config = config
        self.name = name
        self.begun = 0
        self.finished = 0
        self.failed = 0

    def setup(self, context: LoadContext) -> None:
        """See :class:`RunningLoad`."""
        self._sim = context.sim
        self._machines: tuple[Machine, ...] = context.datacenter.machines
        self._network = context.datacenter.network
        self._owner = context.sim.owner(f"load.{self.name}")
        self._flows = read_flows(context.data_file(self.config.file), len(self._machines))

    def start(self) -> None:
        """See :class:`RunningLoad`."""
        for flow in self._flows:
            self._sim.call_at(self.config.start + flow.start_ns, self._begin, flow)

    def check(self) -> list[str]:
        """See :class:`RunningLoad`."""
        ended = self.finished + self.failed
        return [] if ended <= self.begun <= len(self._flows) else [f"load {self.name}: {ended} of {self.begun} ended"]

    def _begin(self, row: FlowRow) -> None:
        self.begun += 1
        src, dst = self._machines[row.src], self._machines[row.dst]
        start_ns = self._sim.now

        def done(_: Flow) -> None:
            self.finished += 1
            self._sim.emit(FlowFinished(row.id, src.name, dst.name, row.size_bytes, start_ns, self._sim.now))

        def fail(_: Flow, reason: str) -> None:
            self.failed += 1
            self._sim.emit(FlowFailed(row.id, src.name, dst.name, reason))

        self._network.transfer(src, dst, row.size_bytes, owner=self._owner, on_done=done, on_fail=fail)
