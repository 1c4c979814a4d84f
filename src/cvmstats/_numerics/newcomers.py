"""People who were not in the fit, given draws of its population, one chain.

For each draw d of the population and of the answer's parameters, a newcomer's parameters come from

    p(beta | y, d),   beta ~ N(m_c + Theta'x + alpha_a, Sigma_c),   c ~ pi,

with utilities lambda beta, log lambda ~ N(0, tau^2),

and nothing flows back: d keeps the weight that it has from the people who were fitted. Of these, whose answers are in d
already, the same gives the posterior that the fit gave.

A chain walks through the draws in their order, a few sweeps at each. People move as in the fit (``people.py``), with h and H
learnt in a short warm-up. What would be slow beside them:

- alpha of an account that was not in the fit. Of one person it is integrated out, beta ~ N(m_c, Sigma_c + Psi), and drawn
  when asked for. Several people share it: given their beta it is normal; and it moves together with them, beta - alpha held,
  from the normal distribution that h and H make of their answers (Metropolis). Where answers say little the one is slow,
  where they say much the other (interweaving, Yu & Meng 2011, doi 10.1198/jcgs.2011.203main).
- c, where components lie apart: with beta, both anew from the mixture that h and H make of the person's answers (Metropolis;
  what remains of the ratio is the likelihood over exp(h'b - b'H b / 2)).

Shapes: R people, K parameters, S components, G accounts, B blocks of WIDTH people.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cvmstats._numerics import gibbs
from cvmstats._numerics.blocks import Blocks
from cvmstats._numerics.draws import take
from cvmstats._numerics.lanes import REAL, WIDTH
from cvmstats._numerics.link import Link
from cvmstats._numerics.own import place_factors
from cvmstats._numerics.people import all_values, draw_people, guide, remember

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Known(NamedTuple):
    """One draw of the population; arrays of what it does not have are empty.

    Attributes
    ----------
    mean, cov, size : arrays (S, K), (S, K, K), (S)
    effects : array (P, K)
    accounts : array (G, K)
        alpha of the accounts that were in the fit.
    account_cov : array (K, K)
        Psi.
    common : array (E + number of error scales)
        Parameters of the answer.
    tau : float
        0 where people do not differ in their errors.
    """

    mean: Floats
    cov: Floats
    size: Floats
    effects: Floats
    accounts: Floats
    account_cov: Floats
    common: Floats
    tau: float


class Company(NamedTuple):
    """Who comes.

    Attributes
    ----------
    n_people, n_response : int
        R and E.
    covariates : array (R, P), or None
    account : array (R), int, or None
        Index of each person's account: those of the fit first, then the new ones.
    n_new : int
        How many of these are new.
    """

    n_people: int
    n_response: int
    covariates: Floats | None = None
    account: Ints | None = None
    n_new: int = 0


class Newcomers:
    """A chain: ``advance`` makes sweeps at one draw of the population, ``learn`` ends a window of warm-up, ``read`` tells.

    Parameters
    ----------
    blocks, link
        As for ``gibbs.start``.
    known : Known
        The draw to start from.
    company : Company
    """

    def __init__(self, blocks: Blocks, link: Link, known: Known, company: Company, stream: np.random.SeedSequence) -> None:
        own, more = stream.spawn(2)
        self.rng = np.random.Generator(np.random.Philox(more))
        self.company, self.n_par, self.link = company, known.mean.shape[1], link
        self.blocks = blocks.copy_placed()
        self.log_factor, self.steps = np.zeros(company.n_people), np.full(company.n_people, 0.3)
        place_factors(self.blocks, *self._common(known))
        middle = known.size @ known.mean
        chain = gibbs.start(self.blocks, link, None, middle, company.n_people, own)  # type: ignore[arg-type]
        at = np.nonzero(blocks.row >= 0)
        order = np.argsort(blocks.row[at])
        self.at = (at[0][order], at[1][order])  # block and lane of each person
        self.people, self.memory = chain.people, chain.memory
        self.component = self.rng.choice(len(known.size), p=known.size / known.size.sum(), size=company.n_people)
        self.alpha = np.zeros((company.n_new, self.n_par))
        self.alone = np.zeros(company.n_people, bool)
        self.shared, self.seat = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self.who = np.zeros(0, np.int64)
        if company.account is not None:
            self.n_known = len(known.accounts)
            new = company.account - self.n_known
            many = np.bincount(new[new >= 0], minlength=company.n_new + 1)
            self.alone = (new >= 0) & (many[np.maximum(new, 0)] == 1)
            self.shared = np.flatnonzero(many > 1)
            self.who = np.flatnonzero((new >= 0) & ~self.alone)
            self.seat = np.searchsorted(self.shared, new[self.who])
        if company.covariates is not None or company.account is not None:
            self.people = self.people._replace(offset=np.zeros(self.people.gamma.shape, REAL))
        self.known, self.sweep, self.looks = known, 0, 0
        self._meet(known)
        self._grasp()

    def _common(self, known: Known) -> tuple[Floats, Floats]:
        return known.common[: self.company.n_response], known.common[self.company.n_response :]

    def advance(self, known: Known, n_sweeps: int, *, learning: bool = False, adapt: float = 0.0) -> None:
        """Sweeps at one draw of the population."""
        self._meet(known)
        if len(known.size) > 1:
            self._leap()
        for _ in range(n_sweeps):
            self._draw_people(adapt)
            if len(known.size) > 1:
                self._draw_components()
            if len(self.who):
                self._draw_shared()
            if known.tau > 0:
                self._draw_factors(adapt)
            if learning:
                remember(self.blocks, self.link, self.people, self.memory)
                self.looks += 1

    def learn(self) -> None:
        """Take stock at the end of a window of warm-up."""
        guide(self.people, self.memory, self.blocks, self.link, max(1, self.looks))
        self.looks = 0
        self._grasp()

    def _grasp(self) -> None:
        """h (R, K) and H (R, K, K) in parameters beta, where moves need them."""
        if not len(self.who) and len(self.known.size) == 1:
            return
        rows = np.tril_indices(self.n_par)
        flat = self.people.stiffness[self.at[0], :, self.at[1]]
        own = np.zeros((len(flat), self.n_par, self.n_par))
        own[:, rows[0], rows[1]] = own[:, rows[1], rows[0]] = flat
        back = self.link.inverse
        self.stiff = back.T @ own @ back
        self.pull = self.people.pull[self.at[0], :, self.at[1]] @ back

    def _meet(self, known: Known) -> None:
        """Turn to another draw of the population."""
        self.known = known
        covs = [known.cov, known.cov + known.account_cov] if self.alone.any() else [known.cov]
        self.precision = np.stack([np.linalg.inv(c) for c in covs])  # (1 or 2, S, K, K): of most people, of those alone
        self.root = np.linalg.cholesky(self.precision)
        if self.blocks.own.rows.shape[1]:
            place_factors(self.blocks, *self._common(known), self.log_factor, self.at)
            if np.isfinite(self.people.value[self.at]).all():
                self.people.value[...] = self._values(self.blocks, self.people.gamma)
        self._place_offset()

    def beta(self) -> Floats:
        """Everybody's parameters (R, K)."""
        return np.asarray(self.people.gamma[self.at[0], :, self.at[1]] @ self.link.basis.T)

    def _offset(self) -> Floats:
        """What covariates and accounts add (R, K), without the effect of an account in which somebody is alone."""
        company, known = self.company, self.known
        out = np.zeros((company.n_people, self.n_par))
        if company.covariates is not None:
            out += company.covariates @ known.effects
        if company.account is not None:
            out += np.concatenate([known.accounts, self.alpha])[company.account]
        return out

    def _place_offset(self) -> None:
        if len(self.people.offset):
            self.people.offset[self.at[0], :, self.at[1]] = self._offset() @ self.link.inverse.T

    def _group(self) -> tuple[Ints, Ints]:
        """Which precision is each person's."""
        return self.alone.astype(np.int64), np.asarray(self.component, np.int64)

    def _draw_people(self, adapt: float) -> None:
        lonely, component = self._group()
        for a in range(len(self.precision)):
            for c in range(self.precision.shape[1]):
                here = (lonely == a) & (component == c)
                if not here.any():
                    continue
                precision = np.ascontiguousarray(self.link.basis.T @ self.precision[a, c] @ self.link.basis)
                pull = precision @ (self.link.inverse @ self.known.mean[c])
                draw_people(self._members(here), self.link, self.people, precision, pull, self.sweep, adapt, True)
        self.sweep += 1

    def _members(self, here: npt.NDArray[np.bool_]) -> Blocks:
        """Blocks in which these people are live."""
        if here.all():
            return self.blocks
        live = np.zeros(self.blocks.row.shape, np.uint16)
        live[self.at] = here
        masks = (live << np.arange(WIDTH, dtype=np.uint16)).sum(axis=1).astype(self.blocks.live.dtype)
        return self.blocks._replace(live=masks)

    def _draw_components(self) -> None:
        """c given beta."""
        left, lonely = self.beta() - self._offset(), self.alone.astype(np.int64)
        logs = np.empty((len(left), len(self.known.size)))
        for c in range(logs.shape[1]):
            z = np.empty_like(left)
            for a in range(len(self.root)):
                here = lonely == a
                z[here] = (left[here] - self.known.mean[c]) @ self.root[a, c]
            logs[:, c] = np.log(self.known.size[c]) + _half_log(self.root[:, c])[lonely] - 0.5 * (z**2).sum(axis=1)
        self.component = _pick(logs, self.rng)

    def _leap(self) -> None:
        """(c, beta) anew, from the mixture that h and H make of the answers."""
        known, offset, beta = self.known, self._offset(), self.beta()
        lonely, n = self.alone.astype(np.int64), len(self.alone)
        logs, middle = np.empty((n, len(known.size))), np.empty((len(known.size), n, self.n_par))
        roots = np.empty((len(known.size), n, self.n_par, self.n_par))
        for c in range(len(known.size)):
            prior, at = self.precision[lonely, c], known.mean[c] + offset
            lift = np.einsum("rkj,rj->rk", prior, at)
            roots[c] = np.linalg.cholesky(prior + self.stiff)
            half = np.linalg.solve(roots[c], (lift + self.pull)[..., None])[..., 0]
            middle[c] = half
            logs[:, c] = (np.log(known.size[c]) + _half_log(self.root[:, c])[lonely] - _half_log(roots[c])
                          - 0.5 * (lift * at).sum(axis=1) + 0.5 * (half**2).sum(axis=1))  # fmt: skip
        component = _pick(logs, self.rng)
        which = np.arange(n)
        z = middle[component, which] + self.rng.standard_normal((n, self.n_par))
        trial = np.linalg.solve(roots[component, which].transpose(0, 2, 1), z[..., None])[..., 0]
        value = self._value_at(trial)
        now, at_now = self.people.value[self.at], self._approximately(beta)
        taken = np.log(self.rng.random(n)) < np.nan_to_num(value - self._approximately(trial) - now + at_now, nan=-np.inf)
        self.component = np.where(taken, component, self.component)
        self._settle(np.where(taken[:, None], trial, beta), np.where(taken, value, now))

    def _approximately(self, beta: Floats) -> Floats:
        """h'b - b'H b / 2 (R)."""
        return np.asarray((self.pull * beta).sum(axis=1) - 0.5 * np.einsum("rk,rkj,rj->r", beta, self.stiff, beta))

    def _draw_shared(self) -> None:
        """alpha of new accounts with several people: given their parameters, and together with these."""
        known, who, seat = self.known, self.who, self.seat
        beta, hold = self.beta(), np.linalg.inv(known.account_cov)
        at = known.mean[self.component[who]]
        if self.company.covariates is not None:
            at = at + self.company.covariates[who] @ known.effects
        precision = self.precision[0, self.component[who]]
        held = np.tile(hold, (len(self.shared), 1, 1))
        pull = np.zeros((len(self.shared), self.n_par))
        np.add.at(held, seat, precision)
        np.add.at(pull, seat, np.einsum("rkj,rj->rk", precision, beta[who] - at))
        alpha = _draw_normals(held, pull, self.rng)

        apart = beta[who] - alpha[seat]
        stiff = np.tile(hold, (len(self.shared), 1, 1))
        pull = np.zeros((len(self.shared), self.n_par))
        np.add.at(stiff, seat, self.stiff[who])
        np.add.at(pull, seat, self.pull[who] - np.einsum("rkj,rj->rk", self.stiff[who], apart))
        moved = _draw_normals(stiff, pull, self.rng)
        trial = beta.copy()
        trial[who] = apart + moved[seat]
        value = self._value_at(trial)
        now = self.people.value[self.at]
        gain = np.bincount(seat, (value - self._approximately(trial) - now + self._approximately(beta))[who], len(self.shared))
        taken = np.log(self.rng.random(len(gain))) < np.nan_to_num(gain, nan=-np.inf)
        mine = np.zeros(len(beta), bool)
        mine[who] = taken[seat]
        self.alpha[self.shared] = np.where(taken[:, None], moved, alpha)
        self._settle(np.where(mine[:, None], trial, beta), np.where(mine, value, now))
        self._place_offset()

    @np.errstate(over="ignore", invalid="ignore")  # what is not finite is not taken
    def _draw_factors(self, adapt: float) -> None:
        """lambda_i, and lambda_i with beta_i so that utilities stay what they are, as in the fit; tau is known."""
        people, at, tau = self.people, self.at, self.known.tau
        trial = self.log_factor + self.steps * self.rng.standard_normal(len(self.log_factor))
        blocks = self.blocks.copy_placed()
        place_factors(blocks, *self._common(self.known), trial, at)
        value = self._values(blocks, people.gamma)
        gain = value[at] - people.value[at] + 0.5 * (self.log_factor**2 - trial**2) / tau**2
        taken, self.steps = take(gain, self.steps, adapt, self.rng)
        self.log_factor = np.where(taken, trial, self.log_factor)
        people.value[at] = np.where(taken, value[at], people.value[at])
        if not self.link.sign.any():
            move = 0.7 * tau * self.rng.standard_normal(len(self.log_factor))
            beta, offset, mean = self.beta(), self._offset(), self.known.mean[self.component]
            precision = self.precision[self._group()]
            gain = 0.5 * (self.log_factor**2 - (self.log_factor + move) ** 2) / tau**2 - self.n_par * move
            for sign, where in ((1, beta), (-1, beta * np.exp(-move)[:, None])):
                left = where - offset - mean
                gain += sign * 0.5 * np.einsum("rk,rkj,rj->r", left, precision, left)
            taken = np.log(self.rng.random(len(gain))) < gain
            self.log_factor = self.log_factor + np.where(taken, move, 0.0)
            self._settle(np.where(taken[:, None], beta * np.exp(-move)[:, None], beta), people.value[at])
        place_factors(self.blocks, *self._common(self.known), self.log_factor, at)

    def _settle(self, beta: Floats, value: Floats) -> None:
        self.people.gamma[self.at[0], :, self.at[1]] = beta @ self.link.inverse.T
        self.people.value[self.at] = value

    def _value_at(self, beta: Floats) -> Floats:
        """Log-likelihood (R) at these parameters (R, K)."""
        gamma = np.zeros_like(self.people.gamma)
        gamma[self.at[0], :, self.at[1]] = beta @ self.link.inverse.T
        return np.asarray(self._values(self.blocks, gamma)[self.at])

    def _values(self, blocks: Blocks, gamma: Floats) -> Floats:
        out = np.zeros(self.people.value.shape)
        all_values(blocks, self.link, gamma, out)
        return out

    def _new_accounts(self) -> Floats:
        """alpha of the new accounts (number of them, K)."""
        out = self.alpha.copy()
        who = np.flatnonzero(self.alone)
        if len(who):
            assert self.company.account is not None
            left = (self.beta() - self._offset())[who] - self.known.mean[self.component[who]]
            precision = self.precision[0, self.component[who]]
            held = precision + np.linalg.inv(self.known.account_cov)
            place = self.company.account[who] - self.n_known
            out[place] = _draw_normals(held, np.einsum("rkj,rj->rk", precision, left), self.rng)
        return out

    def read(self, *, accounts: bool = False) -> dict[str, Any]:
        """The state: arrays by name, without draws and chains."""
        return {"people": self.beta(), "component": self.component, "factor": self.log_factor.astype(np.float32),
                "accounts": self._new_accounts() if accounts else None}  # fmt: skip


def _half_log(root: Floats) -> Floats:
    """Half the log determinants (n) of the matrices with these Cholesky factors (n, K, K)."""
    return np.asarray(np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1))


def _pick(logs: Floats, rng: np.random.Generator) -> Ints:
    """One of S for each row, with these log weights (R, S)."""
    p = np.exp(logs - logs.max(axis=1, keepdims=True))
    edges = np.cumsum(p, axis=1)
    picked = (edges < rng.random(len(p))[:, None] * edges[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(picked, logs.shape[1] - 1), np.int64)


def _draw_normals(precision: Floats, pull: Floats, rng: np.random.Generator) -> Floats:
    """From N(P^-1 b, P^-1), for P (n, K, K) and b (n, K)."""
    root = np.linalg.cholesky(precision)
    z = np.linalg.solve(root, pull[..., None])[..., 0] + rng.standard_normal(pull.shape)
    return np.asarray(np.linalg.solve(root.transpose(0, 2, 1), z[..., None])[..., 0])
