"""What a prior says before anybody has answered: populations and people drawn from it, and what they would do.

Prior predictive checks: Gelman et al. 2020, Bayesian Workflow, arXiv 2011.01808, section 2.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt
import pandas as pd

from cvmstats.data.design import Design
from cvmstats.data.forms import best_worst_form, forms_of
from cvmstats.data.intervals import check_level
from cvmstats.data.scales import centring, rows_of
from cvmstats.errors import InputError
from cvmstats.utilities.options import Prior, ResolvedPrior

Floats = npt.NDArray[np.float64]

CERTAIN, UNSURE = 0.99, 0.5
"""A choice counts as certain where the favourite has more than this, as open where it has less than that."""
NEARLY_RANDOM = 1.1
"""Somebody answers next to randomly whose expected root likelihood is at most so many times that of chance."""
_PEOPLE, _SETS = 20, 12
"""People of each population, and sets that each population is asked."""
_LEVEL = 0.9


@dataclass(frozen=True, eq=False, kw_only=True)
class PriorCheck:
    """What N populations drawn from a prior would do with a design.

    Parameters
    ----------
    prior, design : Prior, Design
        Of what.
    form : str
        Likelihood of the tasks.
    chance : float
        What the favourite takes of a set by chance: the mean of 1 / items.
    favourite : array (N, P, T)
        Probability of the likeliest pick in a set: of N populations, P people each, T sets.
    people_sd : array (N, L)
        Standard deviation between people of each reported utility, in logits.
    mean_sd : array (N)
        Standard deviation of the population means over items or levels, in logits.
    top_share : array (N)
        Of the population's mean utilities: what the favourite takes of the first set asked.
    fit : array (N, P)
        Everybody's expected root likelihood, exp(mean over sets of sum p log p), divided by that of chance.
    """

    prior: Prior
    design: Design
    form: str
    chance: float
    favourite: Floats
    people_sd: Floats
    mean_sd: Floats
    top_share: Floats
    fit: Floats

    @property
    def certain(self) -> float:
        """Share of choices in which the favourite is picked with p > .99."""
        return float((self.favourite > CERTAIN).mean())

    @property
    def open(self) -> float:
        """Share of choices in which the favourite is picked with p < .5."""
        return float((self.favourite < UNSURE).mean())

    @property
    def random(self) -> float:
        """Share of people who would answer next to randomly."""
        return float((self.fit <= NEARLY_RANDOM).mean())

    @property
    def remarks(self) -> tuple[str, ...]:
        """What an analyst should think about, empty where nothing stands out."""
        found = []
        if self.certain > 0.5:
            found.append(f"near-deterministic: in {100 * self.certain:.0f}% of choices the favourite is picked with p > "
                         f"{CERTAIN}; real people are rarely so certain; take a smaller scale, prior variance or "
                         "mean_sd")  # fmt: skip
        if self.random > 0.5:
            found.append(f"next to random: {100 * self.random:.0f}% of people would answer as by chance; the prior pulls all "
                         "utilities together; take a larger scale, prior variance or mean_sd")  # fmt: skip
        heavy = float(np.quantile(self.people_sd, 0.95) / np.median(self.people_sd))
        if heavy > 10:
            found.append(f"heavy tail: one sd between people in twenty is {heavy:.0f} times the median or more; harmless where "
                         "many people answer, do not simulate from it")  # fmt: skip
        return tuple(found)

    def to_frame(self, *, level: float = _LEVEL) -> pd.DataFrame:
        """One row per quantity: ``quantity``, ``unit``, ``mean``, ``median``, ``lower``, ``upper``, over all that was drawn.

        Raises
        ------
        UtilitiesError
            Where ``level`` is no probability.
        """
        check_level(level)
        ends = [0.5, (1 - level) / 2, (1 + level) / 2]
        rows = []
        for name, unit, values in (
            ("favourite of a set, a person", "probability", self.favourite),
            ("favourite of a set, population mean", "probability", self.top_share),
            ("sd between people", "logits", self.people_sd),
            ("sd of population means", "logits", self.mean_sd),
            ("expected root likelihood / chance", "ratio", self.fit),
        ):
            rows.append((name, unit, float(values.mean()), *np.quantile(values, ends).tolist()))
        for name, share in ((f"choices with p > {CERTAIN}", self.certain), (f"choices with p < {UNSURE}", self.open),
                            ("people next to random", self.random)):  # fmt: skip
            rows.append((name, "share", share, np.nan, np.nan, np.nan))
        return pd.DataFrame(rows, columns=["quantity", "unit", "mean", "median", "lower", "upper"])

    def __repr__(self) -> str:
        low, middle, high = np.quantile(self.favourite, [0.05, 0.5, 0.95])
        sd_low, sd_middle, sd_high = np.quantile(self.people_sd, [0.05, 0.5, 0.95])
        lines = [f"PriorCheck  {self.prior.name}, {len(self.favourite):,} populations x {self.favourite.shape[1]} people, "
                 f"{self.form} form",
                 f"favourite of a set: {100 * middle:.0f}% of the picks, 90% of choices {100 * low:.0f}-{100 * high:.0f}% "
                 f"(chance {100 * self.chance:.0f}%)",
                 f"p > {CERTAIN} in {100 * self.certain:.0f}%, p < {UNSURE} in {100 * self.open:.0f}% of choices · "
                 f"{100 * self.random:.0f}% of people next to random",
                 f"sd between people: {sd_middle:.2g} logits, 90% {sd_low:.2g}-{sd_high:.2g}",
                 *(f"remark: {text}" for text in self.remarks)]  # fmt: skip
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>{self.to_frame().round(3).to_html(index=False)}"


def check_prior(design: Design, prior: Prior | None = None, *, n: int = 500, form: str = "sequential",
                seed: int | np.random.Generator = 0) -> PriorCheck:  # fmt: skip
    """See what a prior says about people's answers to a design, before any are there.

    ``n`` populations are drawn from the prior, people from each, and their probabilities in sets of the design are taken:
    whether choices would be near certain or near random, how far people differ. Nothing is fitted.

    Parameters
    ----------
    design : Design
        What will be asked; up to 12 of its sets, drawn anew for each population.
    prior : Prior, optional
        By default ``Prior()``, as in :func:`fit_hierarchical`.
    n : int
        Populations; of each 20 people.
    form : str
        Likelihood of best-worst tasks; the pick looked at is the best one, of worst-only tasks the worst.
    seed : int or Generator

    Raises
    ------
    InputError
        Where ``n`` is not a whole number of at least 10, or the prior does not fit the design.
    ChoicesError
        For an unknown form, or tasks without a likelihood.

    Examples
    --------
    >>> from cvmstats.data.items import Items
    >>> asked = Design(objects=Items.from_labels("abcdefgh"), shown=np.array([[[0, 1, 2, 3], [4, 5, 6, 7]]]))
    >>> found = check_prior(asked, Prior("inverse-wishart", expected_cov=2.0, mean_sd=1.0))
    >>> found
    PriorCheck  inverse-wishart, 500 populations x 20 people, sequential form
      favourite of a set: ...% of the picks, 90% of choices ...% (chance 25%)
      p > 0.99 in ...% of choices · ...% of people next to random
      sd between people: ... logits, 90% ...
    >>> found.certain < 0.1
    True
    """
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 10:
        raise InputError(f"n is {n!r}\n  expected a whole number of populations, at least 10")
    prior, chosen = prior or Prior(), best_worst_form(form)
    names = forms_of(design, chosen)
    rng = np.random.default_rng(seed)
    coding, report = np.asarray(design.coding), np.asarray(design.report)
    resolved = prior.resolve(coding.shape[1], design.parameter_block, design=design)
    mean, root = draw_populations(resolved, int(n), rng)
    people = mean[:, None] + np.einsum("nkj,npj->npk", root, rng.standard_normal((n, _PEOPLE, coding.shape[1])))
    shown, sign, joint = _ask(design, int(n), chosen, rng)
    p = _chances(people @ coding.T, shown, sign, joint)
    everybody = _chances((mean @ coding.T)[:, None], shown, sign, joint)
    size = (shown >= 0).sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = np.where(p > 0, p * np.log(p), 0.0).sum(axis=3)
    levels = centring(rows_of(design), len(report)) @ report
    core = rows_of(design).core(len(report))
    return PriorCheck(
        prior=prior, design=design, form=names, chance=float((1 / size).mean()), favourite=p.max(axis=3),
        people_sd=np.sqrt(np.square(levels @ root).sum(axis=2)), mean_sd=(mean @ levels.T)[:, core].std(axis=1),
        top_share=everybody[:, 0, 0].max(axis=1), fit=np.exp((entropy + np.log(size)[:, None]).mean(axis=2)),
    )  # fmt: skip


def draw_populations(prior: ResolvedPrior, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Means (N, K) and roots (N, K, K) of covariances, Sigma = root root', by Bartlett's decomposition (see _pymc_model)."""
    k = len(prior.block)
    mean = prior.mean + rng.standard_normal((n, k)) @ np.linalg.cholesky(np.linalg.inv(prior.mean_precision)).T
    bartlett = np.tril(rng.standard_normal((n, k, k)), -1)
    bartlett[:, range(k), range(k)] = np.sqrt(rng.chisquare(prior.iw_df - np.arange(k), size=(n, k)))
    if prior.kind == "huang-wand":
        a = 1 / rng.gamma(0.5, prior.A**2, size=(n, prior.n_blocks))[:, prior.block]
        factor = np.sqrt(a / (2 * prior.nu))[:, :, None] * bartlett
    else:
        factor = np.linalg.cholesky(np.linalg.inv(prior.iw_scale)) @ bartlett
    return mean, np.linalg.solve(factor.swapaxes(1, 2), np.eye(k))


