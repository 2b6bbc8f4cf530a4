"""A client's calls to the master: tried until they are answered, refused for good, or out of time."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any

from feitian_sim.kernel import Simulation
from feitian_sim.kuafu import CallFailed
from feitian_sim.kuafu.client import Answer
from feitian_sim.pangu.master_finder import MasterFinder
from feitian_sim.pangu.messages import Failed
from feitian_sim.pangu.patience import PanguRefused, Patience


class MasterCalls:
    """The master as one client sees it."""

    def __init__(self, sim: Simulation, finder: MasterFinder, call_ns: int) -> None:
        self._sim = sim
        self._finder = finder
        self._call_ns = call_ns

    def ask(self, message: object, patience: Patience, instead: object = None) -> Generator[Any, Any, Any]:
        """The master's answer to ``message``. Raises :class:`PanguError`, when it is refused :class:`PanguRefused`.

        ``instead`` is asked from the first refusal on: the same with fewer wishes.
        """
        while True:
            since_ns = self._sim.now
            try:
                answer = Answer(self._sim)
                self._finder.call(message, patience.left_ns(self._call_ns), answer.arrived, answer.failed)
                reply = yield answer
            except CallFailed as error:
                news = Answer(self._sim)
                self._finder.at_next_move(partial(news.arrived, None))
                yield from patience.wait(since_ns, f"the master does not answer: {error}", sooner=news)
            else:
                if not isinstance(reply, Failed):
                    return reply
                if reply.final:
                    raise PanguRefused(reply.reason, reply.code)
                message = message if instead is None else instead
                yield from patience.wait(since_ns, reply.reason)

    def tell(self, message: object) -> None:
        """Say something that the client does not wait for."""
        self._finder.call(message, self._call_ns, _ignore, _ignore)


def _ignore(_: object) -> None:
    """The end of a call that nothing depends on."""
