"""What a chain of several components keeps apart, and what it does not forget."""

from __future__ import annotations

import numpy as np

from cvmstats._numerics.coded import make_coded
from cvmstats._numerics.hierarchy import Hierarchy
from cvmstats._numerics.layout import lay_out
from cvmstats._numerics.link import make_link
from cvmstats._numerics.model import Model
from cvmstats.utilities.hierarchical import to_upper
from cvmstats.utilities.options import Prior
from tests._numerics.test_together import small_study


def chain() -> Hierarchy:
    tasks, coding = small_study()
    coded, n_par = make_coded(tasks, coding), coding.shape[1]
    upper, model = to_upper(Prior(), n_par, None), Model(n_components=2)
    return Hierarchy(lay_out(tasks, coded), make_link(coding), upper, np.zeros(n_par), 0, tasks.n_people, model,
                     np.random.SeedSequence(1))  # fmt: skip


def test_components_have_steps_of_their_own() -> None:
    one, other = chain().chains
    one.frame.step[:] = 7.0
    one.scale_step[:] = 7.0
    assert other.frame.step[0] != 7.0
    assert other.scale_step[0] != 7.0


def test_a_window_too_short_for_a_look_leaves_what_is_known() -> None:
    here = chain()
    known = here.chains[0].people.stiffness.copy()
    assert np.abs(known).max() > 0
    here.advance(1, 3, learning=True, adapt=0.1)  # a look is taken every third sweep
    here.learn(2)
    np.testing.assert_array_equal(here.chains[0].people.stiffness, known)
