"""The sampler of populations that are more than one normal distribution, one chain.

A person i of account a and component c(i) has, in coordinates (``link.py``),

    beta_i ~ N(m_c + Theta'x_i + alpha_a, Sigma_c),   alpha_a ~ N(0, Psi),   c(i) ~ pi,

and utilities that are lambda_i times as large, log lambda_i ~ N(0, tau^2) (a response-error factor: the larger, the fewer
errors). Parameters of the answer, rho and the error scales kappa, are common to all (``coded.py``). Given its people, each
component is the population of ``gibbs.py``, and moves as it does (jointly with its people where they are more than K);
everything else is conjugate, or a random walk whose steps adapt in warm-up:

- Theta: normal, one entry per covariate and parameter; x is centred and scaled, Theta ~ N(0, 1) in these units.
- alpha: normal; Psi as Sigma; then (m_c + d, alpha - d) for everybody at once, since only their sum is seen; then (c alpha,
  c^2 Psi), with which people move.
- c(i) given beta_i; pi ~ Dirichlet(5) (bayesm's default).
- lambda_i: a random walk in its logarithm, and one in which lambda_i beta_i stays what it is; tau is half-t(2, 1), drawn given
  log lambda_i and then given log lambda_i / tau (interweaving, Yu & Meng 2011, doi 10.1198/jcgs.2011.203main).
- (rho, kappa): a random walk, rho ~ N(0, 3^2), kappa ~ N(0, 1).

Sampling weights enter the sums over people on which m, Sigma, Theta, alpha and pi depend, and nothing else (pseudo-posterior);
moves of people and population together are left out then, because there is no joint density.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from cvmstats._numerics import gibbs
from cvmstats._numerics.blocks import Blocks
from cvmstats._numerics.draws import Covariance, Walk, draw_vector, draw_vectors, take
from cvmstats._numerics.lanes import REAL, WIDTH
from cvmstats._numerics.link import Link
from cvmstats._numerics.model import Model
from cvmstats._numerics.own import place_factors
from cvmstats._numerics.people import all_values, draw_people, guide, log_likelihood, moments, remember
from cvmstats._numerics.population import Population, Upper, draw_population
from cvmstats._numerics.rescale import rescale
from cvmstats._numerics.together import Frame, move_together

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_EVERY = 3  # sweeps of warm-up from one look at curvatures to the next
_TRIES = 2  # steps of (rho, kappa) per sweep


class Hierarchy:
    """A chain: ``advance`` makes sweeps, ``learn`` takes stock at the end of a window of warm-up, ``read`` gives the state.

    Parameters
    ----------
    blocks, link, prior
        As for ``gibbs.start``.
    phi : array (K + E + S)
        Where to start: a pooled estimate of parameters, response parameters and logarithms of error scales.
    n_response : int
        E.
    """

    def __init__(self, blocks: Blocks, link: Link, prior: Upper, phi: Floats, n_response: int, n_people: int, model: Model,
                 stream: np.random.SeedSequence) -> None:  # fmt: skip
        n_par = link.coding.shape[1]
        own, more = stream.spawn(2)
        self.rng = np.random.Generator(np.random.Philox(more))
        self.model, self.n_par, self.n_response = model, n_par, n_response
        blocks, self.spare = blocks.copy_placed(), blocks.copy_placed()
        common = np.array(phi[n_par:], float)
        common = common + 0.1 * self.rng.standard_normal(len(common))
        self.common, self.walk = common, Walk(len(common))
        self.log_factor, self.tau = np.zeros(n_people), 0.3 if model.factor else 0.0
        self.steps, self.stretch = np.full(n_people, 0.3), 0.5
        place_factors(blocks, common[:n_response], common[n_response:])
        chain = gibbs.start(blocks, link, prior, np.asarray(phi[:n_par], float), n_people, own)
        self.at = tuple(np.nonzero(blocks.row >= 0))
        order = np.argsort(blocks.row[self.at])
        self.at = (self.at[0][order], self.at[1][order])  # block and lane of each person
        people = chain.people
        if model.covariates is not None or model.account is not None:
            people = people._replace(offset=np.zeros(people.gamma.shape, REAL))
        first = chain._replace(people=people)
        self.chains = [first]
        for _ in range(1, model.n_components):
            key = np.array([more.spawn(1)[0].generate_state(1, np.uint64)[0], 0], np.uint64)
            start = first.population
            population = Population(start.mean + 0.7 * self.rng.standard_normal(n_par), start.cov.copy(),
                                    start.precision.copy(), start.scales.copy(), key)  # fmt: skip
            self.chains.append(first._replace(population=population, mean_sum=np.zeros(n_par),
                                              cov_sum=np.zeros((n_par, n_par)), scale_step=np.full(1, 0.1),
                                              frame=first.frame._replace(step=first.frame.step.copy())))  # fmt: skip
        self.sizes = np.full(model.n_components, 1 / model.n_components)
        self.component = self.rng.integers(model.n_components, size=n_people)
        n_covariates = 0 if model.covariates is None else model.covariates.shape[1]
        self.effects = np.zeros((n_covariates, n_par))
        n_accounts = 0 if model.account is None else int(model.account.max()) + 1
        self.alpha = np.zeros((n_accounts, n_par))
        self.between, self.widening = Covariance(prior, n_par), 0.3
        self.looks = 0

    @property
    def blocks(self) -> Blocks:
        return self.chains[0].blocks

    def beta(self) -> Floats:
        """Everybody's parameters (R, K)."""
        chain = self.chains[0]
        return np.asarray(chain.people.gamma[self.at[0], :, self.at[1]] @ chain.link.basis.T)

    def offset(self) -> Floats:
        """What covariates and accounts add (R, K)."""
        model = self.model
        out = np.zeros((len(self.at[0]), self.n_par))
        if model.covariates is not None:
            out += model.covariates @ self.effects
        if model.account is not None:
            out += self.alpha[model.account]
        return out

    def _place_offset(self) -> None:
        chain = self.chains[0]
        if len(chain.people.offset):
            chain.people.offset[self.at[0], :, self.at[1]] = self.offset() @ chain.link.inverse.T

    def _members(self, c: int) -> Blocks:
        """Blocks in which the people of one component are live."""
        if len(self.chains) == 1:
            return self.blocks
        live = np.zeros(self.blocks.row.shape, np.int64)
        live[self.at] = self.component == c
        masks = (live << np.arange(WIDTH)).sum(axis=1).astype(self.blocks.live.dtype)
        return self.blocks._replace(live=masks)

    def advance(self, begin: int, end: int, *, learning: bool = False, adapt: float = 0.0, metropolis: bool = True) -> None:
        """Sweeps ``begin`` to ``end``."""
        for sweep in range(begin, end):
            for c in range(len(self.chains)):
                self._move_component(c, sweep, adapt, metropolis)
            self._draw_rest()
            if self.model.account is not None and self.model.weight is None:
                self._stretch_accounts(adapt)
            if self.model.factor:
                self._draw_factors(adapt)
            if len(self.common):
                self._draw_common(adapt)
            if learning:
                if sweep % _EVERY == 0:
                    remember(self.blocks, self.chains[0].link, self.chains[0].people, self.chains[0].memory)
                    self.looks += 1
                for chain in self.chains:
                    chain.mean_sum[:] += chain.population.mean
                    chain.cov_sum[:] += chain.population.cov

    def _move_component(self, c: int, sweep: int, adapt: float, metropolis: bool) -> None:
        chain, blocks = self.chains[c], self._members(c)
        link, people, population, prior = chain.link, chain.people, chain.population, chain.prior
        n_people = int((self.component == c).sum()) if len(self.chains) > 1 else len(self.at[0])
        precision = np.ascontiguousarray(link.basis.T @ population.precision @ link.basis)
        draw_people(blocks, link, people, precision, precision @ (link.inverse @ population.mean), sweep, adapt, metropolis)
        weighted = self.model.weight is not None
        if n_people and not weighted and sweep % chain.pace.rescale == chain.pace.rescale - 1:
            rescale(blocks, link, people, population, prior, n_people, chain.scale_step, adapt)
        first, second = np.empty(self.n_par), np.empty((self.n_par, self.n_par))
        if self.model.weight is not None:
            here = self.component == c
            left, w = (self.beta() - self.offset())[here], self.model.weight[here]
            draw_population(population, prior, float(w.sum()), w @ left, np.ascontiguousarray(left.T @ (w[:, None] * left)))
            return
        moments(blocks, people, first, second)
        draw_population(population, prior, n_people, link.basis @ first,
                        np.ascontiguousarray(link.basis @ second @ link.basis.T))  # fmt: skip
        if chain.framed and n_people > self.n_par and sweep % chain.pace.joint == 0:
            frame = self._frame_of(chain.frame, blocks)
            move_together(blocks, link, people, population, prior, frame, n_people, chain.pace.steps, adapt, metropolis)

    def _frame_of(self, frame: Frame, blocks: Blocks) -> Frame:
        """The frame for the people who are live, with what is their own taken into their references h."""
        offset = self.chains[0].people.offset
        if len(self.chains) == 1 and not len(offset):
            return frame
        anchor = frame.anchor
        if len(offset):
            anchor = anchor - frame.stiff[:, None] * np.einsum("kj,bjw->bkw", frame.encode, offset)
        live = ((blocks.live[:, None] >> np.arange(WIDTH, dtype=blocks.live.dtype)) & 1).astype(bool)
        anchor = np.ascontiguousarray(np.where(live[:, None, :], anchor, 0.0))
        flat = anchor.transpose(0, 2, 1).reshape(-1, self.n_par)
        return frame._replace(anchor=anchor, sum_h=flat.sum(axis=0), hh=flat.T @ flat)

    def learn(self, n: int) -> None:
        """Take stock of ``n`` sweeps of warm-up."""
        first = self.chains[0]
        if self.looks:
            guide(first.people, first.memory, first.blocks, first.link, self.looks)
        self.looks = 0
        for c, chain in enumerate(self.chains):
            n_people = len(self.at[0]) if len(self.chains) == 1 else int((self.component == c).sum())
            self.chains[c] = gibbs.frame_from(chain._replace(n_people=max(2, n_people)), n)._replace(n_people=chain.n_people)
        self.walk.learn()

    def _draw_rest(self) -> None:
        """Theta, alpha, Psi, components and their sizes, given everybody's parameters."""
        model = self.model
        if model.covariates is None and model.account is None and len(self.chains) == 1:
            return
        beta = self.beta()
        weight = np.ones(len(beta)) if model.weight is None else model.weight
        if len(self.chains) > 1:
            self._draw_components(beta - self.offset(), weight)
        mean = np.stack([c.population.mean for c in self.chains])[self.component]
        precision = np.stack([c.population.precision for c in self.chains])
        if model.covariates is not None:
            x = model.covariates
            left = beta - mean - (self.alpha[model.account] if model.account is not None else 0.0)
            self.effects = self._draw_effects(x, left, weight, precision)
        if model.account is not None:
            left = beta - mean - (model.covariates @ self.effects if model.covariates is not None else 0.0)
            self._draw_accounts(left, weight, precision)
        self._place_offset()

    def _draw_effects(self, x: Floats, left: Floats, weight: Floats, precision: Floats) -> Floats:
        n_cov, n_par = x.shape[1], self.n_par
        inverse, pull = np.eye(n_cov * n_par), np.zeros((n_cov, n_par))
        for c, p in enumerate(precision):
            here = self.component == c if len(precision) > 1 else slice(None)
            wx = weight[here, None] * x[here]
            inverse += np.kron(x[here].T @ wx, p)
            pull += wx.T @ left[here] @ p
        drawn = draw_vector(inverse, pull.ravel(), self.rng.standard_normal(n_cov * n_par))
        return np.asarray(drawn.reshape(n_cov, n_par))

    def _draw_accounts(self, left: Floats, weight: Floats, precision: Floats) -> None:
        account = np.asarray(self.model.account)
        n_accounts, n_par = self.alpha.shape
        counts, sums = np.zeros((n_accounts, len(precision))), np.zeros((n_accounts, len(precision), n_par))
        component = self.component if len(precision) > 1 else np.zeros_like(account)
        np.add.at(counts, (account, component), weight)
        np.add.at(sums, (account, component), weight[:, None] * left)
        z = self.rng.standard_normal((n_accounts, n_par))
        draw_vectors(self.between.precision, precision, counts, sums, z, self.alpha)
        # only m + alpha is seen by people: move what they share
        held = self.chains[0].prior.mean_precision
        joint = n_accounts * self.between.precision + len(self.chains) * held
        by = self.between.precision @ self.alpha.sum(axis=0)
        for chain in self.chains:
            by -= held @ (chain.population.mean - chain.prior.mean)
        shift = draw_vector(joint, by, self.rng.standard_normal(n_par))
        self.alpha -= shift
        for chain in self.chains:
            chain.population.mean[:] += shift
        self.between.draw(self.alpha.T @ self.alpha, n_accounts, self.rng)

    def _stretch_accounts(self, adapt: float) -> None:
        """alpha by c and Psi by c^2, people with their accounts: one given the other, they walk in small steps."""
        people, link, (b, lane) = self.chains[0].people, self.chains[0].link, self.at
        c = float(np.exp(self.widening * self.rng.standard_normal()))
        gamma, value = people.gamma.copy(), np.zeros(people.value.shape)
        gamma[b, :, lane] += (c - 1) * self.alpha[self.model.account] @ link.inverse.T
        all_values(self.blocks, link, gamma, value)
        gain = log_likelihood(self.blocks, value) - log_likelihood(self.blocks, people.value) + self.between.gain(c)
        ratio = float(np.exp(min(0.0, gain))) if gain > -np.inf else 0.0
        if self.rng.random() < ratio:
            self.alpha *= c
            self.between.stretch(c, self.rng)
            people.gamma[...], people.value[...] = gamma, value
            self._place_offset()
        if adapt > 0:
            self.widening = float(np.clip(self.widening * np.exp(adapt * (ratio - 0.44)), 0.01, 3.0))

    def _draw_components(self, left: Floats, weight: Floats) -> None:
        logs = np.empty((len(left), len(self.chains)))
        for c, chain in enumerate(self.chains):
            root = np.linalg.cholesky(chain.population.precision)
            z = (left - chain.population.mean) @ root
            logs[:, c] = np.log(self.sizes[c]) + np.log(np.diagonal(root)).sum() - 0.5 * (z**2).sum(axis=1)
        logs -= logsumexp(logs, axis=1, keepdims=True)
        u = self.rng.random(len(left))
        self.component = np.minimum((np.cumsum(np.exp(logs), axis=1) < u[:, None]).sum(axis=1), len(self.chains) - 1)
        counts = np.bincount(self.component, weight, len(self.chains))
        self.sizes = np.maximum(self.rng.dirichlet(self.model.dirichlet + counts), 1e-12)

    def _values(self, blocks: Blocks) -> Floats:
        """Log-likelihood (B, WIDTH) where people stand."""
        people = self.chains[0].people
        out = np.zeros(people.value.shape)
        all_values(blocks, self.chains[0].link, people.gamma, out)
        return out

    def _proposal(self, common: Floats, log_factor: Floats) -> Blocks:
        place_factors(self.spare, common[: self.n_response], common[self.n_response :],
                      log_factor if self.model.factor else None, self.at)  # fmt: skip
        return self.spare

    def _draw_common(self, adapt: float) -> None:
        """Steps of (rho, kappa)."""
        people, spread = self.chains[0].people, np.repeat([self.model.response_sd, self.model.scale_sd],
                                                          [self.n_response, len(self.common) - self.n_response])  # fmt: skip

        def log_density(common: Floats, value: Floats) -> float:
            return float(log_likelihood(self.blocks, value) - 0.5 * ((common / spread) ** 2).sum())

        now = log_density(self.common, people.value)
        for _ in range(_TRIES):
            trial = self.walk.propose(self.common, self.rng)
            blocks = self._proposal(trial, self.log_factor)
            value = self._values(blocks)
            then = log_density(trial, value)
            ratio = float(np.exp(min(0.0, then - now))) if then > -np.inf else 0.0
            if self.rng.random() < ratio:
                self.common, now = trial, then
                self.blocks.take_placed(blocks)
                people.value[...] = value
            self.walk.adapt(self.common, ratio, adapt)

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite is not taken
    def _draw_factors(self, adapt: float) -> None:
        """lambda_i, then tau."""
        people, at = self.chains[0].people, self.at
        trial = self.log_factor + self.steps * self.rng.standard_normal(len(self.log_factor))
        blocks = self._proposal(self.common, trial)
        value = self._values(blocks)
        gain = value[at] - people.value[at] + 0.5 * (self.log_factor**2 - trial**2) / self.tau**2
        taken, self.steps = take(gain, self.steps, adapt, self.rng)
        self.log_factor = np.where(taken, trial, self.log_factor)
        people.value[at] = np.where(taken, value[at], people.value[at])
        if not self.chains[0].link.sign.any():
            self._exchange_factors()
        place_factors(self.blocks, self.common[: self.n_response], self.common[self.n_response :], self.log_factor, at)
        # tau^2 | a ~ IG((nu + R) / 2, nu / a + sum / 2), a ~ IG(1/2, 1/A^2): half-t(2, A) (Huang & Wand 2013)
        a = 1 / self.rng.gamma(1.5, 1 / (self.model.factor_spread**-2.0 + 2 / self.tau**2))
        rate = 2 / a + 0.5 * float(self.log_factor @ self.log_factor)
        self.tau = float(np.sqrt(rate / self.rng.gamma(1 + 0.5 * len(self.log_factor))))
        self._stretch_factors(adapt)

    def _stretch_factors(self, adapt: float) -> None:
        """tau and all log lambda_i by one factor."""
        people, widest = self.chains[0].people, self.model.factor_spread
        move = self.stretch * self.rng.standard_normal()
        trial = self.tau * np.exp(move)
        blocks = self._proposal(self.common, self.log_factor * np.exp(move))
        value = self._values(blocks)
        gain = log_likelihood(self.blocks, value) - log_likelihood(self.blocks, people.value) + move
        gain -= 1.5 * (np.log1p(0.5 * (trial / widest) ** 2) - np.log1p(0.5 * (self.tau / widest) ** 2))
        ratio = float(np.exp(min(0.0, gain))) if gain > -np.inf else 0.0
        if self.rng.random() < ratio:
            self.tau, self.log_factor = trial, self.log_factor * np.exp(move)
            self.blocks.take_placed(blocks)
            people.value[...] = value
        if adapt > 0:
            self.stretch = float(np.clip(self.stretch * np.exp(adapt * (ratio - 0.44)), 0.02, 5.0))

    def _exchange_factors(self) -> None:
        """lambda_i and beta_i together, so that utilities stay what they are: only the population judges."""
        people, at, link = self.chains[0].people, self.at, self.chains[0].link
        move = 0.7 * self.tau * self.rng.standard_normal(len(self.log_factor))
        gamma = people.gamma[at[0], :, at[1]]
        beta, offset = gamma @ link.basis.T, self.offset()
        trial = beta * np.exp(-move)[:, None]
        gain = 0.5 * (self.log_factor**2 - (self.log_factor + move) ** 2) / self.tau**2 - self.n_par * move
        for c, chain in enumerate(self.chains):
            here = self.component == c
            for sign, where in ((1, beta), (-1, trial)):
                left = (where - offset)[here] - chain.population.mean
                gain[here] += sign * 0.5 * np.einsum("rk,kj,rj->r", left, chain.population.precision, left)
        taken = np.log(self.rng.random(len(gain))) < gain
        self.log_factor = self.log_factor + np.where(taken, move, 0.0)
        people.gamma[at[0], :, at[1]] = np.where(taken[:, None], gamma * np.exp(-move)[:, None], gamma)

    def read(self) -> dict[str, Any]:
        """The state: arrays by name, without draws and chains."""
        return {
            "mean": np.stack([c.population.mean for c in self.chains]),
            "cov": np.stack([c.population.cov for c in self.chains]),
            "size": self.sizes.copy(), "component": self.component.astype(np.int8), "effects": self.effects.copy(),
            "account": self.alpha.copy(), "account_cov": self.between.cov.copy(), "common": self.common.copy(),
            "factor": self.log_factor.astype(np.float32), "tau": self.tau, "people": self.beta(),
            "log_likelihood": log_likelihood(self.blocks, self.chains[0].people.value),
        }  # fmt: skip
