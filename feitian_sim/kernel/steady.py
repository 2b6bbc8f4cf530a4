"""Logarithm, exponential, power and the normal quantile with the same bits on every machine.

``math`` and numpy call the C library or vector code whose last bits differ between processors and versions.
Here everything is argument reduction (``frexp``/``ldexp``, exact) and a fixed series of ``+ - * /``, which
IEEE 754 rounds alike everywhere. Scalar and array versions do the same operations in the same order, so a
draw has the same bits whichever is used. Within 2 ulp for log and exp (tests compare with mpmath).

Source of the normal quantile: Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988).
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
_Real = TypeVar("_Real", float, FloatArray)

#: ln 2 in two parts: the first has trailing zero bits, so that a multiple of it is exact.
_LN2_HI = 6.93147180369123816490e-01
_LN2_LO = 1.90821492927058770002e-10
_INVERSE_LN2 = 1.44269504088896338700e00
_SQRT_HALF = 0.7071067811865476
_LOG_TERMS = 13
_EXP_TERMS = 16


def log(value: float) -> float:
    """Natural logarithm of a positive, finite ``value``. Raises ValueError otherwise."""
    if not 0.0 < value < math.inf:
        raise ValueError(f"log of {value!r}: a positive finite number is needed")
    mantissa, exponent = math.frexp(value)
    if mantissa < _SQRT_HALF:
        mantissa, exponent = mantissa * 2.0, exponent - 1
    return _log_core(mantissa, float(exponent))


def logs(values: FloatArray) -> FloatArray:
    """Element by element :func:`log`, bit for bit."""
    mantissa, exponent = np.frexp(values)
    low = mantissa < _SQRT_HALF
    mantissa = np.where(low, mantissa * 2.0, mantissa)
    shifted = np.where(low, exponent - 1, exponent).astype(np.float64)
    return _log_core(mantissa, shifted)


def exp(value: float) -> float:
    """e to the ``value``; 0.0 below and OverflowError above the range of a double."""
    if value < -745.0:
        return 0.0
    if value > 709.7:
        raise OverflowError(f"exp({value!r}) is too large for a double")
    power = math.floor(value * _INVERSE_LN2 + 0.5)
    return math.ldexp(_exp_core(value, float(power)), int(power))


def exps(values: FloatArray) -> FloatArray:
    """Element by element :func:`exp`, bit for bit."""
    if values.size and float(values.max()) > 709.7:
        raise OverflowError(f"exp({float(values.max())!r}) is too large for a double")
    clipped = np.maximum(values, -745.0)
    power = np.floor(clipped * _INVERSE_LN2 + 0.5)
    result = np.ldexp(_exp_core(clipped, power), power.astype(np.int32))
    return np.where(values < -745.0, 0.0, result)


def power(base: float, exponent: float) -> float:
    """``base ** exponent`` for a positive base."""
    return exp(exponent * log(base))


def powers(bases: FloatArray, exponent: float) -> FloatArray:
    """Element by element :func:`power`, bit for bit."""
    return exps(exponent * logs(bases))


def normal_quantile(probability: float) -> float:
    """The standard normal quantile of ``probability`` in (0, 1)."""
    centred = probability - 0.5
    if abs(centred) <= 0.425:
        square = 0.180625 - centred * centred
        return centred * _rational(square, _A, _B)
    tail = probability if centred < 0.0 else 1.0 - probability
    radius = math.sqrt(-log(tail))
    value = _rational(radius - 1.6, _C, _D) if radius <= 5.0 else _rational(radius - 5.0, _E, _F)
    return -value if centred < 0.0 else value


def normal_quantiles(probabilities: FloatArray) -> FloatArray:
    """Element by element :func:`normal_quantile`, bit for bit."""
    centred = probabilities - 0.5
    middle = centred * _rational(0.180625 - centred * centred, _A, _B)
    tail = np.where(centred < 0.0, probabilities, 1.0 - probabilities)
    radius = np.sqrt(-logs(tail))
    near = _rational(radius - 1.6, _C, _D)
    far = _rational(radius - 5.0, _E, _F)
    outside = np.where(radius <= 5.0, near, far)
    outside = np.where(centred < 0.0, -outside, outside)
    return np.where(np.abs(centred) <= 0.425, middle, outside)


def _log_core(mantissa: _Real, exponent: _Real) -> _Real:
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    square = ratio * ratio
    series = square * 0.0 + 1.0 / (2 * _LOG_TERMS - 1)
    for term in range(_LOG_TERMS - 1, 0, -1):
        series = series * square + 1.0 / (2 * term - 1)
    return exponent * _LN2_HI + (2.0 * ratio * series + exponent * _LN2_LO)


def _exp_core(value: _Real, power: _Real) -> _Real:
    rest = (value - power * _LN2_HI) - power * _LN2_LO
    series = rest * 0.0 + 1.0
    for term in range(_EXP_TERMS, 0, -1):
        series = series * rest / term + 1.0
    return series


def _rational(value: _Real, top: tuple[float, ...], bottom: tuple[float, ...]) -> _Real:
    numerator = value * 0.0 + top[-1]
    for coefficient in top[-2::-1]:
        numerator = numerator * value + coefficient
    denominator = value * 0.0 + bottom[-1]
    for coefficient in bottom[-2::-1]:
        denominator = denominator * value + coefficient
    return numerator / denominator


_A = (
    3.3871328727963666080e0,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
)
_B = (
    1.0,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
)
_C = (
    1.42343711074968357734e0,
    4.63033784615654529590e0,
    5.76949722146069140550e0,
    3.64784832476320460504e0,
    1.27045825245236838258e0,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
)
_D = (
    1.0,
    2.05319162663775882187e0,
    1.67638483018380384940e0,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
_E = (
    6.65790464350110377720e0,
    5.46378491116411436990e0,
    1.78482653991729133580e0,
    2.96560571828504891230e-1,
    2.65321895265761230930e-2,
    1.24266094738807843860e-3,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
)
_F = (
    1.0,
    5.99832206555887937690e-1,
    1.36929880922735805310e-1,
    1.48753612908506148525e-2,
    7.86869131145613259100e-4,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)
