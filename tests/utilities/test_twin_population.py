"""Populations in PyTensor: the log posterior is that of the model that Gibbs samples, up to a constant, Jacobians included."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

from cvmstats._numerics.coded import make_coded, people_derivatives
from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.errors import ChoicesError
from cvmstats.utilities.answers import to_tasks
from cvmstats.utilities.options import Prior, ResolvedPrior
from cvmstats.utilities.upper_level import Prepared, UpperLevel, prepare

TIGHT, WISHART = Prior(scale=0.5, mean_sd=1.0), Prior("inverse-wishart", expected_cov=0.5)
FACTOR_SD = stats.t(2)  # half of it


def people(n: int) -> Respondents:
    """With a number, a trade, and two people or more per account."""
    return Respondents(table=pd.DataFrame({
        "id": [str(i) for i in range(n)], "account": [f"a{i % (n // 2)}" for i in range(n)],
        "size": np.linspace(0, 3, n) ** 2, "trade": ["food", "wood", "iron"] * (n // 3) + ["food"] * (n % 3),
    }))  # fmt: skip


def pairs(n: int) -> Choices:
    """Pairs of four items, some tied, in two blocks, in one of which they are judged in another way."""
    rng = np.random.default_rng(1)
    shown = np.array([[[0, 1], [1, 2], [3, 0], [2, 3], [0, 2], [3, 1]]])
    outcome = rng.choice(3, size=(n, 6), p=[0.4, 0.4, 0.2])
    design = Design(objects=Items.from_labels("abcd"), shown=shown, kind="pair", parameter_block=("x", "y", "x"),
                    block=("one",) * 3 + ("two",) * 3)  # fmt: skip
    return Choices(design=design, respondents=people(n), version=np.zeros(n),
                   place=np.array([[1, 0], [0, 1], [1, 1]])[outcome])  # fmt: skip


def offers(n: int) -> Choices:
    """The best of three profiles of a linear price, three ordered sizes and two brands."""
    rng = np.random.default_rng(2)
    parts = Attributes.from_dict({"price": [1, 2, 3], "size": [1, 2, 3], "brand": ["A", "B"]}, linear=("price",))
    levels = np.stack(np.unravel_index(np.arange(18), (3, 3, 2)), axis=1)
    shown = np.array([[rng.choice(18, 3, replace=False) for _ in range(4)]])
    place = np.array([[rng.permutation([1, 0, 0]) for _ in range(4)] for _ in range(n)])
    return Choices(design=Design(objects=Profiles(attributes=parts, levels=levels), shown=shown, kind="best"),
                   respondents=people(n), version=np.zeros(n), place=place)  # fmt: skip


ALL = {"form": {"pair": "davidson"}, "position": True, "error_scale": ["two"]}
TIES = {"form": {"pair": "davidson"}}
CONSTRAINTS = {"price": "negative", "size": "increasing"}
CASES: dict[str, tuple[Choices, Prior, UpperLevel, dict[str, Any]]] = {
    "response": (pairs(4), TIGHT, UpperLevel(), ALL),
    "covariates": (pairs(5), TIGHT, UpperLevel(covariates=("size", "trade")), TIES),
    "accounts": (pairs(6), TIGHT, UpperLevel(accounts=True), TIES),
    "accounts, inverse Wishart": (pairs(6), WISHART, UpperLevel(accounts=True), TIES),
    "constraints": (offers(4), TIGHT, UpperLevel(constraints=CONSTRAINTS), {}),
    "factor": (pairs(5), WISHART, UpperLevel(scale_factor=True), TIES),
    "components": (pairs(20), TIGHT, UpperLevel(n_components=2), TIES),
    "components, inverse Wishart": (offers(30), WISHART, UpperLevel(n_components=3), {}),
    "all of one": (offers(6), TIGHT, UpperLevel(covariates=("size",), accounts=True, constraints=CONSTRAINTS,
                                                 scale_factor=True), {}),
    "all of two": (offers(20), TIGHT, UpperLevel(covariates=("size",), accounts=True, constraints=CONSTRAINTS, n_components=2,
                                                  scale_factor=True), {}),
    "all and the answer's": (pairs(20), TIGHT, UpperLevel(covariates=("size",), accounts=True, n_components=2,
                                                          scale_factor=True), ALL),
}  # fmt: skip


class Twin:
    """One case, written again from methods with numpy and scipy."""

    def __init__(self, choices: Choices, prior: Prior, upper: UpperLevel, options: dict[str, Any]) -> None:
        coding = np.asarray(choices.design.coding)
        self.k = coding.shape[1]
        self.prior: ResolvedPrior = prior.resolve(self.k, choices.design.parameter_block)
        self.ready: Prepared = prepare(choices, upper)
        self.coded = make_coded(to_tasks(choices, **options), coding)
        self.n = self.ready.model.n_components

    def covariance(self, point: dict[str, Any], prefix: str, c: int) -> tuple[Any, Any, Any]:
        """Sigma, root and a, by Bartlett's decomposition of its inverse."""
        diag, lower, a = (point.get(prefix + name) for name in ("bartlett_diag_log__", "bartlett_lower", "a_log__"))
        if self.n > 1 and not prefix:
            diag, lower, a = (None if x is None else x[c] for x in (diag, lower, a))
        assert diag is not None
        bartlett = np.diag(np.exp(diag / 2)) + 0j
        bartlett[np.tril_indices(self.k, -1)] = lower
        a = np.empty(0) if a is None else np.exp(a)
        outer = (np.diag(np.sqrt(a[self.prior.block] / (2 * self.prior.nu))) if len(a)
                 else np.linalg.cholesky(np.linalg.inv(self.prior.iw_scale)))  # fmt: skip
        root = np.linalg.inv(outer @ bartlett).T
        return root @ root.T, root, a

    def unpack(self, point: dict[str, Any]) -> dict[str, Any]:
        """What the prior speaks of, from the coordinates of NUTS; complex numbers allowed."""
        model = self.ready.model
        means = point["mean"].reshape(self.n, self.k)
        covs, roots, scales = zip(*(self.covariance(point, "", c) for c in range(self.n)), strict=True)
        out: dict[str, Any] = {"mean": means, "cov": np.array(covs), "a": np.array(scales)}
        out |= {name: point[name] for name in ("response", "log_scale", "effects") if name in point}
        shift = 0.0
        if model.covariates is not None:
            shift = shift + model.covariates @ point["effects"]
        if model.account is not None:
            out["psi"], root, out["psi_a"] = self.covariance(point, "account_", 0)
            out["alpha"] = point["account_z"] @ root.T
            shift = shift + out["alpha"][model.account]
        if model.factor:
            out["tau"] = np.exp(point["factor_sd_log__"])
            out["log_factor"] = out["tau"] * point["factor_z"]
        if self.n > 1:
            x = np.append(point["sizes_simplex__"], -point["sizes_simplex__"].sum())
            out["sizes"] = np.exp(x) / np.exp(x).sum()
        out["g"] = np.array([m + shift + point["z"] @ r.T for m, r in zip(means, roots, strict=True)])
        out["shift"] = shift
        return out

    def density(self, at: dict[str, Any]) -> float:
        """Log posterior density, up to a constant; of a mixture in z, whose components give each other's g."""
        prior, value = self.prior, 0.0
        for m, cov, a in zip(at["mean"], at["cov"], at["a"], strict=True):
            value += stats.norm(0, np.asarray(prior.mean_precision).max() ** -0.5).logpdf(m).sum() + self.of_cov(cov, a)
        if "sizes" in at:
            value += stats.dirichlet(np.full(self.n, 5.0)).logpdf(at["sizes"])
        if "psi" in at:
            value += self.of_cov(at["psi"], at["psi_a"])
            value += stats.multivariate_normal(np.zeros(self.k), at["psi"]).logpdf(at["alpha"]).sum()
        if "effects" in at:
            value += stats.norm.logpdf(at["effects"]).sum()
        if "tau" in at:
            value += FACTOR_SD.logpdf(at["tau"]) + stats.norm(0, at["tau"]).logpdf(at["log_factor"]).sum()
        for name, spread in (("response", 3.0), ("log_scale", 1.0)):
            if name in at:
                value += stats.norm(0, spread).logpdf(at[name]).sum()
        each = np.array([self.of_people(at, c) for c in range(self.n)])
        if self.n == 1:
            return float(value + each.sum())
        return float(value + logsumexp(each + np.log(at["sizes"])[:, None], axis=0).sum())

    def of_cov(self, cov: np.ndarray, a: np.ndarray) -> float:
        if self.prior.kind != "huang-wand":
            return float(stats.invwishart(self.prior.iw_df, self.prior.iw_scale).logpdf(cov))
        scale = 2 * self.prior.nu * np.diag(1 / a[self.prior.block])
        return float(stats.invwishart(self.prior.iw_df, scale).logpdf(cov)
                     + stats.invgamma(0.5, scale=self.prior.A**-2).logpdf(a).sum())  # fmt: skip

    def of_people(self, at: dict[str, Any], c: int) -> np.ndarray:
        """Log density of each one's g and answers in component c; of a mixture, times |dg / dz|."""
        g, sign = at["g"][c], self.ready.sign
        left = g - at["mean"][c] - at["shift"]
        value = stats.multivariate_normal(np.zeros(self.k), at["cov"][c]).logpdf(left)
        if self.n > 1:
            value = value + 0.5 * np.linalg.slogdet(at["cov"][c])[1]
        beta = np.where(sign == 0, g, sign * np.exp(np.where(sign == 0, 0, g))) @ self.ready.transform.T
        beta = beta * np.exp(at.get("log_factor", np.zeros(len(g))))[:, None]
        common = [np.tile(at[name], (len(g), 1)) for name in ("response", "log_scale") if name in at]
        return np.asarray(value + people_derivatives(self.coded, np.hstack([beta, *common]), curved=False)[0])

    def log_jacobian(self, point: dict[str, np.ndarray]) -> float:
        """Log |det| of the map from the coordinates of NUTS, by complex steps; of a mixture without z, which stays."""
        names = [n for n in point if self.n == 1 or n != "z"]
        flat = np.concatenate([point[n].ravel() for n in names])
        below = np.tril_indices(self.k)

        def image(x: np.ndarray) -> np.ndarray:
            parts = np.split(x, np.cumsum([point[n].size for n in names])[:-1])
            at = self.unpack(point | {n: p.reshape(point[n].shape) for n, p in zip(names, parts, strict=True)})
            rest = [at.get(n, np.empty(0)) for n in ("a", "psi_a", "alpha", "effects", "response", "log_scale", "tau",
                                                     "log_factor")]  # fmt: skip
            several = [at["sizes"][:-1]] if self.n > 1 else [at["g"]]
            psi = [at["psi"][below]] if "psi" in at else []
            return np.concatenate([np.ravel(x) for x in (at["mean"], at["cov"][:, *below], *psi, *rest, *several)])

        steps = flat + 1e-30j * np.eye(len(flat))
        return float(np.linalg.slogdet(np.array([image(x).imag / 1e-30 for x in steps]))[1])


