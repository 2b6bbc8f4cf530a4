"""The replicated log as a running thing: consensus (``paxos``) on machines, over Kuafu and disks.

A service that must survive the loss of servers is a deterministic state machine (:class:`StateMachine`) whose commands
are chosen by a :class:`Group` of members, each a :class:`ReplicatedLog` in a process of its own. Nuwa and Pangu's
masters stand on it.
"""

from feitian_sim.replog.config import ReplogConfig
from feitian_sim.replog.group import Group
from feitian_sim.replog.replicated_log import ReplicatedLog, StateMachine

__all__ = ["Group", "ReplicatedLog", "ReplogConfig", "StateMachine"]
