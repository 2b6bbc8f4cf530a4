"""Real time of a decision of the FuxiMaster's scheduler, in a full cell with a thousand jobs waiting."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import process_time, process_time_ns

import numpy as np

from feitian_sim.fuxi.messages import UnitDemand
from feitian_sim.fuxi.resources import Dimensions
from feitian_sim.fuxi.schedule_config import ScheduleConfig
from feitian_sim.fuxi.scheduler import Place, Scheduler
from feitian_sim.kernel import GIB, MIB, Stream
from tests.benchmarks.line import Line

JOBS = 1000
DECISIONS = 4000
#: 96 cores, as Alibaba's machines of 2018 have.
CAPACITY = (96_000, 512 * GIB, 10**13)
#: The units of Fuxi's synthetic load, and 300 different ones.
ONE_SHAPE = ((500, 2 * GIB, 0),)


def lines() -> Iterator[Line]:
    """Medians, and their growth with the cell."""
    small, large = (median(_freed(machines, ONE_SHAPE)) for machines in (500, 5000))
    where = "5,000 machines, 1,000 jobs wait"
    yield Line("a freed unit is granted again", large, "us", f"processor time; {where}", at_most=50)
    yield Line("its growth", large / small, "x", "from 500 to 5,000 machines", at_most=2)
    shapes = _shapes(300)
    small, large = (median(_freed(machines, shapes)) for machines in (500, 5000))
    yield Line("the same with 300 shapes", large, "us", f"{where}; several grants a decision", at_most=50)
    yield Line("its growth with 300 shapes", large / small, "x", "from 500 to 5,000 machines", at_most=2)
    yield Line("the same under drf", median(_freed(5000, ONE_SHAPE, "drf")), "us", where, at_most=50)
    yield Line(
        "a grant of an arriving demand", _filling(5000), "us", "each on another machine, an empty cell", at_most=50
    )
    ours, scanned = median(_freed(5000, ONE_SHAPE)), median(_scans(5000))
    yield Line("choice of a machine", scanned / ours, "x", "numpy's masked argmax over 5,000 x 3 for each unit")


def _shapes(count: int) -> tuple[tuple[int, int, int], ...]:
    stream = Stream(1)
    return tuple((stream.integer(20) * 50 + 50, (stream.integer(200) + 1) * 50 * MIB, 0) for _ in range(count))


def _cell(machines: int, fairness: str = "fifo") -> Scheduler:
    places = [Place(f"m{number}", f"r{number // 40}") for number in range(machines)]
    scheduler = Scheduler(places, Dimensions(), ScheduleConfig(fairness=fairness))
    for machine in range(machines):
        scheduler.machine_up(machine, CAPACITY)
    return scheduler


def _freed(machines: int, shapes: tuple[tuple[int, int, int], ...], fairness: str = "fifo") -> list[float]:
    """Microseconds of each decision that follows from a unit's end, in a cell that is full."""
    scheduler = _cell(machines, fairness)
    running = []
    asked = 2 * machines * CAPACITY[0] // 500 // JOBS
    for job in range(JOBS):
        scheduler.add_app(f"job{job}", "somebody", submitted_ns=job)
        vector = shapes[job % len(shapes)]
        for move in scheduler.wants(f"job{job}", [UnitDemand(1, asked, vector)], job):
            running += [(move.app, move.machine)] * move.count
    # Those that came first have all that they want: a thousand more wait behind the rest.
    for job in range(JOBS, 2 * JOBS):
        scheduler.add_app(f"job{job}", "somebody", submitted_ns=job)
        scheduler.wants(f"job{job}", [UnitDemand(1, 10**6, shapes[job % len(shapes)])], job)
    stream = Stream(2)
    taken = []
    for now in range(DECISIONS):
        place = stream.integer(len(running))
        app, machine = running[place]
        running[place] = running[-1]
        running.pop()
        began = process_time_ns()
        moves = scheduler.freed(app, 1, machine, 1, now)
        taken.append((process_time_ns() - began) / 1000)
        for move in moves:
            running += [(move.app, move.machine)] * move.count
    return taken


def _filling(machines: int) -> float:
    """Microseconds a grant when demands arrive in an empty cell."""
    scheduler = _cell(machines)
    grants = 0
    began = process_time()
    for job in range(JOBS // 10):
        scheduler.add_app(f"job{job}", "somebody")
        grants += len(scheduler.wants(f"job{job}", [UnitDemand(1, 3000, ONE_SHAPE[0])], job))
    return (process_time() - began) / grants * 1e6


def _scans(machines: int) -> list[float]:
    """Microseconds to find the machine with most memory free among those with room, by scanning arrays."""
    free = np.random.Generator(np.random.Philox(1)).integers(0, 10**12, (machines, 3))
    need = np.array(ONE_SHAPE[0])
    taken = []
    for _ in range(DECISIONS):
        began = process_time_ns()
        room = (free >= need).all(axis=1)
        np.where(room, free[:, 1], -1).argmax()
        taken.append((process_time_ns() - began) / 1000)
    return taken
