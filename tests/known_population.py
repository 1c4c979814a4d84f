"""Fits whose population is known, and answers to predict from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.covariates import Covariates
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.population import Latent, Response
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.data.utilities import Population, Utilities
from cvmstats.survey.simulate import simulate_choices
from cvmstats.workflows.sets import balanced_sets

Floats = npt.NDArray[np.float64]
CHAINS, DRAWS = 2, 200
LABELS = "abcde"


def best_worst(n_tasks: int = 6, kind: str = "best_worst", size: int = 3) -> Design:
    shown = balanced_sets(len(LABELS), 4, n_tasks, size, np.random.default_rng(2))
    return Design(objects=Items.from_labels(LABELS), shown=shown, kind=kind)


def offers() -> Design:
    """A brand and a price that nobody wants higher."""
    rng = np.random.default_rng(4)
    parts = Attributes.from_dict({"brand": ["A", "B", "C"], "price": [1, 2, 3]}, linear=("price",))
    profiles = Profiles(attributes=parts, levels=[[b, p] for b in range(3) for p in range(3)])
    shown = np.array([[rng.choice(9, 3, replace=False) for _ in range(10)] for _ in range(3)])
    return Design(objects=profiles, shown=shown, kind="best")


def known(design: Design, form: str, *, response: Response | None = None, covariates: Covariates | None = None,
          n_people: int = 2, **parts: object) -> Utilities:  # fmt: skip
    """A fit that knows its population: all draws are alike."""

    def copies(value: npt.ArrayLike) -> Floats:
        return np.broadcast_to(np.asarray(value, float), (CHAINS, DRAWS, *np.shape(value))).copy()

    n_par = np.asarray(design.coding).shape[1]
    fixed = {name: part if name in ("transform", "sign", "account_ids") else copies(part) for name, part in parts.items()}
    given = {"transform": np.eye(n_par), "sign": np.zeros(n_par), "membership": np.ones((n_people, 1))} | fixed
    latent = Latent(**given)
    mean, cov = latent.moments()
    population = Population(mean=mean[0, 0], mean_cov=np.eye(n_par) * 1e-9, cov=cov[0, 0], mean_draws=mean, cov_draws=cov,
                            latent=latent)  # fmt: skip
    return Utilities(design=design, respondents=Respondents.from_ids(map(str, range(n_people))),
                     mean=np.zeros((n_people, n_par)),
                     sd=np.ones((n_people, n_par)), method="hierarchical", form=form, population=population,
                     response=response, covariates=covariates)  # fmt: skip


def covariance(n: int, size: float = 1.0) -> Floats:
    root = np.random.default_rng(n).normal(size=(n, n + 2))
    return size * root @ root.T / (n + 2)


def some(design: Design, beta: Floats, people: Respondents | None = None, factor: Floats | float = 1.0) -> Choices:
    return simulate_choices(factor * (beta @ np.asarray(design.coding).T), design, people, seed=8)
