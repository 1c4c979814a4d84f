"""A small study of two-person accounts with known segments."""

import numpy as np
import pandas as pd
import pytest

from cvmstats._numerics.simulate import simulate_places
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.respondents import Respondents

J, S, G = 8, 3, 60
TRUTH = np.arange(G) % S
MEANS = np.random.default_rng(5).normal(0, 1.3, (S, J))


@pytest.fixture(scope="package")
def truth():
    return TRUTH


@pytest.fixture(scope="package")
def study():
    rng = np.random.default_rng(6)
    utilities = np.repeat(MEANS[TRUTH], 2, axis=0) + rng.normal(0, 0.3, (2 * G, J))
    shown = np.array([[rng.permutation(J)[:4] for _ in range(8)] for _ in range(6)])
    version = np.arange(2 * G) % 6
    people = pd.DataFrame({
        "id": [f"r{i}" for i in range(2 * G)], "account": [f"a{i // 2:02d}" for i in range(2 * G)],
        "role": ["owner", "buyer"] * G,
    })  # fmt: skip
    return Choices(
        design=Design(objects=Items.from_labels([f"need {j}" for j in range(J)]), shown=shown),
        respondents=Respondents(table=people), version=version,
        place=simulate_places(utilities, shown, version, rng.random((2 * G, 8, 2))),
    )  # fmt: skip


@pytest.fixture(scope="package")
def without_accounts(study):
    return study.with_respondents(Respondents.from_ids(study.respondents.ids))


def people(study, **columns):
    """The study's respondents with other columns."""
    kind = columns.pop("weight_kind", None)
    table = study.respondents.to_frame().assign(**columns)
    return study.with_respondents(Respondents(table=table, weight_kind=kind))


@pytest.fixture(scope="package")
def with_people(study):
    return lambda **columns: people(study, **columns)
