"""Options of the hierarchical fit: which prior on the population, which sampler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cvmstats.data.design import Design
from cvmstats.data.utilities import Utilities
from cvmstats.errors import InputError
from cvmstats.utilities.named_priors import (
    AMU,
    LastWave,
    Matrix,
    as_rows,
    carried_over,
    exchangeable,
    last_wave,
    reference_coded,
)

OPTIONS = {
    "huang-wand": ("nu", "scale", "mean_sd"),
    "inverse-wishart": ("degrees_of_freedom", "expected_cov", "mean_sd"),
    "sawtooth": ("prior_variance", "additional_degrees", "mean_sd"),
    "bayesm": ("reference", "additional_degrees"),
    "choicemodelr": ("prior_variance", "additional_degrees"),
    "last-wave": ("wave",),
}
"""What each prior takes."""
PRIORS = tuple(OPTIONS)
ENGINES = ("gibbs", "nuts")
BACKENDS = ("nutpie", "pymc")
_DEFAULTS = {"nu": 2.0, "scale": 2.0}
_MEAN_SD = {"huang-wand": 3.0, "inverse-wishart": 3.0, "sawtooth": 10.0}
_DEGREES = {"sawtooth": 5.0, "bayesm": 3.0, "choicemodelr": 5.0}


@dataclass(frozen=True, eq=False, kw_only=True)
class ResolvedPrior:
    """A prior in numbers, for K parameters in G blocks.

    Parameters
    ----------
    kind : str
        ``huang-wand`` or ``inverse-wishart``: the family of Sigma, whatever the prior's name.
    block : array (K), int64
        Index of each parameter's prior block.
    n_blocks : int
        G.
    nu, A : float
        Degrees of freedom and scale (logits) of the half-t standard deviations (``huang-wand``).
    mean : array (K)
        Prior mean of the population mean, in logits.
    mean_precision : array (K, K)
        Its prior precision.
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
    mean: npt.NDArray[np.float64]
    mean_precision: npt.NDArray[np.float64]
    iw_df: float
    iw_scale: npt.NDArray[np.float64]

    @property
    def diagonal(self) -> bool:
        """Whether the means are independent a priori."""
        return bool(np.count_nonzero(self.mean_precision - np.diag(np.diagonal(self.mean_precision))) == 0)