def real(at: dict[str, Any]) -> dict[str, Any]:
    return {name: np.real(value) for name, value in at.items()}


def points(model: Any, n: int, seed: int = 2) -> list[dict[str, np.ndarray]]:
    """Random points in the coordinates that NUTS moves in."""
    rng = np.random.default_rng(seed)
    return [{k: v + 0.7 * rng.normal(size=np.shape(v)) for k, v in model.initial_point().items()} for _ in range(n)]


@pytest.mark.parametrize("name", CASES)
def test_log_posteriors_differ_by_one_constant(name: str) -> None:
    from cvmstats.utilities._pymc_model import to_pymc

    choices, prior, upper, options = CASES[name]
    twin = Twin(choices, prior, upper, options)
    model = to_pymc(choices, prior=prior, upper=upper, **options)
    density = model.compile_fn(model.logp(), mode="FAST_COMPILE", point_fn=True)
    at = points(model, 8)
    difference = [float(density(p)) - twin.density(real(twin.unpack(p))) - twin.log_jacobian(p) for p in at]
    np.testing.assert_allclose(difference, difference[0], atol=1e-8)
    slope = model.compile_fn(model.dlogp(), mode="FAST_COMPILE", point_fn=True)
    assert all(np.isfinite(slope(p)).all() for p in at)


