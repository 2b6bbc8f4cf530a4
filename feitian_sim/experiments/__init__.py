"""Experiments: from a scenario to a results folder, and back again.

``run`` simulates a scenario (its runs are substreams of one seed) and stores what it leaves: facts as tables,
metrics with intervals, verdicts, a manifest. ``verify`` repeats a folder and compares digests, ``validate`` holds
scenarios against published numbers, ``estimate`` says beforehand what a run will take, ``doctor`` looks at the
surroundings, ``determinism`` varies what must not matter. Wall clocks, files and signals live here; nothing of
them reaches a simulation. Reports stand above: what draws is handed in.
"""
