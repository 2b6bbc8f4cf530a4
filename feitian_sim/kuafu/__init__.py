"""Kuafu 夸父, the runner: how the processes of the platform call each other.

A process opens an :class:`Endpoint` on a port of its machine and serves classes of messages there. Another
calls it by address, ``tcp://r0/m3:7001``. A call is asynchronous: it returns at once, and its answer comes to a
callback that the caller gave (:meth:`Endpoint.call`); the synchronous form (:meth:`Endpoint.ask`) stands on top
of it and is an event for a client's process to wait for. Every call ends exactly once:

- *reply*: the handler at the other end answered;
- ``remote``: the handler answered with an error, in words;
- ``refused``: the machine is there, but nobody listens at the port;
- ``reset``: the process at the other end died while it had the call and its operating system says so, or
  the other end was out of reach for the keepalive time, or has restarted and does not know the connection;
- ``deadline``: nothing was heard in time. That is all one learns of a machine without power or a cut cable,
  and it does not tell whether the call was executed.

What it costs: a message takes the way through the network (propagation, transmission, queueing, jitter) and
then processor time at the machine that receives it, request and answer alike. A message that has left is on
the wire: the death of its sender does not call it back. A process that dies takes its endpoint, its pending
calls and their callbacks with it.

Messages are slotted records; whoever wants to weigh more than a small control message says so by its
``wire_bytes``. Bulk data does not travel in messages but as flows (``hardware.network``). Connections are one to
one for now: proxies, shared connections, flow control and the guard that checks capabilities stand behind
this same interface, out of sight of everything above.
"""

from feitian_sim.kuafu.calls import CallError, CallFailed, IncomingCall, PendingCall
from feitian_sim.kuafu.config import KuafuConfig
from feitian_sim.kuafu.endpoint import Endpoint
from feitian_sim.kuafu.messages import Message
from feitian_sim.kuafu.rpc import Kuafu

__all__ = [
    "CallError",
    "CallFailed",
    "Endpoint",
    "IncomingCall",
    "Kuafu",
    "KuafuConfig",
    "Message",
    "PendingCall",
]
