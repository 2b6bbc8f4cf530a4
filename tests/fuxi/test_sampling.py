"""How full a cell is, by the three counts of the Fuxi paper: they differ by what is on its way, and add up."""

from __future__ import annotations

from cell_with_apps import CORE, Cell, Sweep

from feitian_sim.fuxi.samples import UsageSampled


def sampled(cell: Cell) -> tuple[float, float, float]:
    """Cores planned, obtained and used now."""
    for probe in cell.sim.probes:
        probe()
    cpu = [item for item in cell.of(UsageSampled) if item.resource == "cpu"][-1]
    return cpu.planned / CORE[0], cpu.obtained / CORE[0], cpu.used / CORE[0]


def test_what_is_free_and_waits_for_the_fuxi_master_is_planned_for_nobody():
    """All eight machines say that they have room; the FuxiMaster takes 400 ms for each, one after the other."""
    cell = Cell(fuxi="{offer: 400ms, decisions_at_once: 1, application_master: {cores: 1}}", racks=2, machines=4)
    cell.submit("a", Sweep(pieces=30, workers=30))
    cell.run(4)
    assert sampled(cell) == (31, 31, 31)
    # The pieces of 5 s are done, and the application has ended its workers.
    cell.run(7.5)
    planned, obtained, used = sampled(cell)
    assert used <= obtained <= planned < 31
    # Nobody else has it yet: the books still say whose it was.
    assert cell.core.books.scheduler.used()[0] / CORE[0] > planned
    for tenths in range(76, 200):
        cell.run(tenths / 10)
        planned, obtained, used = sampled(cell)
        assert 0 <= used <= obtained <= planned <= 31
    assert sampled(cell) == (0, 0, 0)