@dataclass(frozen=True, repr=False)
class Prior:
    """The prior of the upper level: utilities of a person ~ N(m, Sigma), in logits.

    Sigma of the programs' priors is IW(nu, V) with nu = K + ``additional_degrees``. What they call prior variance is V / nu;
    the prior mean of Sigma is V / (nu - K - 1), larger by (K + d) / (d - 1) for d additional degrees.

    Parameters
    ----------
    name : str
        ``huang-wand``: Sigma | a ~ IW(nu + K - 1, 2 nu diag(1 / a)), one a ~ IG(1/2, 1 / scale^2) per block, so that
        standard deviations are half-t(nu, scale) and, for nu = 2, correlations marginally uniform (Huang & Wand 2013,
        doi 10.1214/13-BA815).
        ``inverse-wishart``: Sigma ~ IW(degrees_of_freedom, S) with S / (df - K - 1) = E[Sigma].
        ``sawtooth`` (CBC/HB and MaxDiff): independent items of variance 2, levels of an attribute of variance 1, 5 additional
        degrees of freedom; no item is a reference. Its prior of m is flat; here N(0, mean_sd^2), sd 10.
        ``bayesm`` (rhierMnlRwMixture): nu = K + 3, V = nu I for parameters coded against a reference, so that this item is
        held tighter than the others. Its m ~ N(0, Sigma / .01) is taken at Sigma = V / nu: sd 10 per contrast.
        ``choicemodelr``: nu = K + 5, V = nu 2 V0 with V0 that of effects coding: as ``sawtooth`` with variance 2 throughout.
        Its m ~ N(0, Sigma / .01) is taken at Sigma = V / nu: sd 14.1.
        ``last-wave``: made by :meth:`from_utilities`.
    nu, scale : float
        Of ``huang-wand``; the scale in logits.
    mean_sd : float, optional
        m ~ N(0, mean_sd^2) per parameter; by default 3, of ``sawtooth`` 10.
    degrees_of_freedom : float, optional
        Of ``inverse-wishart``, above K + 1; by default K + 3.
    expected_cov : float or matrix (K, K), optional
        E[Sigma] of ``inverse-wishart``, a number times the identity or a matrix; by default 1.
    prior_variance : float, optional
        Of ``sawtooth`` and ``choicemodelr``: V / nu, for all parameters alike.
    additional_degrees : float, optional
        Of ``sawtooth``, ``bayesm`` and ``choicemodelr``: degrees of freedom beyond K, above 1.
    reference : str, optional
        Of ``bayesm``: label of the reference item; by default the anchor, or the last item.
    wave : LastWave, optional
        Of ``last-wave``.

    Raises
    ------
    InputError
        For an unknown name, an option of another prior, or numbers outside their range.

    Examples
    --------
    >>> Prior()
    Prior  huang-wand
      m ~ N(0, 3^2), Sigma | a ~ IW(nu + K - 1, 2 nu diag(1/a)), a ~ IG(1/2, 1/A^2) per block; nu = 2, A = 2
    >>> Prior("inverse-wishart", degrees_of_freedom=9, expected_cov=0.5)
    Prior  inverse-wishart
      m ~ N(0, 3^2), Sigma ~ IW(9, S), E[Sigma] = S / (df - K - 1) = 0.5 I
    >>> Prior("bayesm", reference="Price")
    Prior  bayesm
      Sigma ~ IW(K + 3, V), V / nu = I in utilities less that of 'Price', E[Sigma] = V / 2 = (K + 3) / 2 times that
      m ~ N(0, (V / nu) / 0.01)
    """

    name: str = "huang-wand"
    _: KW_ONLY
    nu: float = 2.0
    scale: float = 2.0
    mean_sd: float | None = None
    degrees_of_freedom: float | None = None
    expected_cov: float | Matrix | npt.NDArray[np.float64] | None = None
    prior_variance: float | None = None
    additional_degrees: float | None = None
    reference: str | None = None
    wave: LastWave | None = None

    def __post_init__(self) -> None:
        if self.name not in PRIORS:
            raise InputError(f"unknown prior {self.name!r}\n  expected one of {', '.join(PRIORS)}")
        for option in dict.fromkeys(option for options in OPTIONS.values() for option in options):
            value = getattr(self, option)
            if value is None:
                continue
            if option in ("nu", "scale", "mean_sd", "degrees_of_freedom", "prior_variance", "additional_degrees"):
                _require_positive(option, value)
            if option not in OPTIONS[self.name] and (option not in _DEFAULTS or value != _DEFAULTS[option]):
                owners = " and ".join(repr(name) for name, options in OPTIONS.items() if option in options)
                raise InputError(f"{option} belongs to the priors {owners}\n"
                                 f"  the prior {self.name!r} takes {', '.join(OPTIONS[self.name])}")  # fmt: skip
        if self.name == "last-wave" and self.wave is None:
            raise InputError("the prior 'last-wave' needs the last wave\n  make it by Prior.from_utilities(last, strength=...)")
        put = object.__setattr__
        if self.mean_sd is None:
            put(self, "mean_sd", _MEAN_SD.get(self.name))
        if self.additional_degrees is None:
            put(self, "additional_degrees", _DEGREES.get(self.name))
        if self.additional_degrees is not None and self.additional_degrees <= 1:
            raise InputError(f"additional_degrees is {self.additional_degrees!r}\n"
                             "  expected more than 1: below that Sigma has no mean")  # fmt: skip
        if self.name == "choicemodelr" and self.prior_variance is None:
            put(self, "prior_variance", 2.0)
        if self.expected_cov is not None:
            put(self, "expected_cov", _covariance(self.expected_cov))

    @classmethod
    def from_utilities(cls, last: Utilities, *, strength: float, inflate: float = 1.0) -> Prior:
        """The last wave of a study as the prior of the next: m ~ N(m0, V0), Sigma centred at the last wave's covariance.

        Parameters
        ----------
        last : Utilities
            With a population, from ``fit_hierarchical``; of the same items or levels as the design to come.
        strength : float
            How many people the last wave's covariance counts as: Sigma ~ IW(K + 1 + strength, strength x covariance), with the
            last wave's posterior mean of Sigma as its mean.
        inflate : float
            V0 is the posterior covariance of the last wave's mean times this: 1 where nothing can have moved since, 4 for twice
            its standard errors.

        Raises
        ------
        UtilitiesError
            Where the last wave has no covariance between people.
        InputError
            Where ``strength`` or ``inflate`` is not positive. Fitting raises it where the design has other items.
        """
        for name, value in (("strength", strength), ("inflate", inflate)):
            _require_positive(name, value)
        return cls("last-wave", wave=last_wave(last, strength, inflate))

    def resolve(self, n_parameters: int, blocks: Sequence[str] | None = None, *, design: Design | None = None) -> ResolvedPrior:
        """The prior in numbers, for K parameters whose blocks have these names (by default one block of items).

        ``design`` says what the parameters mean, which ``bayesm`` and ``last-wave`` need; without it items are taken to be
        coded by :func:`~cvmstats.data.coding.sum_to_zero_basis`, in the order of the last wave.

        Raises
        ------
        InputError
            Where ``expected_cov`` has another size, the degrees of freedom are not above K + 1, the reference is unknown, or
            the last wave is of other items.
        """
        k = int(n_parameters)
        names = ("items",) * k if blocks is None else tuple(blocks)
        if len(names) != k:
            raise InputError(f"{len(names)} names of blocks for {k} parameters\n  expected one per parameter")
        order = {name: g for g, name in enumerate(dict.fromkeys(names))}
        block = np.array([order[name] for name in names], dtype=np.int64)
        mean, precision = np.zeros(k), np.eye(k) * (1.0 if self.mean_sd is None else self.mean_sd**-2.0)
        if self.name == "huang-wand":
            df, scale = self.nu + k - 1, 2 * self.nu * np.eye(k)
        elif self.name == "inverse-wishart":
            df, scale = self._inverse_wishart(k)
        elif self.wave is not None:
            df = k + 1 + self.wave.strength
            mean, mean_cov, cov = carried_over(self.wave, k, design)
            precision, scale = _inverse(mean_cov), self.wave.strength * cov
        else:
            df = k + (self.additional_degrees or 0.0)
            v = self.prior_variance
            if self.name == "bayesm":
                to_reference = reference_coded(names, design, self.reference)
                variance = _inverse(to_reference.T @ to_reference)
            else:
                variance = exchangeable(names, 2.0 if v is None else v, 1.0 if v is None else v)
            scale = df * variance
            precision = precision if self.name == "sawtooth" else AMU * _inverse(variance)
        return ResolvedPrior(kind="huang-wand" if self.name == "huang-wand" else "inverse-wishart", block=block,
                             n_blocks=len(order), nu=float(self.nu), A=float(self.scale), mean=mean, mean_precision=precision,
                             iw_df=float(df), iw_scale=np.asarray(scale))  # fmt: skip

    def _inverse_wishart(self, k: int) -> tuple[float, npt.NDArray[np.float64]]:
        df = k + 3.0 if self.degrees_of_freedom is None else float(self.degrees_of_freedom)
        if df <= k + 1:
            raise InputError(f"{df:g} degrees of freedom of an inverse Wishart for {k} parameters\n"
                             f"  expected more than {k + 1}: below that Sigma has no mean")  # fmt: skip
        expected = np.asarray(1.0 if self.expected_cov is None else self.expected_cov, dtype=float)
        if expected.ndim and expected.shape != (k, k):
            raise InputError(f"expected_cov has shape {expected.shape}\n  expected a number, or ({k}, {k}): "
                             "the free parameters of the design")  # fmt: skip
        return df, np.asarray((df - k - 1) * (expected if expected.ndim else expected * np.eye(k)))

    def __repr__(self) -> str:
        head = f"Prior  {self.name}\n  "
        if self.wave is not None:
            w = self.wave
            return (f"{head}m ~ N(m0, V0) of the last wave ({w.n_people:,} respondents x {len(w.labels)} items)\n  Sigma ~ "
                    f"IW(K + {1 + w.strength:g}, V), E[Sigma] = V / {w.strength:g} = the last wave's covariance")  # fmt: skip
        if self.name == "huang-wand":
            return (f"{head}m ~ N(0, {self.mean_sd:g}^2), Sigma | a ~ IW(nu + K - 1, 2 nu diag(1/a)), a ~ IG(1/2, 1/A^2) per "
                    f"block; nu = {self.nu:g}, A = {self.scale:g}")  # fmt: skip
        if self.name == "inverse-wishart":
            df = "K + 3" if self.degrees_of_freedom is None else f"{self.degrees_of_freedom:g}"
            given = 1.0 if self.expected_cov is None else self.expected_cov
            mean = "the matrix given" if isinstance(given, tuple) else f"{given:g} I"
            return f"{head}m ~ N(0, {self.mean_sd:g}^2), Sigma ~ IW({df}, S), E[Sigma] = S / (df - K - 1) = {mean}"
        d, v = self.additional_degrees or 0.0, self.prior_variance
        against = "the reference" if self.reference is None else repr(self.reference)
        form = (f"I in utilities less that of {against}" if self.name == "bayesm" else f"{v:g} I" if v is not None
                else "2 I for items, I for levels")  # fmt: skip
        mean = f"m ~ N(0, {self.mean_sd:g}^2)" if self.name == "sawtooth" else f"m ~ N(0, (V / nu) / {AMU:g})"
        return (f"{head}Sigma ~ IW(K + {d:g}, V), V / nu = {form}, E[Sigma] = V / {d - 1:g} = (K + {d:g}) / {d - 1:g} times "
                f"that\n  {mean}")  # fmt: skip


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
    return as_rows(matrix)


def _inverse(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Inverse of a covariance matrix; of a diagonal one, exactly diagonal."""
    diagonal = np.diagonal(matrix)
    if not np.count_nonzero(matrix - np.diag(diagonal)):
        return np.diag(1 / diagonal)
    inverse = np.linalg.inv(matrix)
    return np.asarray((inverse + inverse.T) / 2)
