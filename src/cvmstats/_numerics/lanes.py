"""Numbers of WIDTH people at a time: a value type that compiled code adds, multiplies and exponentiates like one number.

Compilers seldom vectorise short loops over people well, so the vector is a type: ``load(a, i)`` takes row i of an array
(N, WIDTH), ``+ - * /`` work lane by lane (with plain numbers too), ``store(a, i, v)`` writes it back. Kernels then read
like the formula for one person.

Random numbers are counter-based: the n-th number of a stream is a hash of (key, n), the finaliser of SplitMix64
(Steele, Lea & Flood 2014, doi 10.1145/2660193.2660195), so that streams depend on who and when, never on threads.
Normals are by Box & Muller (1958).
"""

from __future__ import annotations

import operator
from typing import Any

import llvmlite.ir as ir
import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from cvmstats._numerics.compiled import compiled

WIDTH = 16
"""People side by side: two registers of 512 bits, four of 256."""
REAL = np.float64
"""Type of the arrays that lanes are loaded from."""
BITS = np.uint16
"""Type of a mask: one bit per lane."""

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_REALS, _WORDS = ir.VectorType(ir.DoubleType(), WIDTH), ir.VectorType(_I64, WIDTH)
_MASK, _FLAGS = ir.IntType(WIDTH), ir.VectorType(ir.IntType(1), WIDTH)
_FRACTION, _BIAS = 52, 1023
"""Bits of a double's fraction, and what its exponent is stored with."""
_SQRT_HALF = 0x3FE6A09E667F3BCD
"""The bits of sqrt(1/2)."""


class Lanes(types.Type):  # type: ignore[misc]
    """The type, as numba knows it."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes{WIDTH}")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _REALS)


lanes = Lanes()


def _splat(builder: Any, value: Any, kind: Any) -> Any:
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(_I32, WIDTH), [0] * WIDTH))


def _lift(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """A plain number in every lane; lanes stay as they are."""
    if isinstance(kind, Lanes):
        return value
    return _splat(builder, context.cast(builder, value, kind, types.float64), _REALS)


def _operation(operators: tuple[Any, ...], instruction: str) -> None:
    numbers = (types.float64, types.int64)
    pairs = [(lanes, lanes), *((lanes, n) for n in numbers), *((n, lanes) for n in numbers)]

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b = (_lift(context, builder, kind, value) for kind, value in zip(sig.args, args, strict=True))
        return getattr(builder, instruction)(a, b)

    for op in operators:
        infer_global(op)(type("LanesOperation", (ConcreteTemplate,),
                              {"key": op, "cases": [signature(lanes, *pair) for pair in pairs]}))  # fmt: skip
        for pair in pairs:
            lower_builtin(op, *pair)(build)


_operation((operator.add, operator.iadd), "fadd")
_operation((operator.sub, operator.isub), "fsub")
_operation((operator.mul, operator.imul), "fmul")
_operation((operator.truediv, operator.itruediv), "fdiv")


def _row(context: Any, builder: Any, kind: Any, array: Any, index: Any, index_kind: Any) -> Any:
    """Pointer to the first element of a row of WIDTH."""
    i = context.cast(builder, index, index_kind, types.int64)
    data = context.make_array(kind)(context, builder, array).data
    return builder.gep(data, [builder.mul(i, ir.Constant(_I64, WIDTH))])


def _call(builder: Any, name: str, *args: Any) -> Any:
    kind = ir.FunctionType(_REALS, [_REALS] * len(args))
    full = f"llvm.{name}.v{WIDTH}f64"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, full), args)


def _words(value: int) -> Any:
    return ir.Constant(_WORDS, [value] * WIDTH)


@intrinsic
def load(_: Any, array: Any, row: Any) -> Any:
    """Row ``row`` of an array (N, WIDTH)."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _row(context, builder, sig.args[0], args[0], args[1], sig.args[1])
        value = builder.load(builder.bitcast(pointer, _REALS.as_pointer()))
        value.align = 8
        return value

    return lanes(array, row), build


@intrinsic
def store(_: Any, array: Any, row: Any, value: Any) -> Any:
    """Write lanes into row ``row`` of an array (N, WIDTH)."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _row(context, builder, sig.args[0], args[0], args[1], sig.args[1])
        builder.store(args[2], builder.bitcast(pointer, _REALS.as_pointer())).align = 8
        return context.get_dummy_value()

    return types.void(array, row, value), build


@intrinsic
def gather(_: Any, array: Any, index: Any, row: Any) -> Any:
    """From an array (N, WIDTH), in each lane the row that row ``row`` of ``index`` (M, WIDTH) names."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        where = _row(context, builder, sig.args[1], args[1], args[2], sig.args[2])
        value = ir.Constant(_REALS, ir.Undefined)
        for lane in range(WIDTH):
            which = builder.load(builder.gep(where, [ir.Constant(_I64, lane)]))
            which = context.cast(builder, which, sig.args[1].dtype, types.int64)
            place = builder.add(builder.mul(which, ir.Constant(_I64, WIDTH)), ir.Constant(_I64, lane))
            value = builder.insert_element(value, builder.load(builder.gep(data, [place])), ir.Constant(_I32, lane))
        return value

    return lanes(array, index, row), build


