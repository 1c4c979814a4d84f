"""What a population has beside a mean and a covariance, and the priors of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DIRICHLET = 5.0
RESPONSE_SD, SCALE_SD, FACTOR_SPREAD = 3.0, 1.0, 1.0


class Model(NamedTuple):
    """What the population has beside a mean and a covariance.

    Attributes
    ----------
    covariates : array (R, P), or None
    account : array (R), int, or None
        Index of each person's account.
    n_components : int
        Normal distributions in the mixture.
    factor : bool
        Whether people differ in their errors.
    weight : array (R), or None
        Sampling weights that sum to Kish's effective number.
    dirichlet : float
        Prior of pi.
    response_sd, scale_sd : float
        Prior sds of rho and kappa.
    factor_spread : float
        A of tau's half-t(2, A).
    """

    covariates: Floats | None = None
    account: Ints | None = None
    n_components: int = 1
    factor: bool = False
    weight: Floats | None = None
    dirichlet: float = DIRICHLET
    response_sd: float = RESPONSE_SD
    scale_sd: float = SCALE_SD
    factor_spread: float = FACTOR_SPREAD
