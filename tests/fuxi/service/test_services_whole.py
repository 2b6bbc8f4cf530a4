"""Services in the whole simulation: messages, processes, Nuwa, faults (F5)."""

from __future__ import annotations

from service_bench import ServiceBench


def test_f5_a_service_comes_up_and_answers() -> None:
    """Its workers run on granted resources, every key is served, a client finds the table and is answered."""
    bench = ServiceBench()
    bench.up()
    bench.ask(200, 10)
    bench.run(12)
    assert bench.done == {True: 2000, False: 0}
    assert bench.cell.store("kv", 0).writes == 2000
    assert bench.client.reads < 5
    assert len({row[2] for row in bench.owners.served.values()}) == 4
