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

- ``denied``: the guard at the other end did not let it through, and why;
- ``too-large``: it was more than any message may be;
- ``unavailable``: nobody serves under the name; ``uncertain``: it must not run twice, and may have run.

How it gets there (K4): each machine has one proxy, reached over a Unix socket, and between two proxies there is one TCP
connection, opened on first use, shared by all processes of both machines, closed when idle, opened again after a break.
What a message costs: the socket, the sending proxy's thread, the way through the network (propagation, transmission,
queueing, jitter), the receiving proxy's thread, the socket. What is lost on the way is sent again. A message that has
left is on the wire: the death of its sender does not call it back. A process that dies takes its endpoint, its pending
calls and their callbacks with it.

Flow control (K7): each side of a connection has a window of credits, taken by a request until it is answered, so that no
receiver is flooded; who waits for credits waits in a fair queue; and a process that holds too much gets no more from its
proxy. Large messages go as bulk flows beside the windows (K6). Whoever speaks on a connection answers its challenge,
and every message meets the :class:`Guard` before its handler: serving one without saying what it needs is impossible.

:class:`ServiceCaller` stands above: services by name (K1, K5), balanced, called again when that is allowed, and what must
not run twice under a request id that the server's reply table knows.

Messages are slotted records, or :class:`Text` and :class:`TextMap` (K2); whoever wants to weigh more than a small control
message says so by its ``wire_bytes``.
"""

from feitian_sim.kuafu.calls import CallError, CallFailed, IncomingCall, PendingCall
from feitian_sim.kuafu.config import KuafuConfig
from feitian_sim.kuafu.endpoint import Endpoint
from feitian_sim.kuafu.guard import Credential, Guard, Holder, Identities, Need, Verdict
from feitian_sim.kuafu.messages import Message, Text, TextMap
from feitian_sim.kuafu.retry import RetryConfig
from feitian_sim.kuafu.rpc import Kuafu
from feitian_sim.kuafu.service import NameResolver, ServiceCaller

__all__ = [
    "CallError",
    "CallFailed",
    "Credential",
    "Endpoint",
    "Guard",
    "Holder",
    "Identities",
    "IncomingCall",
    "Kuafu",
    "KuafuConfig",
    "Message",
    "NameResolver",
    "Need",
    "PendingCall",
    "RetryConfig",
    "ServiceCaller",
    "Text",
    "TextMap",
    "Verdict",
]
