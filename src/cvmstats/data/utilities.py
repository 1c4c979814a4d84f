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
from cvmstats.data.intervals import groups_of, of_groups, of_population, of_respondents, scaled_draws
from cvmstats.data.population import Latent, Response
from cvmstats.data.respondents import Respondents
from cvmstats.data.scales import Rows, centring, check_scale, check_version, rescale, rows_of
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

    @property
    def rows(self) -> Rows:
        """What the levels are, as far as scales need to know: items per set, anchor, attributes."""
        return rows_of(self.design)

    def reported(self, *, scale: str = "zero_centered", version: str = "per_draw") -> Floats:
        """Each respondent's utilities (R, L) on a named scale.

        Parameters
        ----------
        scale : str
            One of ``zero_centered``, ``sawtooth_probability``, ``sawtooth_rescaled``, ``anchored_100``, ``interval_100``,
            ``share``, ``zero_centered_diffs``, see :func:`~cvmstats.data.scales.rescale`.
        version : {"per_draw", "at_means"}
            Scaled in each draw and then averaged, the posterior mean of what the scale says; or scaled at the posterior means,
            Sawtooth's practice, for comparison with its exports. Without draws both are the latter.

        Raises
        ------
        UtilitiesError
            An unknown scale or version, or a scale that these levels do not have.
        """
        rows = self.rows
        check_scale(scale, rows)
        check_version(version)
        if scale == "zero_centered" or version == "at_means" or self.draws is None:
            return rescale(self.mean @ self.report.T, scale, **rows._asdict())
        out = np.empty((len(self.respondents), len(self.labels)))
        for block, values in scaled_draws(self, scale, rows):
            out[block] = values.mean(axis=0)
        return out

    def to_frame(self, *, scale: str = "zero_centered", version: str = "per_draw") -> pd.DataFrame:
        """One row per respondent: ``respondent`` and a column per level; see :meth:`reported`."""
        table = pd.DataFrame(self.reported(scale=scale, version=version), columns=list(self.labels))
        table.insert(0, "respondent", list(self.ids))
        return table

    def intervals(self, *, scale: str = "zero_centered", level: float = 0.9) -> pd.DataFrame:
        """One row per respondent and level: ``respondent``, ``item``, ``mean``, ``lower``, ``upper`` on a named scale.

        Quantiles of the draws, scaled draw by draw. Without draws the normal approximation from ``mean`` and ``sd``, parameters
        taken as independent, for ``zero_centered`` only.

        Raises
        ------
        UtilitiesError
            Where there are neither draws nor standard deviations, or no draws for a scale that is not linear.
        """
        found = of_respondents(self, scale, self.rows, level)
        n_people, n_items = found.mean.shape
        return pd.DataFrame({"respondent": np.repeat(np.array(self.ids, dtype=object), n_items),
                             "item": list(self.labels) * n_people, "mean": found.mean.ravel(), "lower": found.lower.ravel(),
                             "upper": found.upper.ravel()})  # fmt: skip

    def group_frame(self, by: Any, *, scale: str = "zero_centered", level: float = 0.9) -> pd.DataFrame:
        """One row per group and level: ``group``, ``people``, ``item``, ``mean``, ``lower``, ``upper`` on a named scale.

        The mean over the group's respondents, those who answered: in each draw of the scaled utilities, so that the interval
        is of this mean and not of people to come. Memberships count as known, weights of respondents count in the mean, and
        not in ``people``; without draws as in :meth:`intervals`, people taken as independent.

        Parameters
        ----------
        by : str, sequence, Series, array (R, G), DataFrame or Segments
            A column of the respondents (``"account"``, ``"role"``), a label for each respondent (empty or missing: in no
            group), weights of each respondent in G groups, or segments of these respondents or of their accounts. Pandas
            objects whose index holds the respondents' ids are matched by it, all else is in their order, and so are
            pandas objects whose index only numbers the rows.
        scale : str
            See :meth:`reported`.
        level : float
            Probability of the interval.

        Raises
        ------
        UtilitiesError
            Groups that do not fit the respondents, and as in :meth:`intervals`.
        """
        names, weight, people = groups_of(self, by)
        found = of_groups(self, weight, scale, self.rows, level)
        n = len(self.labels)
        return pd.DataFrame({"group": np.repeat(np.array(names, dtype=object), n), "people": np.repeat(people, n),
                             "item": list(self.labels) * len(names), "mean": found.mean.ravel(), "lower": found.lower.ravel(),
                             "upper": found.upper.ravel()})  # fmt: skip

    def population_frame(self, *, scale: str = "zero_centered", level: float | None = None) -> pd.DataFrame:
        """One row per level: ``item``, ``mean`` and ``se`` (standard error or posterior sd), and more as said.

        On ``zero_centered``, in logits, they are of the population mean, and where there is heterogeneity ``sd`` is that
        between people. Other scales are not linear, so that a population mean has no place on them: there the mean over
        these respondents of their scaled utilities is given, draw by draw, a mean of a finite sample, without ``sd``.

        Parameters
        ----------
        scale : str
            See :meth:`reported`.
        level : float, optional
            Adds ``lower`` and ``upper``: quantiles of the draws, or for ``zero_centered`` without draws mean and ``se`` by the
            normal approximation.

        Raises
        ------
        UtilitiesError
            Where there is no population (counts, imported scores), or no draws for a scale that is not linear.
        """
        population, rows = self._need_population(), self.rows
        check_scale(scale, rows)
        if scale == "zero_centered":
            found = of_population(self, rows, 0.9 if level is None else level)
        else:
            found = of_groups(self, self.respondents.weight[:, None], scale, rows, 0.9 if level is None else level)
        table = pd.DataFrame({"item": list(self.labels), "mean": found.mean[0], "se": found.sd[0]})
        if scale == "zero_centered" and population.cov is not None:
            matrix = centring(rows, len(self.labels)) @ self.report
            cov = population.cov if population.cov_draws is None else population.cov_draws
            variance = np.einsum("lk,...km,lm->...l", matrix, cov, matrix, optimize=True)
            table["sd"] = np.sqrt(variance).reshape(-1, len(self.labels)).mean(axis=0)
        if level is not None:
            table["lower"], table["upper"] = found.lower[0], found.upper[0]
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
