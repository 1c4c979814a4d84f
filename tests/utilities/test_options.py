"""Prior and Sampler: formulas in numbers, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from cvmstats.errors import InputError
from cvmstats.utilities.options import Prior, Sampler


def test_huang_wand_has_one_scale_per_block() -> None:
    prior = Prior().resolve(4, ("items", "items", "price", "items"))
    assert (prior.kind, prior.n_blocks, prior.nu, prior.A, prior.iw_df) == ("huang-wand", 2, 2.0, 2.0, 5.0)
    assert prior.block.tolist() == [0, 0, 1, 0]
    np.testing.assert_allclose(prior.mean_precision, np.eye(4) / 9)
    assert prior.diagonal
    assert not prior.mean.any()
    np.testing.assert_allclose(prior.iw_scale, 4 * np.eye(4))


@pytest.mark.parametrize("expected", [0.5, np.array([[1.0, 0.2], [0.2, 2.0]])])
def test_inverse_wishart_has_the_expected_covariance(expected: float | np.ndarray) -> None:
    prior = Prior("inverse-wishart", degrees_of_freedom=7, expected_cov=expected).resolve(2)
    wanted = expected if np.ndim(expected) else expected * np.eye(2)
    np.testing.assert_allclose(prior.iw_scale / (7 - 2 - 1), wanted)
    assert Prior("inverse-wishart").resolve(5).iw_df == 8


def test_options_compare_by_value_and_are_frozen() -> None:
    assert Prior(scale=0.5) == Prior(scale=0.5)
    one, other = (Prior("inverse-wishart", expected_cov=np.eye(2)) for _ in range(2))
    assert hash(one) == hash(other)
    with pytest.raises(AttributeError):
        Prior().nu = 3.0  # type: ignore[misc]


@pytest.mark.parametrize(("options", "message"), [
    ({"name": "lkj"}, r"unknown prior 'lkj'\n  expected one of huang-wand, inverse-wishart, sawtooth"),
    ({"nu": 0}, r"nu is 0\n  expected a positive number"),
    ({"scale": float("nan")}, r"scale is nan\n  expected a positive number"),
    ({"mean_sd": "3"}, r"mean_sd is '3'\n  expected a positive number"),
    ({"expected_cov": 1.0}, r"expected_cov belongs to the priors 'inverse-wishart'\n  the prior 'huang-wand' takes nu, scale"),
    ({"name": "inverse-wishart", "nu": 3.0}, r"nu belongs to the priors 'huang-wand'\n  .* takes degrees_of_freedom"),
    ({"name": "bayesm", "mean_sd": 1.0}, r"mean_sd belongs to the priors 'huang-wand' and 'inverse-wishart' and 'sawtooth'"),
    ({"name": "sawtooth", "reference": "a"}, r"reference belongs to the priors 'bayesm'"),
    ({"name": "sawtooth", "additional_degrees": 1}, r"additional_degrees is 1\n  expected more than 1"),
    ({"name": "choicemodelr", "prior_variance": 0}, r"prior_variance is 0\n  expected a positive number"),
    ({"name": "last-wave"}, r"needs the last wave\n  make it by Prior.from_utilities"),
    ({"name": "inverse-wishart", "expected_cov": -1.0}, r"expected_cov is -1.0"),
    ({"name": "inverse-wishart", "expected_cov": [[1, 2], [2, 1]]}, r"shape \(2, 2\) is no covariance matrix"),
    ({"name": "inverse-wishart", "expected_cov": "wide"}, r"expected_cov is 'wide'"),
])  # fmt: skip
def test_prior_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Prior(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("options", "message"), [
    ({"degrees_of_freedom": 5.0}, r"5 degrees of freedom of .* for 4 parameters\n  expected more than 5"),
    ({"expected_cov": np.eye(3)}, r"expected_cov has shape \(3, 3\)\n  expected a number, or \(4, 4\)"),
])  # fmt: skip
def test_prior_must_fit_the_design(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Prior("inverse-wishart", **options).resolve(4)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="2 names of blocks for 4 parameters"):
        Prior().resolve(4, ("a", "b"))


@pytest.mark.parametrize(("options", "message"), [
    ({"engine": "hmc"}, r"unknown engine 'hmc'\n  expected one of gibbs, nuts"),
    ({"nuts_backend": "stan"}, r"unknown nuts_backend 'stan'\n  expected one of nutpie, pymc"),
    ({"chains": 0}, r"chains is 0\n  expected a whole number, at least 1"),
    ({"draws": 2.5}, r"draws is 2.5\n  expected a whole number, at least 4"),
    ({"draws": None}, r"draws is None"),
    ({"thin": True}, r"thin is True"),
    ({"target_accept": 1}, r"target_accept is 1\n  expected a number between 0 and 1"),
])  # fmt: skip
def test_sampler_refuses(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Sampler(**options)  # type: ignore[arg-type]
