"""Utilities: what people value, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.covariates import Covariates
from cvmstats.data.design import Design
from cvmstats.data.population import Latent, Response
from cvmstats.data.respondents import Respondents
from cvmstats.data.scales import rescale
from cvmstats.data.store import read_only
from cvmstats.errors import UtilitiesError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Population:
    """The upper level: how utilities are distributed in the population.

    Parameters
    ----------
    mean : array (K)
        Population mean, in logits (posterior mean or estimate).
    mean_cov : array (K, K)
        Uncertainty of ``mean``: posterior or sampling covariance.
    cov : array (K, K), optional
        Heterogeneity: covariance of utilities between people (posterior mean); None where one vector serves all.
    mean_draws, cov_draws : arrays (C, D, K) and (C, D, K, K), optional
        Draws of both.
    effects, effects_cov : arrays (P, K), (P, K, K), optional
        What one standard deviation of each covariate adds to ``mean``, and its uncertainty.
    latent : Latent, optional
        The parts of a population that is more than a mean and a covariance; then ``mean`` and ``cov`` are its moments.
    """

    mean: Floats
    mean_cov: Floats
    cov: Floats | None = None
    mean_draws: Floats | None = None
    cov_draws: Floats | None = None
    effects: Floats | None = None
    effects_cov: Floats | None = None
    latent: Latent | None = None

    def __post_init__(self) -> None:
        for name in ("mean", "mean_cov", "cov", "mean_draws", "cov_draws", "effects", "effects_cov"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, read_only(getattr(self, name), np.float64))


@dataclass(frozen=True, eq=False, kw_only=True)
class Utilities:
    """Utilities of R respondents, kept in K free parameters and reported in L levels.

    Parameters
    ----------
    design, respondents : Design, Respondents
        Of what, of whom.
    mean, sd : array (R, K)
        Each respondent's estimate and its posterior standard deviation, in logits.
    population : Population, optional
        The upper level.
    draws : array (C, D, R, K), optional
        Respondents' draws, float32.
    method, form : str
        Which estimator; which likelihood of best-worst tasks.
    log_likelihood : float or None
        Of the answers at ``mean``.
    diagnostics : DataFrame, optional
        R-hat and ESS, one row per reported quantity.
    settings : mapping
        Everything needed to repeat the fit.
    interrupted : bool
        True where the fit was stopped before its end.
    response : Response, optional
        Parameters of the answer: ties, grades, what stands first, error scales.
    covariates : Covariates, optional
        Those of the fit.
    """

    design: Design
    respondents: Respondents
    mean: Floats
    sd: Floats
    method: str
    form: str
    population: Population | None = None
    draws: npt.NDArray[np.float32] | None = None
    log_likelihood: float | None = None
    diagnostics: pd.DataFrame | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    response: Response | None = None
    covariates: Covariates | None = None

    def __post_init__(self) -> None:
        shape = (len(self.respondents), np.asarray(self.design.coding).shape[1])
        for name in ("mean", "sd"):
            value = read_only(getattr(self, name), np.float64)
            if value.shape != shape:
                raise UtilitiesError(f"{name} has shape {value.shape}\n  expected {shape} (respondents, parameters)")
            object.__setattr__(self, name, value)
        if self.draws is not None:
            draws = np.asarray(self.draws).view()
            draws.setflags(write=False)
            object.__setattr__(self, "draws", draws)

    @property
    def labels(self) -> tuple[str, ...]:
        """What people read (L)."""
        return tuple(self.design.report_labels or ())

    @property
    def ids(self) -> tuple[str, ...]:
        """Respondents' ids (R)."""
        return self.respondents.ids

    @property
    def report(self) -> Floats:
        """Parameters to levels (L, K)."""
        return np.asarray(self.design.report)

    def reported(self, *, scale: str = "zero_centered") -> Floats:
        """Each respondent's utilities (R, L) on a named scale.

        With draws, a scale that is not linear is computed per draw and then averaged.
        """
        if scale == "zero_centered" or self.draws is None:
            return rescale(self.mean @ self.report.T, scale, set_size=self.design.set_size)
        total = np.zeros((len(self.respondents), len(self.labels)))
        for chain in self.draws:
            for block in np.array_split(chain, max(1, len(chain) // 50)):
                total += rescale(block @ self.report.T, scale, set_size=self.design.set_size).sum(axis=0)
        return np.asarray(total / (self.draws.shape[0] * self.draws.shape[1]))

    def to_frame(self, *, scale: str = "zero_centered") -> pd.DataFrame:
        """One row per respondent: ``respondent`` and a column per level."""
        table = pd.DataFrame(self.reported(scale=scale), columns=list(self.labels))
        table.insert(0, "respondent", list(self.ids))
        return table

    def population_frame(self) -> pd.DataFrame:
        """One row per level: mean, its standard error or posterior sd, and the sd between people, in logits.

        Raises
        ------
        UtilitiesError
            Where there is no population (counts, imported scores).
        """
        population = self._need_population()
        mean = self.report @ population.mean
        error = np.sqrt(np.einsum("lk,km,lm->l", self.report, population.mean_cov, self.report))
        table = pd.DataFrame({"item": list(self.labels), "mean": mean, "se": error})
        if population.cov_draws is not None:
            variance = np.einsum("lk,cdkm,lm->cdl", self.report, population.cov_draws, self.report, optimize=True)
            table["sd"] = np.sqrt(variance).mean(axis=(0, 1))
        elif population.cov is not None:
            table["sd"] = np.sqrt(np.einsum("lk,km,lm->l", self.report, population.cov, self.report))
        return table

    def effects_frame(self) -> pd.DataFrame:
        """One row per covariate and level: what a unit of the covariate adds to the population's mean, in logits.

        Raises
        ------
        UtilitiesError
            Where the fit had no covariates.
        """
        population = self._need_population()
        if self.covariates is None or population.effects is None or population.effects_cov is None:
            raise UtilitiesError("this fit has no covariates\n  name them in the fit")
        rows = []
        for p, name in enumerate(self.covariates.names):
            unit = self.covariates.spread[p]
            mean = self.report @ population.effects[p] / unit
            error = np.sqrt(np.einsum("lk,kj,lj->l", self.report, population.effects_cov[p], self.report)) / unit
            rows += [{"covariate": name, "item": label, "effect": m, "se": e}
                     for label, m, e in zip(self.labels, mean, error, strict=True)]  # fmt: skip
        return pd.DataFrame(rows)

    def _need_population(self) -> Population:
        if self.population is None:
            raise UtilitiesError(f"utilities by {self.method} have no population\n  fit_hierarchical or fit_pooled gives one")
        return self.population

    def to_datatree(self) -> Any:
        """The draws as an ArviZ DataTree: ``utilities``, ``mean``, ``sd``, ``correlation`` of the reported levels.

        Raises
        ------
        UtilitiesError
            Where there are no draws.
        """
        population = self._need_population()
        if self.draws is None or population.mean_draws is None or population.cov_draws is None:
            raise UtilitiesError(f"utilities by {self.method} have no draws\n  fit_hierarchical keeps them")
        import xarray as xr

        cov = np.einsum("lk,cdkm,nm->cdln", self.report, population.cov_draws, self.report, optimize=True)
        sd = np.sqrt(np.diagonal(cov, axis1=2, axis2=3))
        names, ids = list(self.labels), list(self.ids)
        posterior = xr.Dataset(
            {
                "mean": (("chain", "draw", "item"), population.mean_draws @ self.report.T),
                "sd": (("chain", "draw", "item"), sd),
                "correlation": (("chain", "draw", "item", "other"), cov / (sd[..., :, None] * sd[..., None, :])),
                "utilities": (("chain", "draw", "respondent", "item"), self.draws @ self.report.T.astype(np.float32)),
            },
            coords={"chain": np.arange(sd.shape[0]), "draw": np.arange(sd.shape[1]), "item": names, "other": names,
                    "respondent": ids},
            attrs={"method": self.method, "form": self.form, "interrupted": int(self.interrupted)},
        )  # fmt: skip
        return xr.DataTree.from_dict({"posterior": posterior})

    def __repr__(self) -> str:
        head = (f"Utilities  {len(self.respondents):,} respondents x {len(self.labels)} items, by {self.method}, "
                f"{self.form} form")  # fmt: skip
        best = np.argsort(-(self.mean.mean(axis=0) @ self.report.T))[:3]
        top = "highest: " + " · ".join(self.labels[i] for i in best)
        parts = [top]
        if self.draws is not None:
            parts.append(f"{self.draws.shape[0]} chains x {self.draws.shape[1]:,} draws")
        if self.diagnostics is not None and len(self.diagnostics):
            worst = self.diagnostics
            parts.append(f"R-hat at most {worst['r_hat'].max():.3f}, ESS at least "
                         f"{min(worst['ess_bulk'].min(), worst['ess_tail'].min()):,.0f}")  # fmt: skip
        if self.interrupted:
            parts.append("STOPPED EARLY")
        return head + "\n  " + "\n  ".join(parts)

    def _repr_html_(self) -> str:
        table = self.population_frame().round(3).to_html(index=False) if self.population is not None else ""
        return f"<pre>{escape(repr(self))}</pre>{table}"
