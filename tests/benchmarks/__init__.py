"""Speed, as ratios against yardsticks in the same process: ``make bench``, or ``python -m tests.benchmarks NAME...``.

Each file measures one part and yields lines of one table. A ratio is the median of some paired rounds, so that a noisy
machine moves both sides alike; where the yardstick is processor time itself, the line says so.
"""
