"""A whole cell: applications start, run and end; every kind of process dies under them, and the books agree."""

from __future__ import annotations

from cell_with_apps import Cell, Sweep

from feitian_sim.fuxi.facts import AppEnded, AppStarted


def test_an_application_is_started_runs_and_ends():
    cell = Cell()
    cell.submit("a", Sweep(pieces=40, workers=10))
    cell.run(120)
    assert cell.committed_once("a", 40)
    assert cell.ends["a"].state == "finished"
    (started,) = cell.of(AppStarted)
    assert started.attempt == 1
    (ended,) = cell.of(AppEnded)
    assert ended.ok
    assert not any(host.table.apps for host in cell.fuxi.machines)
    cell.assert_books_agree()
