"""The authority: the service that issues capabilities, changes keys and revokes (``nuwa://cell/zhongkui``).

Some processes stand for the office through Nuwa, and the elected one serves. What must not be forgotten is one file in
Nuwa, changed only under the version that was read, so that a server that is deposed without knowing cannot change it. A
change counts when Nuwa has it; then every machine is told, again and again until it answers. A subject that has answered
a connection's challenge gets its own capabilities again, unless it is barred.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from feitian_sim.authority.config import ZhongkuiConfig
from feitian_sim.authority.facts import Issued, KeyProposed, KeyRotated, Revoked
from feitian_sim.authority.identities import IssuingOffice
from feitian_sim.authority.messages import NEEDS, AskNews, Done, News, Renew, Renewed, Revoke, Rotate
from feitian_sim.authority.news import NEWS_PORT
from feitian_sim.authority.state import AuthorityState, from_bytes, to_bytes
from feitian_sim.hardware import Machine
from feitian_sim.kernel import SECOND, Owner, Simulation
from feitian_sim.kuafu import CallError, Endpoint, IncomingCall, Kuafu
from feitian_sim.nuwa.answers import Answer, Stat
from feitian_sim.nuwa.office import ElectedOffice, OfficeStanding
from feitian_sim.zhongkui import Keyring, Revocations

AUTHORITY_ROLE = "zhongkui.authority"
AUTHORITY_PORT = 5300
SERVICE = "zhongkui"
ELECTION = "/zhongkui/servers/"
STATE_PATH = "/zhongkui/state"
_PUSH_DEADLINE_NS = 2 * SECOND
_LONGEST_PAUSE_NS = 60 * SECOND
NOT_SERVING = "not the elected authority"


class AuthorityServer:
    """One process of the authority through all its incarnations; ``state`` is there while it serves."""

    def __init__(
        self,
        sim: Simulation,
        kuafu: Kuafu,
        machine: Machine,
        office: ElectedOffice,
        issuing: IssuingOffice,
        config: ZhongkuiConfig,
        everybody: Sequence[Machine],
        learn: Callable[[str, Keyring, Revocations], object],
    ) -> None:
        self._sim = sim
        self._kuafu = kuafu
        self.machine = machine
        self._office = office
        self._issuing = issuing
        self._config = config
        self._everybody = everybody
        # Its own machine knows what it knows: else nobody could be told with what it has just signed.
        self._learn = learn
        self.state: AuthorityState | None = None
        self._version = 0
        self._changing = False

    def boot(self, owner: Owner) -> None:
        """Begin an incarnation: listen and stand."""
        self._owner = owner
        self.state = None
        self._changing = False
        owner.on_death(self._deposed)
        credential = self._issuing.module(AUTHORITY_ROLE, self.machine.name)
        self._endpoint: Endpoint = self._kuafu.endpoint(owner, self.machine, AUTHORITY_PORT, credential)
        for kind, handler in (
            (Renew, self._renew),
            (AskNews, self._ask_news),
            (Rotate, self._rotate),
            (Revoke, self._revoke),
        ):
            self._endpoint.serve(kind, partial(self._serve, handler), NEEDS[kind], once=kind in (Rotate, Revoke))
        self._standing: OfficeStanding = self._office.stand(owner, self._endpoint, self._elected, self._deposed)
        if self._standing.holds:
            # The file has been as it is since before time 0.
            self.state = AuthorityState(self._issuing.keyring, self._issuing.revocations)

    def _deposed(self) -> None:
        self.state = None

    def _elected(self) -> None:
        self._standing.client.read("stat", STATE_PATH, self._found, fresh=True)

    def _found(self, answer: Answer) -> None:
        if answer.ok and isinstance(answer.value, Stat):
            # The version before the content: should it change in between, the next change is refused, not the last lost.
            self._version = answer.value.version
            self._standing.client.read("get", STATE_PATH, self._read, fresh=True)

    def _read(self, answer: Answer) -> None:
        if not answer.ok or not self._standing.holds:
            return
        self.state = from_bytes(answer.value)
        self._standing.announce(0)
        if self.state.version:
            self._learn(self.machine.name, self.state.keyring, self.state.revocations)
            # The one before may have died telling them.
            self._tell_everybody()

    # Serving

    def _serve(self, handler: Callable[[IncomingCall, AuthorityState], object], call: IncomingCall) -> None:
        if self.state is None:
            call.fail(NOT_SERVING)
        else:
            handler(call, self.state)

    def _renew(self, call: IncomingCall, state: AuthorityState) -> None:
        subject = call.subject
        if subject in state.barred:
            call.fail(f"{subject} is barred")
            return
        epoch = state.revocations.least_epoch(subject)
        key = self._issuing.signing_key(len(state.keyring.keys) - 1)
        capability = self._issuing.renewed(subject, key, epoch, self._sim.now)
        self._sim.emit(Issued(subject, capability.serial, key.key_id))
        self.machine.cpu.submit(self._config.sign_cpu, self._owner, call.reply, Renewed((capability,)))

    def _ask_news(self, call: IncomingCall, state: AuthorityState) -> None:
        call.reply(_news(state))

    def _rotate(self, call: IncomingCall, state: AuthorityState) -> None:
        number = len(state.keyring.keys)
        key = self._issuing.signing_key(number)
        after = state.rotated(key.key_id, key.public, self._sim.now, self._config.overlap)
        if self._sim.facts.wants(KeyProposed):
            before = state.keyring.present.key_id
            self._sim.emit(KeyProposed(key.key_id, before, after.version, self._config.overlap))
        self._change(call, after, KeyRotated(key.key_id))

    def _revoke(self, call: IncomingCall, state: AuthorityState) -> None:
        asked: Revoke = call.message
        if bool(asked.subject) is bool(asked.serial) or (asked.bar and not asked.subject):
            call.fail("revoke names either a subject or a serial, and only a subject can be barred")
            return
        after = state.revoked(asked.subject, asked.serial, asked.bar)
        self._change(call, after, Revoked(asked.subject, asked.serial))

    def _change(self, call: IncomingCall, after: AuthorityState, fact: KeyRotated | Revoked) -> None:
        if self._changing:
            call.fail("another change is under way, try again")
            return
        self._changing = True

        def kept(answer: Answer) -> None:
            self._changing = False
            if not answer.ok:
                # Somebody else has changed it, or this one is no longer certain of its session.
                self._deposed()
                self._standing.stand_down()
                call.fail(f"the change was not kept: {answer.error}")
                return
            self._version = answer.value
            self.state = after
            self._sim.emit(fact)
            self._learn(self.machine.name, after.keyring, after.revocations)
            self._tell_everybody()
            call.reply(Done(after.version))

        self._standing.client.put(STATE_PATH, to_bytes(after), kept, version=self._version)

    # News

    def _tell_everybody(self) -> None:
        for machine in self._everybody:
            self._tell(machine, SECOND)

    def _tell(self, machine: Machine, pause_ns: int) -> None:
        if self.state is None:
            return
        version = self.state.version

        def not_told(_: CallError) -> None:
            # A newer version is told by who made it.
            if self.state is not None and self.state.version == version:
                self._owner.call_later(pause_ns, self._tell, machine, min(2 * pause_ns, _LONGEST_PAUSE_NS))

        self._endpoint.call(f"tcp://{machine.name}:{NEWS_PORT}", _news(self.state), _PUSH_DEADLINE_NS, _told, not_told)


def _news(state: AuthorityState) -> News:
    return News(state.version, state.keyring, state.revocations)


def _told(_: object) -> None:
    """The machine knows."""