def test_what_is_reported_are_the_moments_of_what_people_read() -> None:
    """Against the same population simulated: 200,000 people, means within 5 standard errors, covariances within 5%."""
    import pymc as pm

    from cvmstats.utilities._pymc_model import to_pymc

    choices, _, upper, _ = CASES["all of two"]
    narrow = Prior("inverse-wishart", degrees_of_freedom=60, expected_cov=0.2, mean_sd=0.5)
    model = to_pymc(choices, prior=narrow, upper=upper)
    names = ["mean", "root", "sizes", "account_root", "item_mean", "cov"]
    mean, root, sizes, account_root, item_mean, cov = pm.draw([model[n] for n in names], random_seed=3, mode="FAST_COMPILE")
    rng, n, ready = np.random.default_rng(4), 200_000, prepare(choices, upper)
    which = rng.choice(2, n, p=sizes)
    g = mean[which] + np.einsum("nkj,nj->nk", root[which], rng.normal(size=(n, 4))) + rng.normal(size=(n, 4)) @ account_root.T
    beta = np.where(ready.sign == 0, g, ready.sign * np.exp(np.where(ready.sign == 0, 0, g))) @ ready.transform.T
    report = np.asarray(choices.design.report)
    error = (beta @ report.T).std(axis=0) / np.sqrt(n)
    assert (np.abs(beta.mean(axis=0) @ report.T - item_mean) < 5 * error + 1e-12).all()
    sd = np.sqrt(np.diagonal(cov))
    np.testing.assert_allclose(np.cov(beta.T) / np.outer(sd, sd), cov / np.outer(sd, sd), atol=0.05)