@intrinsic
def spread(_: Any, number: Any) -> Any:
    """A plain number in every lane."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _lift(context, builder, sig.args[0], args[0])

    return lanes(number), build


@intrinsic
def lane_sum(_: Any, x: Any) -> Any:
    """Sum over lanes, halves added to halves."""

    def build(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        value, width = args[0], WIDTH
        while width > 1:
            width //= 2
            low, high = (ir.Constant(ir.VectorType(_I32, width), list(range(first, first + width))) for first in (0, width))
            value = builder.fadd(builder.shuffle_vector(value, value, low), builder.shuffle_vector(value, value, high))
        return builder.extract_element(value, ir.Constant(_I32, 0))

    return types.float64(x), build


@intrinsic
def choose(_: Any, bits: Any, yes: Any, no: Any) -> Any:
    """``yes`` in lanes whose bit is set, ``no`` in the others."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        mask = builder.bitcast(context.cast(builder, args[0], sig.args[0], types.uint16), _FLAGS)
        a, b = (_lift(context, builder, kind, value) for kind, value in zip(sig.args[1:], args[1:], strict=True))
        return builder.select(mask, a, b)

    return lanes(bits, yes, no), build


@intrinsic
def above(_: Any, a: Any, b: Any) -> Any:
    """Mask of the lanes in which a > b; nothing is above or below what is not a number."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        x, y = (_lift(context, builder, kind, value) for kind, value in zip(sig.args, args, strict=True))
        return builder.bitcast(builder.fcmp_ordered(">", x, y), _MASK)

    return types.uint16(a, b), build


@intrinsic
def square_root(_: Any, x: Any) -> Any:
    """Of each lane."""

    def build(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return _call(builder, "sqrt", args[0])

    return lanes(x), build


@intrinsic
def _floor(_: Any, x: Any) -> Any:
    def build(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return _call(builder, "floor", args[0])

    return lanes(x), build


@intrinsic
def _power_of_two(_: Any, n: Any) -> Any:
    """2^n of whole n: added to a number whose last bit is worth one, n stands in its last bits."""

    def build(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        shift = ir.Constant(_REALS, [1.5 * 2.0**_FRACTION + _BIAS] * WIDTH)
        bits = builder.bitcast(builder.fadd(args[0], shift), _WORDS)
        return builder.bitcast(builder.shl(bits, _words(_FRACTION)), _REALS)

    return lanes(n), build


@intrinsic
def _exponent(_: Any, x: Any) -> Any:
    """n of x = m 2^n with m between sqrt(1/2) and sqrt(2)."""

    def build(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        bits = builder.sub(builder.bitcast(args[0], _WORDS), _words(_SQRT_HALF))
        return builder.sitofp(builder.ashr(bits, _words(_FRACTION)), _REALS)

    return lanes(x), build


def _hash(builder: Any, z: Any) -> Any:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = builder.mul(builder.xor(z, builder.lshr(z, _words(shift))), _words(factor))
    return builder.xor(z, builder.lshr(z, _words(31)))


@intrinsic
def uniform(_: Any, keys: Any, row: Any, counter: Any) -> Any:
    """The ``counter``-th numbers of the streams in row ``row`` of ``keys`` (N, WIDTH), in (0, 1]."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        pointer = _row(context, builder, sig.args[0], args[0], args[1], sig.args[1])
        key = builder.load(builder.bitcast(pointer, _WORDS.as_pointer()))
        key.align = 8
        count = _splat(builder, context.cast(builder, args[2], sig.args[2], types.uint64), _WORDS)
        bits = _hash(builder, builder.add(key, builder.mul(count, _words(0x9E3779B97F4A7C15))))
        bits = builder.lshr(bits, _words(64 - _FRACTION))
        bits = builder.bitcast(builder.or_(bits, _words(_BIAS << _FRACTION)), _REALS)
        return builder.fsub(ir.Constant(_REALS, [2.0] * WIDTH), bits)

    return lanes(keys, row, counter), build


@compiled(fused=True)
def exponential(x):  # type: ignore[no-untyped-def]
    """e^x for |x| <= 700, relative error below 1e-15."""
    n = _floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10
    p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0
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
    return p * _power_of_two(n)


@compiled(fast=True)
def logarithm(x):  # type: ignore[no-untyped-def]
    """Natural logarithm of positive normal numbers, absolute error below 1e-15 near one."""
    n = _exponent(x)
    m = x * _power_of_two(0.0 - n)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = q * (1.0 / 19.0) + 1.0 / 17.0
    p = p * q + 1.0 / 15.0
    p = p * q + 1.0 / 13.0
    p = p * q + 1.0 / 11.0
    p = p * q + 1.0 / 9.0
    p = p * q + 1.0 / 7.0
    p = p * q + 1.0 / 5.0
    p = p * q + 1.0 / 3.0
    p = p * q + 1.0
    return 2.0 * s * p + n * 0.6931471805599453


@compiled(fast=True)
def fill_normals(keys, row, counter, out):  # type: ignore[no-untyped-def]
    """Fill ``out`` (n, WIDTH) with standard normals of the streams ``keys[row]``; returns the next counter."""
    n = out.shape[0]
    count = np.uint64(counter)  # a signed counter would make floats of the products
    for k in range(0, n, 2):
        radius = square_root(-2.0 * logarithm(uniform(keys, row, count)))
        t = (uniform(keys, row, count + np.uint64(1)) - 0.5) * 1.5707963267948966
        q = t * t
        s = q * (1.0 / 6227020800.0) - 1.0 / 39916800.0
        s = s * q + 1.0 / 362880.0
        s = s * q - 1.0 / 5040.0
        s = s * q + 1.0 / 120.0
        s = s * q - 1.0 / 6.0
        s = (s * q + 1.0) * t
        sine = 2.0 * s * square_root(1.0 - s * s)
        store(out, k, radius * (1.0 - 2.0 * sine * sine))
        if k + 1 < n:
            store(out, k + 1, radius * 2.0 * sine * (1.0 - 2.0 * s * s))
        count += np.uint64(2)
    return count
