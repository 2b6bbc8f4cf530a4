"""The agent of a machine that hears news of keys and revocations; all servers of the machine judge by what it knows.

It is told by the authority, and asks itself when it starts, since what was said while its machine was down nobody
repeats for ever; and when a server of its machine is shown a key that it does not know: who missed the news of a key
would else refuse the very next news, which the authority shows with a capability of the new key. What it knew before is
on its disk.
"""

from __future__ import annotations

from collections.abc import Callable

from feitian_sim.authority.facts import NewsHeard
from feitian_sim.authority.identities import IssuingOffice
from feitian_sim.authority.judge import Judge
from feitian_sim.authority.messages import NEEDS, AskNews, Done, News
from feitian_sim.hardware import Daemon, Machine
from feitian_sim.kernel import SECOND, Owner, Simulation
from feitian_sim.kuafu import CallError, IncomingCall, Kuafu, NameResolver, ServiceCaller

NEWS_ROLE = "zhongkui.agent"
NEWS_PORT = 5301
AUTHORITY = "nuwa://cell/zhongkui"
_DEADLINE_NS = 5 * SECOND
_AGAIN_NS = 30 * SECOND
#: Strangers' keys are unknown too: nobody can have an agent ask more often than this.
_LOOK_EVERY_NS = SECOND


class NewsAgent:
    """One machine's agent through all its incarnations."""

    def __init__(
        self,
        sim: Simulation,
        kuafu: Kuafu,
        machine: Machine,
        issuing: IssuingOffice,
        judge: Judge,
        resolver: Callable[[Machine], NameResolver],
    ) -> None:
        self._sim = sim
        self._kuafu = kuafu
        self.machine = machine
        self._issuing = issuing
        self._judge = judge
        self._resolver = resolver
        self._known = 0
        self.daemon = Daemon(machine, f"{NEWS_ROLE}@{machine.name}", NEWS_ROLE, self._boot)

    def _boot(self, owner: Owner) -> None:
        self._owner = owner
        credential = self._issuing.module(NEWS_ROLE, self.machine.name)
        self._endpoint = self._kuafu.endpoint(owner, self.machine, NEWS_PORT, credential)
        self._endpoint.serve(News, self._told, NEEDS[News])
        self._caller: ServiceCaller | None = None
        self._looked_ns = -_LOOK_EVERY_NS
        self._judge.on_unknown_key[self.machine.name] = self._look
        if self._sim.now:
            self._ask()

    def _look(self) -> None:
        """There may be a new key of which this machine has not heard."""
        if self._owner.alive and self._sim.now - self._looked_ns >= _LOOK_EVERY_NS:
            self._looked_ns = self._sim.now
            # The process that was shown it is in the middle of refusing it.
            self._owner.call_later(0, self._ask_once)

    def _ask_once(self) -> None:
        self._asking().call(AUTHORITY, AskNews(), _DEADLINE_NS, self._heard, _no_news, repeatable=True)

    def _asking(self) -> ServiceCaller:
        if self._caller is None:
            stream = self._sim.stream("zhongkui.agent", self.machine.name)
            self._caller = ServiceCaller(self._endpoint, self._resolver(self.machine), stream)
        return self._caller

    def _ask(self) -> None:
        self._asking().call(AUTHORITY, AskNews(), _DEADLINE_NS, self._heard, self._not_heard, repeatable=True)

    def _not_heard(self, _: CallError) -> None:
        self._owner.call_later(_AGAIN_NS, self._ask)

    def _told(self, call: IncomingCall) -> None:
        self._heard(call.message)
        call.reply(Done(self._known))

    def _heard(self, news: News) -> None:
        if news.version > self._known:
            self._known = news.version
            self._judge.learn(self.machine.name, news.keyring, news.revocations)
            self._sim.emit(NewsHeard(self.machine.name, news.version))


def _no_news(_: CallError) -> None:
    """The next who is shown an unknown key will ask again."""
