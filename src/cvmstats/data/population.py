"""The upper level in all its parts, and parameters of the answer: what a fit knows beside people's utilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.store import read_only

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Response:
    """Parameters of the answer, common to the population: ties, grades, what stands first, error scales.

    Parameters
    ----------
    names : tuple of str (E + S)
        ``tie``, ``grade 1``, ..., ``position``, in logits; ``scale of <block>`` as the logarithm of a factor on utilities, the
        larger, the smaller the error.
    n_scales : int
        S: the last so many are error scales.
    mean : array (E + S)
    cov : array (E + S, E + S)
        Posterior or sampling covariance.
    draws : array (C, D, E + S), optional
    """

    names: tuple[str, ...]
    n_scales: int
    mean: Floats
    cov: Floats
    draws: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        for name in ("mean", "cov", "draws"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, read_only(getattr(self, name), np.float64))

    def __getitem__(self, name: str) -> float:
        """The mean of one parameter."""
        return float(self.mean[self.names.index(name)])

    def to_frame(self) -> pd.DataFrame:
        """One row per parameter: name, mean, standard error or posterior sd, and of error scales the factor."""
        table = pd.DataFrame({"parameter": list(self.names), "mean": self.mean, "se": np.sqrt(np.diagonal(self.cov))})
        scale = np.arange(len(self.names)) >= len(self.names) - self.n_scales
        table["factor"] = np.where(scale, np.exp(self.mean), np.nan)
        return table


@dataclass(frozen=True, eq=False, kw_only=True)
class Latent:
    """Draws of an upper level that is more than a mean and a covariance, in the parameters g in which it is normal.

    g_i ~ N(m_c + Theta'x_i + alpha_a, Sigma_c), and the parameters that people read are ``transform`` times g, or times
    ``sign`` e^g where a sign is held. Utilities are as many times as large as the person's factor.

    Parameters
    ----------
    sizes : array (C, D, S)
        Of the components, largest first.
    means, covs : arrays (C, D, S, K), (C, D, S, K, K)
    membership : array (R, S)
        Of each respondent.
    transform, sign : arrays (K, K), (K)
    effects : array (C, D, P, K), optional
        Per standard deviation of each covariate.
    account_ids : tuple of str (G)
    accounts, account_cov : arrays (C, D, G, K), (C, D, K, K), optional
        alpha and Psi.
    factors, factor_sd : arrays (C, D, R), (C, D), optional
        log lambda_i and tau.
    """

    sizes: Floats
    means: Floats
    covs: Floats
    membership: Floats
    transform: Floats
    sign: Floats
    effects: Floats | None = None
    account_ids: tuple[str, ...] = ()
    accounts: Floats | None = None
    account_cov: Floats | None = None
    factors: npt.NDArray[np.float32] | None = None
    factor_sd: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "account_ids", tuple(self.account_ids))
        for name in ("sizes", "means", "covs", "membership", "transform", "sign", "effects", "accounts", "account_cov",
                     "factor_sd"):  # fmt: skip
            if getattr(self, name) is not None:
                object.__setattr__(self, name, read_only(getattr(self, name), np.float64))
        if self.factors is not None:
            object.__setattr__(self, "factors", read_only(self.factors, np.float32))

    def natural(self, g: Floats) -> Floats:
        """Parameters that people read (..., K) from g (..., K)."""
        held = self.sign != 0
        value = np.where(held, self.sign * np.exp(np.where(held, g, 0.0)), g)
        return np.asarray(value @ self.transform.T)

    def moments(self) -> tuple[Floats, Floats]:
        """Mean (C, D, K) and covariance (C, D, K, K) of what people read, at average covariates, accounts included."""
        covs = self.covs if self.account_cov is None else self.covs + self.account_cov[:, :, None]
        mean, cov = self.means, covs
        held = self.sign != 0
        if held.any():  # of log-normal parameters: E e^g = e^(m + v / 2), cov(e^g, e^h) = E E (e^c - 1), cov(e^g, h) = E c
            variance = np.diagonal(covs, axis1=3, axis2=4)
            with np.errstate(over="ignore"):
                mean = np.where(held, self.sign * np.exp(np.where(held, self.means + variance / 2, 0.0)), self.means)
                both = held[:, None] & held
                factor = np.where(held, mean, 1.0)
                cov = factor[..., :, None] * factor[..., None, :] * np.where(both, np.expm1(np.where(both, covs, 0.0)), covs)
        total = np.einsum("cds,cdsk->cdk", self.sizes, mean)
        left = mean - total[:, :, None]
        spread = np.einsum("cds,cdskj->cdkj", self.sizes, cov + left[..., :, None] * left[..., None, :])
        t = self.transform
        return total @ t.T, t @ spread @ t.T
