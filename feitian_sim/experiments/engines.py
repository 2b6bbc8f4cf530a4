"""Engines: who carries out the tasks of a study. Results are files and do not depend on who wrote them.

Locally each job has a process of its own under ``concurrent.futures``, so that when one is killed it is known which
run it had, and only that one is begun again. A run that kills its process twice is set aside. Dask's workers, on this
machine or any other that sees the results folder, are reached through the same Executor interface.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for
from typing import Any, Protocol

from feitian_sim.experiments.interruption import raise_if_requested
from feitian_sim.experiments.task import Outcome, Task, tried
from feitian_sim.kernel import EnvironmentRefusal

Tasks = Mapping[int, Task]
#: A run that has killed so many processes is not tried again.
_DEATHS = 2
_LOOK_EVERY_S = 0.5
_DASK_TIMEOUT_S = 10


class Engine(Protocol):
    """Carries out tasks, in any order."""

    def outcomes(self, tasks: Tasks) -> Iterator[tuple[int, Outcome]]:
        """What became of each task, by its number, as they finish."""


class HereEngine:
    """In this process, one after the other."""

    def outcomes(self, tasks: Tasks) -> Iterator[tuple[int, Outcome]]:
        """What became of each task."""
        for number, task in tasks.items():
            raise_if_requested()
            yield number, tried(task)


class LocalEngine:
    """``jobs`` processes on this machine."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def outcomes(self, tasks: Tasks) -> Iterator[tuple[int, Outcome]]:
        """What became of each task; one whose process dies is begun again in another."""
        waiting = deque(tasks)
        deaths: Counter[int] = Counter()
        pools = [one_process() for _ in range(min(self._jobs, len(waiting)))]
        running: dict[Future[Outcome], tuple[int, int]] = {}

        def begin(slot: int) -> None:
            if waiting:
                number = waiting.popleft()
                running[pools[slot].submit(tried, tasks[number])] = (slot, number)

        try:
            for slot in range(len(pools)):
                begin(slot)
            while running:
                done, _ = wait(running, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                raise_if_requested()
                for future in sorted(done, key=lambda one: running[one]):
                    slot, number = running.pop(future)
                    try:
                        outcome: Outcome | None = _result(future)
                    except BrokenProcessPool:
                        _kill(pools[slot])
                        pools[slot] = one_process()
                        outcome = _after_death(number, deaths, waiting)
                    begin(slot)
                    if outcome is not None:
                        yield number, outcome
        finally:
            for pool in pools:
                _kill(pool)


class DaskEngine:
    """Workers of Dask: at ``address``, or ``jobs`` of its own on this machine."""

    def __init__(self, address: str | None, jobs: int) -> None:
        self._address = address
        self._jobs = jobs

    def outcomes(self, tasks: Tasks) -> Iterator[tuple[int, Outcome]]:
        """What became of each task. Raises EnvironmentRefusal where there is no Dask, or nobody at the address."""
        try:
            import dask
            import distributed
        except ImportError:
            raise EnvironmentRefusal("--engine dask needs Dask: pip install 'feitian-sim[dask]'") from None
        # As locally, the second worker that dies of a run is the last.
        with dask.config.set({"distributed.scheduler.allowed-failures": _DEATHS - 1}):
            client = self._client(distributed)
            try:
                yield from self._through(client.get_executor(pure=False), tasks)
            finally:
                client.close()
                if client.cluster is not None:
                    client.cluster.close()

    def _client(self, distributed: Any) -> Any:
        if self._address is None:
            cluster = distributed.LocalCluster(
                n_workers=self._jobs, threads_per_worker=1, dashboard_address=None, silence_logs=50
            )
            return distributed.Client(cluster)
        try:
            return distributed.Client(self._address, timeout=_DASK_TIMEOUT_S)
        except (OSError, ValueError) as error:
            raise EnvironmentRefusal(
                f"no Dask scheduler answers at {self._address} ({error}): start one with `dask scheduler`, or leave the "
                "address out for workers on this machine"
            ) from None

    def _through(self, executor: Executor, tasks: Tasks) -> Iterator[tuple[int, Outcome]]:
        running = {executor.submit(tried, task): number for number, task in tasks.items()}
        try:
            while running:
                done, _ = wait(running, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
                raise_if_requested()
                for future in sorted(done, key=lambda one: running[one]):
                    number = running.pop(future)
                    yield number, _seen_here(tasks[number], _result(future))
        finally:
            for future in running:
                future.cancel()


def engine_of(name: str, jobs: int, address: str | None = None) -> Engine:
    """The engine that the command names."""
    if name == "dask":
        return DaskEngine(address, jobs)
    return HereEngine() if jobs == 1 else LocalEngine(jobs)


def one_process() -> ProcessPoolExecutor:
    """A pool of one process of its own, which ends with this one."""
    # Forked from a server without threads: a fork of this process, amid the threads of its pools, might never wake.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["feitian_sim.experiments.task", "feitian_sim.scenario.wiring"])
    return ProcessPoolExecutor(max_workers=1, mp_context=context, initializer=_begin_worker)


def _begin_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)


def _kill(pool: ProcessPoolExecutor) -> None:
    """End a pool at once, with what it is doing."""
    processes = list((getattr(pool, "_processes", None) or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.kill()


def _after_death(number: int, deaths: Counter[int], waiting: deque[int]) -> Outcome | None:
    """Try a run again whose process was killed; after the second time, the reason to set it aside."""
    deaths[number] += 1
    if deaths[number] < _DEATHS:
        waiting.appendleft(number)
        return None
    return f"its process was killed {_DEATHS} times: out of memory? See `feitian estimate`"


def _result(future: Future[Outcome]) -> Outcome:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _seen_here(task: Task, outcome: Outcome) -> Outcome:
    if isinstance(outcome, str) or (task.run_folder / "DONE").is_file():
        return outcome
    return f"{task.run_folder} was written by the worker but is not here: choose a folder that all see with -o DIR"