def _ask(design: Design, n: int, form: str, rng: np.random.Generator,
         ) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.bool_]]:  # fmt: skip
    """Sets for each population (N, T, A), -1 where shorter; whether best (1) or worst (-1) is picked, and jointly (N, T)."""
    asked = (design.shown >= 0).any(axis=2) & design.estimated
    v, t = np.nonzero(asked if asked.any() else (design.shown >= 0).any(axis=2))
    few = len(v) <= 50 * _SETS  # of many sets, one drawn twice does not matter
    which = rng.random((n, len(v))).argsort(axis=1)[:, :_SETS] if few else rng.integers(len(v), size=(n, _SETS))
    kind = np.asarray(design.kind)[v[which], t[which]]
    return (design.shown[v[which], t[which]].astype(np.int64), np.where(kind == "worst", -1.0, 1.0),
            (kind == "best_worst") & (form == "maxdiff"))  # fmt: skip


def _chances(utilities: Floats, shown: npt.NDArray[np.int64], sign: Floats, joint: npt.NDArray[np.bool_]) -> Floats:
    """Probability of each object of each set to be picked (N, P, T, A) under utilities (N, P, J)."""
    index = np.maximum(shown, 0)
    u = np.stack([one[:, rows] for one, rows in zip(utilities, index, strict=True)])
    there = (shown >= 0)[:, None]
    u = np.where(there, sign[:, None, :, None] * u, -np.inf)
    weight = np.exp(u - u.max(axis=3, keepdims=True))
    if joint.any():  # P(b) is in proportion to e^(v_b) (sum over the others of e^(-v)), see _numerics/logit.py
        low = np.where(there, -u, -np.inf)
        against = np.exp(low - low.max(axis=3, keepdims=True))
        others = np.where(np.eye(u.shape[3], dtype=bool), 0.0, against[..., None, :]).sum(axis=4)
        weight = np.where(joint[:, None, :, None], _normalised(u, others, there), weight)
    return np.asarray(weight / weight.sum(axis=3, keepdims=True))


def _normalised(u: Floats, others: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    with np.errstate(divide="ignore"):
        log = np.where(there, u + np.log(others), -np.inf)
    return np.asarray(np.exp(log - log.max(axis=3, keepdims=True)))
