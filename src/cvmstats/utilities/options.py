"""Options of the hierarchical fit: which prior on the population, which sampler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cvmstats.errors import InputError

PRIORS = ("huang-wand", "inverse-wishart")
ENGINES = ("gibbs", "nuts")
BACKENDS = ("nutpie", "pymc")
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class ResolvedPrior:
    """A prior in numbers, for K parameters in G blocks.

    Parameters
    ----------
    kind : str
        ``huang-wand`` or ``inverse-wishart``.
    block : array (K), int64
        Index of each parameter's prior block.
    n_blocks : int
        G.
    nu, A : float
        Degrees of freedom and scale (logits) of the half-t standard deviations (``huang-wand``).
    mean_precision : array (K)
        Prior precision of the population mean; its prior mean is 0.
    iw_df : float
        Degrees of freedom of the inverse Wishart of Sigma: ``nu + K - 1`` given the scales a for ``huang-wand``.
    iw_scale : array (K, K)
        Its scale matrix S (``inverse-wishart``); for ``huang-wand``, where it is ``2 nu diag(1 / a)``, at a = 1.
    """

    kind: str
    block: npt.NDArray[np.int64]
    n_blocks: int
    nu: float
    A: float
    mean_precision: npt.NDArray[np.float64]
    iw_df: float
    iw_scale: npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Prior:
    """The prior of the upper level: utilities of a person ~ N(m, Sigma), in logits.

    Parameters
    ----------
    name : {"huang-wand", "inverse-wishart"}
        ``huang-wand``: Sigma | a ~ IW(nu + K - 1, 2 nu diag(1 / a)), one a ~ IG(1/2, 1 / scale^2) per block, so that
        standard deviations are half-t(nu, scale) and, for nu = 2, correlations marginally uniform (Huang & Wand 2013,
        doi 10.1214/13-BA815). ``inverse-wishart``: Sigma ~ IW(degrees_of_freedom, S) with S / (df - K - 1) = E[Sigma].
    nu, scale : float
        Of ``huang-wand``; the scale in logits.
    mean_sd : float
        m ~ N(0, mean_sd^2) per parameter.
    degrees_of_freedom : float, optional
        Of ``inverse-wishart``, above K + 1; by default K + 3.
    expected_cov : float or matrix (K, K), optional
        E[Sigma] of ``inverse-wishart``, a number times the identity or a matrix; by default 1.

    Raises
    ------
    InputError
        For an unknown name, an option of the other prior, or numbers outside their range.

    Examples
    --------
    >>> Prior()
    Prior  huang-wand
      m ~ N(0, 3^2), Sigma | a ~ IW(nu + K - 1, 2 nu diag(1/a)), a ~ IG(1/2, 1/A^2) per block; nu = 2, A = 2
    >>> Prior("inverse-wishart", degrees_of_freedom=9, expected_cov=0.5)
    Prior  inverse-wishart
      m ~ N(0, 3^2), Sigma ~ IW(9, S), E[Sigma] = S / (df - K - 1) = 0.5 I
    """

    name: str = "huang-wand"
    _: KW_ONLY
    nu: float = 2.0
    scale: float = 2.0
    mean_sd: float = 3.0
    degrees_of_freedom: float | None = None
    expected_cov: float | Matrix | npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        if self.name not in PRIORS:
            raise InputError(f"unknown prior {self.name!r}\n  expected one of {', '.join(PRIORS)}")
        for name in ("nu", "scale", "mean_sd"):
            _require_positive(name, getattr(self, name))
        wishart = self.name == "inverse-wishart"
        if not wishart and (self.degrees_of_freedom is not None or self.expected_cov is not None):
            raise InputError("degrees_of_freedom and expected_cov belong to the prior 'inverse-wishart'\n"
                             "  the prior 'huang-wand' takes nu and scale")  # fmt: skip
        if wishart and (self.nu, self.scale) != (2.0, 2.0):
            raise InputError("nu and scale belong to the prior 'huang-wand'\n"
                             "  the prior 'inverse-wishart' takes degrees_of_freedom and expected_cov")  # fmt: skip
        if self.degrees_of_freedom is not None:
            _require_positive("degrees_of_freedom", self.degrees_of_freedom)
        if self.expected_cov is not None:
            object.__setattr__(self, "expected_cov", _covariance(self.expected_cov))

    def resolve(self, n_parameters: int, blocks: Sequence[str] | None = None) -> ResolvedPrior:
        """The prior in numbers, for K parameters whose blocks have these names (by default one block).

        Raises
        ------
        InputError
            Where ``expected_cov`` has another size, or the degrees of freedom are not above K + 1.
        """
        k = int(n_parameters)
        names = ("items",) * k if blocks is None else tuple(blocks)
        if len(names) != k:
            raise InputError(f"{len(names)} names of blocks for {k} parameters\n  expected one per parameter")
        order = {name: g for g, name in enumerate(dict.fromkeys(names))}
        block = np.array([order[name] for name in names], dtype=np.int64)
        precision = np.full(k, self.mean_sd**-2.0)
        if self.name == "huang-wand":
            df, scale = self.nu + k - 1, 2 * self.nu * np.eye(k)
        else:
            df = k + 3.0 if self.degrees_of_freedom is None else float(self.degrees_of_freedom)
            if df <= k + 1:
                raise InputError(f"{df:g} degrees of freedom of an inverse Wishart for {k} parameters\n"
                                 f"  expected more than {k + 1}: below that Sigma has no mean")  # fmt: skip
            expected = np.asarray(1.0 if self.expected_cov is None else self.expected_cov, dtype=float)
            if expected.ndim and expected.shape != (k, k):
                raise InputError(f"expected_cov has shape {expected.shape}\n  expected a number, or ({k}, {k}): "
                                 "the free parameters of the design")  # fmt: skip
            scale = (df - k - 1) * (expected if expected.ndim else expected * np.eye(k))
        return ResolvedPrior(kind=self.name, block=block, n_blocks=len(order), nu=float(self.nu), A=float(self.scale),
                             mean_precision=precision, iw_df=float(df), iw_scale=np.asarray(scale))  # fmt: skip

    def __repr__(self) -> str:
        head = f"Prior  {self.name}\n  m ~ N(0, {self.mean_sd:g}^2), "
        if self.name == "huang-wand":
            return (f"{head}Sigma | a ~ IW(nu + K - 1, 2 nu diag(1/a)), a ~ IG(1/2, 1/A^2) per block; "
                    f"nu = {self.nu:g}, A = {self.scale:g}")  # fmt: skip
        df = "K + 3" if self.degrees_of_freedom is None else f"{self.degrees_of_freedom:g}"
        given = 1.0 if self.expected_cov is None else self.expected_cov
        mean = "the matrix given" if isinstance(given, tuple) else f"{given:g} I"
        return f"{head}Sigma ~ IW({df}, S), E[Sigma] = S / (df - K - 1) = {mean}"


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """How draws are made.

    Parameters
    ----------
    engine : {"gibbs", "nuts"}
        Our blocked Gibbs sampler, or NUTS on the same posterior.
    chains : int
        C.
    draws : int
        D, kept per chain.
    warmup : int, optional
        Draws per chain before these; by default the engine's own.
    thin : int, optional
        Sweeps per kept draw (``gibbs``); by default the engine's own.
    threads : int, optional
        Chains that run at once; by default as many as there are cores. It changes no draw of ``gibbs``.
    nuts_backend : {"nutpie", "pymc"}
        Who runs ``nuts``.
    target_accept : float
        Of ``nuts``, between 0 and 1.

    Raises
    ------
    InputError
        For an unknown engine or numbers outside their range.

    Examples
    --------
    >>> Sampler(draws=500).chains
    4
    """

    engine: Literal["gibbs", "nuts"] = "gibbs"
    chains: int = 4
    draws: int = 1000
    warmup: int | None = None
    thin: int | None = None
    threads: int | None = None
    nuts_backend: Literal["nutpie", "pymc"] = "nutpie"
    target_accept: float = 0.8

    def __post_init__(self) -> None:
        for name, value, known in (("engine", self.engine, ENGINES), ("nuts_backend", self.nuts_backend, BACKENDS)):
            if value not in known:
                raise InputError(f"unknown {name} {value!r}\n  expected one of {', '.join(known)}")
        for name, least in (("chains", 1), ("draws", 4), ("warmup", 0), ("thin", 1), ("threads", 1)):
            value = getattr(self, name)
            if value is None and name in ("warmup", "thin", "threads"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
                raise InputError(f"{name} is {value!r}\n  expected a whole number, at least {least}")
        if not 0 < self.target_accept < 1:
            raise InputError(f"target_accept is {self.target_accept!r}\n  expected a number between 0 and 1")


def _require_positive(name: str, value: object) -> None:
    number = not isinstance(value, bool) and isinstance(value, int | float | np.number)
    if not (number and np.isfinite(value) and value > 0):  # type: ignore[operator, call-overload]
        raise InputError(f"{name} is {value!r}\n  expected a positive number")


def _covariance(value: object) -> float | Matrix:
    """A positive number, or a symmetric positive definite matrix as rows."""
    try:
        matrix = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"expected_cov is {value!r}\n  expected a positive number or a covariance matrix") from None
    if matrix.ndim == 0:
        _require_positive("expected_cov", float(matrix))
        return float(matrix)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1] and np.isfinite(matrix).all()
    if not (square and np.allclose(matrix, matrix.T) and np.linalg.eigvalsh(matrix)[0] > 0):
        raise InputError(f"expected_cov of shape {matrix.shape} is no covariance matrix\n"
                         "  expected a positive number, or a symmetric positive definite matrix")  # fmt: skip
    return tuple(tuple(float(x) for x in row) for row in matrix)
