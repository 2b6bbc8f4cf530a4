"""A corpus of broken scenarios: each gets exactly one problem, at the right line and column, with the right words.

A case changes one piece of a good scenario; ``▸`` in the new piece marks the position that the problem must have.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from feitian_sim.scenario import ScenarioProblems, load_text

GOOD = Path(__file__).with_name("good.yaml").read_text(encoding="utf-8")

# What is replaced, what by, and words of the message.
CASES = [
    # Keys.
    ("seed: 1", "▸sede: 1", "unknown key 'sede'; did you mean 'seed'?"),
    ("seed: 1", "▸racks: 4", "unknown key 'racks'; did you mean cluster.racks?"),
    ("  racks: 4", "  ▸rack: 4", "unknown key 'rack' in cluster; did you mean 'racks'?"),
    ("cores: 8", "▸core: 8", "unknown key 'core' in cluster.machine; did you mean 'cores'?"),
    ("oversubscription: 4", "▸over_subscription: 4", "did you mean 'oversubscription'?"),
    ("file_size: 1GiB, arrival", "▸filesize: 1GiB, arrival", "did you mean 'file_size'?"),
    ("    clients: 4", "    ▸client: 4\n    clients: 4", "unknown key 'client' in load[1]; did you mean 'clients'?"),
    ("target: {rack: r3}", "▸targets: {rack: r3}", "unknown key 'targets' in faults[0]; did you mean 'target'?"),
    ("{rack: r3}", "{rack: r3, ▸mod: all}", "unknown key 'mod' in faults[0].target; did you mean 'mode'?"),
    ("name: corpus\n", "", "'name' is missing"),
    ("  racks: 4\n", "", "'racks' is missing in cluster"),
    ("bytes: 1TB, ", "", "'bytes' is missing in pangu.dataset"),
    ("seed: 1", "seed: 1\n▸seed: 2", "'seed' is given twice: it stands already in line 2, column 1"),
    ("cores: 8", "cores: 8, ▸cores: 9", "'cores' is given twice: it stands already in line 8, column 13"),
    # Kinds.
    ("kind: rack-power-loss", "kind: ▸rack-powerloss", "no kind 'rack-powerloss'; did you mean 'rack-power-loss'?"),
    ("kind: tree", "kind: ▸tre", "no kind 'tre'; did you mean 'tree'? (allowed: fat-tree, tree)"),
    ("{kind: write, ", "{kind: ▸wirte, ", "no kind 'wirte'; did you mean 'write'?"),
    ("  - kind: read\n    name: serving", "  - ▸name: serving", "'kind' is missing (allowed: append"),
    ("{kind: poisson, rate: 2/s}", "▸poisson", "must be a mapping with a 'kind'"),
    ("file_size: 1GiB, arrival", "file_size: {kind: ▸lognorml}, arrival", "did you mean 'lognormal'?"),
    ("  - kind: read\n    name: serving\n    clients: 4", "  - ▸read", "must be a mapping with a 'kind'"),
    # Units.
    ("duration: 1h", "duration: ▸3600", "a time needs a unit: write 3600s"),
    ("duration: 1h", "duration: ▸1:30", "'1:30' is not a time"),
    ("warmup: 1m", "warmup: ▸1MiB", "'MiB' is not a unit of time"),
    ("warmup: 1m", "warmup: ▸-1m", "a time cannot be negative"),
    ("at: 10m", "at: ▸600", "a time needs a unit: write 600s"),
    ("nic: 10Gbit/s", "nic: ▸10", "a bandwidth needs a unit"),
    ("nic: 10Gbit/s", "nic: ▸10gbit/s", "'gbit/s' is not a unit of bandwidth; did you mean 10Gbit/s?"),
    ("bytes: 1TB", "bytes: ▸1", "a size needs a unit"),
    ("bytes: 1TB", "bytes: ▸1T", "'T' is not a unit of size; did you mean 1TB?"),
    ("bytes: 1TB", "bytes: ▸-1TB", "a size cannot be negative"),
    ("file_size: 1GiB, arrival", "file_size: ▸1024, arrival", "a size needs a unit"),
    ("rate: 2/s", "rate: ▸2", "a rate needs a unit: write 2/s"),
    ("rate: 4%/year", "rate: ▸4%", "'4%' is not a rate"),
    ("rate: 4%/year", "rate: ▸-4%/year", "a rate cannot be negative"),
    # Values.
    ("name: corpus", "name: ▸Über Name", "does not fit: Names the results folder"),
    ("name: corpus", "name: ▸2026", "must be text; found 2026 (write '2026' in quotes)"),
    ("seed: 1", "seed: ▸-1", "must be at least 0; found -1"),
    ("seed: 1", "seed: ▸1.5", "must be a whole number; found 1.5"),
    ("seed: 1", "runs: ▸0", "must be at least 1; found 0"),
    ("duration: 1h\nwarmup: 1m", "duration: ▸0s", "must be greater than 0"),
    ("racks: 4", "racks: ▸four", "must be a whole number; found 'four'"),
    ("cores: 8", "cores: ▸true", "must be a number; found true"),
    ("cores: 8", "cores: ▸[8]", "must be a whole number; found a list"),
    ("oversubscription: 4", "oversubscription: ▸.inf", "must be a finite number"),
    ("disk: hdd-2tb", "disk: ▸hdd-2t", "no disk is called 'hdd-2t'"),
    ("placement: pangu", "placement: ▸copyst", "no policy 'copyst'; did you mean 'copyset'?"),
    ("placement: pangu", "placement: ▸no", "there is no policy 'no'"),
    ("placement: pangu", "placement: {kind: ▸hdf}", "no policy 'hdf'; did you mean 'hdfs'?"),
    ("placement: pangu", "placement: {kind: copyset, ▸width: 4}", "the placement copyset has no option 'width'"),
    ("placement: pangu", "placement: {kind: copyset, scatter_width: ▸x}", "the placement copyset"),
    ("placement: pangu", "placement: ▸mine.py:Mine", "there is no file mine.py"),
    ("replicas: 3\n", "replicas: ▸0\n", "must be at least 1; found 0"),
    ("  - pangu.chunks_lost == 0\n  - pangu.recovery_s.p95 < 30m", "  ▸a: b", "must be a list; found a mapping"),
    # Between parts.
    ("warmup: 1m", "warmup: ▸1h", "the warm-up of 1h leaves nothing of the duration, 1h"),
    ("warmup: 1m", "sample_every: ▸2h", "longer than the duration, 1h"),
    ("{rack: r3}", "{rack: ▸r9}", "there is no rack 'r9'"),
    ("role: pangu.chunkserver", "role: ▸pangu.chunkservr", "did you mean pangu.chunkserver?"),
    ("{rack: r3}", "▸{rack: '*'}", "add mode: one, all, fixed or percent"),
    ("{rack: r3}", "{machine: ▸r3/m0}", "target.machine does not go with rack-power-loss"),
    ("at: 10m, ", "", "exactly one of at, every, rate, distribution says when the fault strikes"),
    ("    clients: 4", "    clients: 4\n    arrival: {kind: constant, rate: 1/s}", "both are given"),
    ("name: serving", "name: ▸ingest", "another load is called 'ingest' already"),
    ("racks: 4", "racks: ▸4000000000", "4000000000 of them is more than the 200000 that can be simulated"),
    ("warmup: 1m", "sample_every: ▸1us", "is more than the 1000000 that can be simulated"),
    ("replicas: 3\n", "replicas: ▸5\n", "5 replicas on different racks need as many racks; the cluster has 4"),
    ("bytes: 1TB", "bytes: ▸100TB", "the dataset is larger than the cluster"),
    ("pangu.chunks_lost == 0", "▸pangu.chunk_lost == 0", "did you mean 'pangu.chunks_lost'?"),
    ("pangu.chunks_lost == 0", "▸pangu.chunks_lost = 0", "is not an expectation"),
    ("pangu.recovery_s.p95 < 30m", "▸pangu.recovery_s < 30m", "pangu.recovery_s has many values"),
    ("pangu.recovery_s.p95 < 30m", "▸pangu.recovery_s.p95 < 30", "a time needs a unit: write 30s"),
    ("pangu.recovery_s.p95 < 30m", "▸pangu.recovery_s.p95 < 30MB", "'MB' is not a unit of time"),
    ("pangu.replicas: [2, 3]", "▸pangu.replica: [2, 3]", "unknown key 'replica' in pangu; did you mean 'replicas'?"),
    ("pangu.replicas: [2, 3]", "pangu.replicas: [2, ▸0]", "must be at least 1; found 0"),
    ("pangu.replicas: [2, 3]", "▸name: [a, b]", "'name' is not a key that can be swept"),
    # Syntax.
    ("racks: 4\n", "racks: 4\n▸\tcores: 3\n", "not YAML"),
    ("{rack: r3}", "{rack: r3", "not YAML"),
    ("seed: 1", "▸--- \nseed: 1", "a second document begins here"),
    ("seed: 1", "seed: ▸*one", "no anchor (&name) of this name"),
    ("seed: 1", "seed: ▸!!python/name:os.system x", "the tag"),
]
WITHOUT_MARK = {
    "'name' is missing": (1, 1),
    "'racks' is missing in cluster": (5, 1),
    "'bytes' is missing in pangu.dataset": (13, 3),
    "exactly one of at, every, rate, distribution says when the fault strikes": (20, 5),
    "both are given": (16, 5),
    "not YAML": (21, 3),
}


def broken(old: str, new: str, words: str) -> tuple[str, tuple[int, int]]:
    assert GOOD.count(old) == 1, f"{old!r} is not unique"
    text = GOOD.replace(old, new)
    if "▸" not in text:
        return text, WITHOUT_MARK[words]
    before = text[: text.index("▸")]
    return text.replace("▸", ""), (before.count("\n") + 1, len(before) - before.rfind("\n"))


def test_the_scenario_of_the_corpus_is_good() -> None:
    assert load_text(GOOD).scenario.name == "corpus"


@pytest.mark.parametrize(("old", "new", "words"), CASES, ids=[f"{new or old}"[:40] for old, new, _ in CASES])
def test_a_broken_scenario_gets_one_problem_at_its_place(old: str, new: str, words: str) -> None:
    text, place = broken(old, new, words)
    with pytest.raises(ScenarioProblems) as caught:
        load_text(text, name="s.yaml")
    (problem,) = caught.value.problems
    assert words in problem.message
    assert (problem.position.line, problem.position.column) == place
    assert str(problem).startswith(f"s.yaml:{place[0]}:{place[1]}: ")


def test_all_problems_of_a_file_are_shown_at_once_and_in_order() -> None:
    text = (
        GOOD.replace("seed: 1", "sede: 1")
        .replace("warmup: 1m", "warmup: 2h")
        .replace("{rack: r3}", "{rack: r9}")
        .replace("{kind: write,", "{kind: wirte,")
        .replace("nic: 10Gbit/s", "nic: 10Gbit/s, cpu: 3")
        .replace("pangu.chunks_lost", "pangu.chunk_lost")
        .replace("bytes: 1TB", "bytes: 100TB")
        .replace("clients: 4", "clients: 4\n    clients: 5")
    )
    with pytest.raises(ScenarioProblems) as caught:
        load_text(text, name="s.yaml")
    assert [problem.key for problem in caught.value.problems] == [
        "sede",
        "warmup",
        "cluster.machine.cpu",
        "pangu.dataset.bytes",
        "load[0]",
        "load[1].clients",
        "faults[0].target.rack",
        "expect[0]",
    ]
    lines = [problem.position.line for problem in caught.value.problems]
    assert lines == sorted(lines)
