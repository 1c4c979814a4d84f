"""Arithmetic on lanes: exp, log and normal numbers for LANES people at a time, written so that compilers vectorise.

Random numbers are counter-based: the n-th number of a stream is a hash of (key, n), the finaliser of SplitMix64
(Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195), so that streams depend on who and when, never on threads.
Normals are by Box & Muller (1958).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from cvmstats._numerics.compiled import compiled

LANES = 32

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)
_ONE_BITS = np.uint64(0x3FF0000000000000)
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_INV_LN2 = 1.4426950408889634
_HALF_PI = 1.5707963267948966


@intrinsic
def _as_float(context: Any, bits: Any) -> Any:
    def build(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        import llvmlite.ir as ir

        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(bits), build


@intrinsic
def _as_bits(context: Any, value: Any) -> Any:
    def build(_context: Any, builder: Any, _signature: Any, args: Any) -> Any:
        import llvmlite.ir as ir

        return builder.bitcast(args[0], ir.IntType(64))

    return types.int64(value), build


@compiled(inline=True)
def fast_exp(x):  # type: ignore[no-untyped-def]
    """e^x for |x| <= 700, relative error below 1e-15."""
    n = np.floor(x * _INV_LN2 + 0.5)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * _as_float((np.int64(n) + 1023) << 52)


@compiled(inline=True)
def fast_log(x):  # type: ignore[no-untyped-def]
    """Natural logarithm of a positive normal number, absolute error below 1e-15 near one."""
    bits = _as_bits(x)
    e = (bits - 0x3FE6A09E667F3BCD) >> 52
    m = _as_float(bits - (e << 52))
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = 1.0 / 19.0
    p = p * q + 1.0 / 17.0
    p = p * q + 1.0 / 15.0
    p = p * q + 1.0 / 13.0
    p = p * q + 1.0 / 11.0
    p = p * q + 1.0 / 9.0
    p = p * q + 1.0 / 7.0
    p = p * q + 1.0 / 5.0
    p = p * q + 1.0 / 3.0
    p = p * q + 1.0
    return 2.0 * s * p + e * 0.6931471805599453


@compiled(inline=True)
def uniform(key, counter):  # type: ignore[no-untyped-def]
    """The ``counter``-th number of stream ``key``, in (0, 1]."""
    z = key + counter * _GOLDEN
    z = (z ^ (z >> _S30)) * _MIX1
    z = (z ^ (z >> _S27)) * _MIX2
    z = z ^ (z >> _S31)
    return 2.0 - _as_float((z >> _S12) | _ONE_BITS)


@compiled(fast=True)
def _box_muller(keys, counter, first, second):  # type: ignore[no-untyped-def]
    """Two rows of normals; short loops over one row each, which is what compilers vectorise."""
    for lane in range(LANES):
        first[lane] = np.sqrt(-2.0 * fast_log(uniform(keys[lane], counter)))
    for lane in range(LANES):
        second[lane] = (uniform(keys[lane], counter + np.uint64(1)) - 0.5) * _HALF_PI
    for lane in range(LANES):
        t = second[lane]
        q = t * t
        s = 1.0 / 6227020800.0
        s = s * q - 1.0 / 39916800.0
        s = s * q + 1.0 / 362880.0
        s = s * q - 1.0 / 5040.0
        s = s * q + 1.0 / 120.0
        s = s * q - 1.0 / 6.0
        s = (s * q + 1.0) * t
        double_sine = 2.0 * s * np.sqrt(1.0 - s * s)
        double_cosine = 1.0 - 2.0 * s * s
        r = first[lane]
        second[lane] = r * 2.0 * double_sine * double_cosine
        first[lane] = r * (1.0 - 2.0 * double_sine * double_sine)


@compiled
def fill_normals(keys, counter, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (n, LANES) with standard normals of streams ``keys`` (LANES); returns the next counter."""
    n = out.shape[0]
    spare = np.empty(LANES)
    counter = np.uint64(counter)  # a signed counter would make floats of the products
    for k in range(0, n, 2):
        _box_muller(keys, counter, out[k], out[k + 1] if k + 1 < n else spare)
        counter += np.uint64(2)
    return counter
