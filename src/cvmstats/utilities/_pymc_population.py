"""The population in PyTensor: from draws of standard normal numbers to people's parameters.

Covariances are drawn by Bartlett's decomposition of a Wishart matrix (Bartlett 1933; Smith & Hocking 1972, AS 53):
Sigma^-1 = P P' with P = D B, D D' = S^-1, B lower triangular, B_ii^2 ~ chi2(df - i + 1), N(0, 1) below the diagonal.
For the prior of Huang & Wand (2013, doi 10.1214/13-BA815) df = nu + K - 1 and D = diag sqrt(a / (2 nu)).
P^-T is called ``root``, and a person of account a and component c has

    g_i = m_c + Theta'x_i + alpha_a + root_c z_i,   z_i ~ N(0, I),   alpha_a = root_Psi z_a.

A mixture is written with z_i in place of a component's own utilities: given c, g_i has the density of that component, so that

    p(z, population, answers) = p(population) product over i of N(z_i; 0, I) sum over c of pi_c p(answers_i | g_i of c)

is the joint density with c summed out. NUTS then sees no funnel however few the answers are; each evaluation takes the
likelihood of everybody's answers once per component.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pymc as pm
import pytensor.tensor as pt

from cvmstats._numerics.model import DIRICHLET, FACTOR_SPREAD
from cvmstats.utilities.options import ResolvedPrior
from cvmstats.utilities.upper_level import Prepared

Floats = npt.NDArray[np.float64]


class People(NamedTuple):
    """Everybody in PyTensor.

    Attributes
    ----------
    mean, root : vector (K) and matrix (K, K), or of each component (C, K) and (C, K, K)
    beta : matrix (C * R, K)
        Parameters that people read, of everybody in the first component, then of everybody in the second.
    sizes : vector (C), or None for one component
    account_root : matrix (K, K), or None
    log_factor : vector (R), or None
    """

    mean: Any
    root: Any
    beta: Any
    sizes: Any = None
    account_root: Any = None
    log_factor: Any = None


def population_of(prior: ResolvedPrior, ready: Prepared) -> People:
    """The population and its people, as variables of the model on the stack."""
    model, several = ready.model, ready.model.n_components > 1
    lead = ("component",) if several else ()
    sizes = pm.Dirichlet("sizes", np.full(model.n_components, DIRICHLET), dims="component") if several else None
    mean = mean_of(prior, lead)
    root = pm.Deterministic("root", covariance_root(prior, "", lead))
    shift = 0.0
    if model.covariates is not None:
        shift = shift + pt.constant(model.covariates) @ pm.Normal("effects", dims=("covariate", "parameter"))
    between = None
    if model.account is not None:
        between = pm.Deterministic("account_root", covariance_root(prior, "account_", ()))
        shift = shift + (pm.Normal("account_z", dims=("account", "parameter")) @ between.T)[model.account]
    z = pm.Normal("z", dims=("respondent", "parameter"))
    each = [(mean[c], root[c]) for c in range(model.n_components)] if several else [(mean, root)]
    g = pm.math.concatenate([m + shift + z @ r.T for m, r in each])
    log_factor = None
    if model.factor:
        tau = pm.HalfStudentT("factor_sd", nu=2, sigma=FACTOR_SPREAD)
        log_factor = tau * pm.Normal("factor_z", dims="respondent")
    return People(mean, root, natural(g, ready.transform, ready.sign), sizes, between, log_factor)


def mean_of(prior: ResolvedPrior, lead: tuple[str, ...] = ()) -> Any:
    """The variable ``mean`` (K) or (C, K)."""
    precision, dims = np.asarray(prior.mean_precision, float), (*lead, "parameter")
    middle = np.broadcast_to(getattr(prior, "mean", 0.0), len(prior.block))
    if precision.ndim == 1 or not np.any(precision - np.diag(np.diagonal(precision))):
        spread = (precision if precision.ndim == 1 else np.diagonal(precision)) ** -0.5
        return pm.Normal("mean", middle, spread, dims=dims)
    return pm.MvNormal("mean", middle, tau=precision, dims=dims)


def covariance_root(prior: ResolvedPrior, prefix: str, lead: tuple[str, ...]) -> Any:
    """P^-T (K, K), or one per component (C, K, K), with its variables."""
    k = len(prior.block)
    n = len(pm.modelcontext(None).coords[lead[0]]) if lead else 1
    squares = pm.ChiSquared(f"{prefix}bartlett_diag", prior.iw_df - np.arange(k), dims=(*lead, "parameter"))
    below, shape = k * (k - 1) // 2, (n,) if lead else ()
    lower = pm.Normal(f"{prefix}bartlett_lower", shape=(*shape, below)) if k > 1 else None
    a = None
    if prior.kind == "huang-wand":
        a = pm.InverseGamma(f"{prefix}a", 0.5, prior.A**-2.0, dims=(*lead, "prior_block"))
    if not lead:
        return _root(prior, squares, lower, a)
    return pt.stack([_root(prior, *(None if x is None else x[c] for x in (squares, lower, a))) for c in range(n)])


def _root(prior: ResolvedPrior, squares: Any, lower: Any, a: Any) -> Any:
    k = len(prior.block)
    factor = pt.sqrt(squares) * np.eye(k)
    if lower is not None:
        factor = factor[np.tril_indices(k, -1)].set(lower)
    if a is not None:
        factor = pt.sqrt(a[prior.block] / (2 * prior.nu))[:, None] * factor
    else:
        factor = pt.constant(np.linalg.cholesky(np.linalg.inv(prior.iw_scale))) @ factor
    return pt.linalg.solve_triangular(factor.T, pt.constant(np.eye(k)), lower=False)


def natural(g: Any, transform: Floats, sign: Floats) -> Any:
    """Parameters that people read (n, K) from g (n, K): ``transform`` times g, or times ``sign`` e^g where a sign is held."""
    held = sign != 0
    if held.any():
        g = pt.switch(held, sign * pt.exp(pt.switch(held, g, 0.0)), g)
    return g if np.array_equal(transform, np.eye(len(sign))) else g @ pt.constant(transform.T)


def moments_of(population: People, ready: Prepared) -> tuple[Any, Any]:
    """Mean (K) and covariance (K, K) of what people read, at average covariates, accounts included (``Latent.moments``)."""
    mean, root, sizes = population.mean, population.root, population.sizes
    bare = sizes is None and population.account_root is None and not ready.sign.any()
    if bare and np.array_equal(ready.transform, np.eye(len(ready.sign))):
        return mean, root @ root.T
    if sizes is None:
        mean, root, sizes = mean[None], root[None], np.ones(1)
    cov = root @ root.swapaxes(-1, -2)
    if population.account_root is not None:
        cov = cov + population.account_root @ population.account_root.T
    held = ready.sign != 0
    if held.any():  # of log-normal parameters: E e^g = e^(m + v / 2), cov(e^g, e^h) = E E (e^c - 1), cov(e^g, h) = E c
        variance, both = cov.diagonal(axis1=1, axis2=2), held[:, None] & held
        mean = pt.switch(held, ready.sign * pt.exp(pt.switch(held, mean + variance / 2, 0.0)), mean)
        factor = pt.switch(held, mean, 1.0)
        cov = factor[:, :, None] * factor[:, None, :] * pt.switch(both, pt.expm1(pt.switch(both, cov, 0.0)), cov)
    total = sizes @ mean
    left = mean - total
    spread = (sizes[:, None, None] * (cov + left[:, :, None] * left[:, None, :])).sum(axis=0)
    t = pt.constant(ready.transform)
    return t @ total, t @ spread @ t.T