def test_a_frequency_weight_is_that_many_people() -> None:
    from cvmstats.utilities._pymc_model import to_pymc

    choices, upper = pairs(6), UpperLevel(covariates=("size",), accounts=True)
    rows = np.array([0, 1, 1, 1, 2, 3, 3, 4, 5])
    table = choices.respondents.to_frame()
    weighted = choices.with_respondents(Respondents(table=table.assign(weight=np.bincount(rows)), weight_kind="frequency"))
    again = table.iloc[rows].assign(id=[str(i) for i in range(len(rows))])
    repeated = Choices(design=choices.design, respondents=Respondents(table=again), version=np.zeros(len(rows)),
                       place=choices.place[rows])  # fmt: skip
    # covariates are centred over the respondents who were asked: the column in the units of the weighted fit
    x = prepare(weighted, upper).model.covariates
    assert x is not None
    models = [to_pymc(c, prior=TIGHT, upper=upper, **TIES) for c in (weighted, repeated)]
    assert list(models[0].coords["respondent"])[:4] == ["0 #1", "1 #1", "1 #2", "1 #3"]
    one, other = (m.compile_fn(m.logp(), mode="FAST_COMPILE", point_fn=True) for m in models)
    for p in points(models[0], 3):
        q = dict(p)
        y = prepare(repeated, upper).model.covariates
        assert y is not None
        slope = np.polyfit(y[:, 0], x[rows][:, 0], 1)
        q["effects"] = p["effects"] * slope[0]
        q["mean"] = p["mean"] + slope[1] * p["effects"][0]
        prior = [stats.norm.logpdf(z["effects"]).sum() + stats.norm.logpdf(z["mean"]).sum() for z in (p, q)]
        assert float(one(p)) - prior[0] == pytest.approx(float(other(q)) - prior[1], abs=1e-9)


def test_a_prior_of_the_mean_may_have_correlations() -> None:
    import pymc as pm

    from cvmstats.utilities._pymc_population import mean_of

    precision, middle = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, -1.0])
    given: Any = SimpleNamespace(mean_precision=precision, mean=middle, block=np.zeros(2, int))
    with pm.Model(coords={"parameter": [0, 1]}) as model:
        mean_of(given)
    x = np.array([0.3, 0.7])
    expected = stats.multivariate_normal(middle, np.linalg.inv(precision)).logpdf(x)
    assert float(model.compile_logp(mode="FAST_COMPILE")({"mean": x})) == pytest.approx(expected, rel=1e-10)


def test_sampling_weights_are_refused_with_the_reason() -> None:
    from cvmstats.utilities._pymc_model import to_pymc

    choices = pairs(4)
    table = choices.respondents.to_frame().assign(weight=[1, 2, 1, 1])
    weighted = choices.with_respondents(Respondents(table=table, weight_kind="sampling"))
    with pytest.raises(ChoicesError, match="sampling weights, for which there is no joint density.*\n.*\n  fit with the Gibbs"):
        to_pymc(weighted, form={"pair": "davidson"})
