"""Distributions against scipy: quantiles and means."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from feitian_sim.kernel import DurationDistribution, Simulation, SizeDistribution

SIZES: TypeAdapter = TypeAdapter(SizeDistribution)
TIMES: TypeAdapter = TypeAdapter(DurationDistribution)
UNIFORMS = (np.arange(999) + 0.5) / 999

CASES = [
    ({"kind": "uniform", "low": "10s", "high": "30s"}, stats.uniform(10e9, 20e9)),
    ({"kind": "exponential", "mean": "5s"}, stats.expon(scale=5e9)),
    ({"kind": "weibull", "shape": 0.8, "scale": "1h"}, stats.weibull_min(0.8, scale=3600e9)),
    ({"kind": "lognormal", "median": "10ms", "sigma": 0.5}, stats.lognorm(0.5, scale=10e6)),
    ({"kind": "pareto", "shape": 2.5, "minimum": "1s"}, stats.pareto(2.5, scale=1e9)),
]


@pytest.mark.parametrize(("config", "reference"), CASES)
def test_quantiles_and_mean_agree_with_scipy(config, reference):
    distribution = TIMES.validate_python(config)
    assert distribution.quantiles(UNIFORMS) == pytest.approx(reference.ppf(UNIFORMS), rel=1e-11)
    assert distribution.expected() == pytest.approx(float(reference.mean()), rel=1e-9)


@pytest.mark.parametrize("config", [config for config, _ in CASES])
def test_a_sample_spends_one_draw(config):
    stream = Simulation(seed=1).stream("x")
    distribution = TIMES.validate_python(config)
    distribution.sample(stream)
    distribution.samples(stream, 10)
    assert stream.count == 11


def test_a_bare_quantity_is_the_constant():
    assert SIZES.validate_python("64MiB").sample(Simulation().stream("x")) == 64 << 20
    assert SIZES.dump_python(SIZES.validate_python("64MiB"), mode="json") == "64MiB"


def test_the_cut_pareto_has_the_mean_of_the_cut_distribution():
    cut = SIZES.validate_python({"kind": "pareto", "shape": 1.2, "minimum": "1MB", "maximum": "100MB"})
    grid = (np.arange(2_000_000) + 0.5) / 2_000_000
    assert cut.expected() == pytest.approx(float(cut.quantiles(grid).mean()), rel=1e-4)


def test_empirical_draws_follow_the_weights():
    measured = SIZES.validate_python({"kind": "empirical", "values": ["1MB", "2MB"], "weights": [1, 3]})
    assert measured.quantiles(np.array([0.1, 0.24, 0.26, 0.99])).tolist() == [1e6, 1e6, 2e6, 2e6]
    assert measured.expected() == 1.75e6


@pytest.mark.parametrize(
    "config", [5, {"kind": "normal"}, {"kind": "uniform", "low": "2s", "high": "1s"}, {"kind": "exponential"}]
)
def test_bad_distributions_are_refused(config):
    with pytest.raises(ValidationError):
        TIMES.validate_python(config)
