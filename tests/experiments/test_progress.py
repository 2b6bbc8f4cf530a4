"""Progress tells where an experiment stands."""

from __future__ import annotations

from feitian_sim.experiments.progress import Progress, Teller


def test_events_of_finished_runs_count() -> None:
    heard: list[Progress] = []
    teller = Teller(heard.append, runs=2, duration_s=10.0)
    teller.tell(0, 10.0, 500, last=True)
    teller.tell(1, 5.0, 200, last=True)
    assert [progress.events for progress in heard] == [500, 700]
    assert [progress.done_ratio for progress in heard] == [0.5, 0.75]


def test_what_is_fresh_is_not_told_again() -> None:
    heard: list[Progress] = []
    teller = Teller(heard.append, runs=1, duration_s=1.0)
    for _ in range(1000):
        teller.tell(0, 0.5, 1)
    assert len(heard) < 10


def test_the_rest_is_unknown_at_first_and_then_in_proportion() -> None:
    assert Progress(0, 1, 0.0, 10.0, 0, 5.0).remaining_s is None
    assert Progress(0, 1, 2.5, 10.0, 0, 5.0).remaining_s == 15.0
