"""The steady functions against arbitrary precision, and scalar against array."""

from __future__ import annotations

import statistics

import mpmath
import numpy as np
import pytest

from feitian_sim.kernel import steady

VALUES = np.concatenate([10.0 ** np.linspace(-300, 300, 1201), np.linspace(0.5, 2.0, 501), 1 + 2.0 ** -np.arange(1, 52)])
EXPONENTS = np.concatenate([np.linspace(-700, 709, 1201), np.linspace(-1, 1, 401), 2.0 ** -np.arange(1, 60)])


def ulps(found: float, exact: mpmath.mpf) -> float:
    return float(abs(mpmath.mpf(found) - exact) / mpmath.mpf(float(np.spacing(abs(float(exact))))))


def test_log_is_within_two_ulp():
    with mpmath.workprec(200):
        assert max(ulps(steady.log(v), mpmath.log(mpmath.mpf(v))) for v in VALUES.tolist() if v != 1.0) <= 2
    assert steady.log(1.0) == 0.0


def test_exp_is_within_two_ulp():
    with mpmath.workprec(200):
        assert max(ulps(steady.exp(v), mpmath.exp(mpmath.mpf(v))) for v in EXPONENTS.tolist()) <= 2


def test_power_is_close_over_a_wide_range():
    with mpmath.workprec(200):
        for base in (1e-9, 0.3, 1.7, 12345.6):
            for exponent in (-3.5, 0.7, 1 / 3, 8.0):
                exact = mpmath.mpf(base) ** mpmath.mpf(exponent)
                assert abs(mpmath.mpf(steady.power(base, exponent)) / exact - 1) < 1e-13


def test_scalar_and_array_give_the_same_bits():
    uniforms = (np.arange(4001) + 0.5) / 4001
    assert steady.logs(VALUES).tolist() == [steady.log(v) for v in VALUES.tolist()]
    assert steady.exps(EXPONENTS).tolist() == [steady.exp(v) for v in EXPONENTS.tolist()]
    assert steady.normal_quantiles(uniforms).tolist() == [steady.normal_quantile(v) for v in uniforms.tolist()]
    assert steady.powers(uniforms, 0.7).tolist() == [steady.power(v, 0.7) for v in uniforms.tolist()]


def test_normal_quantile_agrees_with_the_standard_library():
    normal = statistics.NormalDist()
    for uniform in [*np.linspace(1e-9, 1 - 1e-9, 999).tolist(), 1e-30, 1e-200]:
        assert steady.normal_quantile(uniform) == pytest.approx(normal.inv_cdf(uniform), rel=1e-13, abs=1e-13)


def test_out_of_range_is_refused():
    for value in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="positive finite"):
            steady.log(value)
    with pytest.raises(OverflowError):
        steady.exp(710.0)
    assert steady.exp(-800.0) == 0.0
