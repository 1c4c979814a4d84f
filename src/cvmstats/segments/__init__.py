"""Who belongs together: latent classes, mixtures, the number of segments, accounts."""

from cvmstats.segments.accounts import assign_segments, segment_accounts
from cvmstats.segments.choose import SegmentChoice, choose_segments
from cvmstats.segments.latent_class import fit_latent_class
from cvmstats.segments.mixtures import fit_mixture

__all__ = [
    "SegmentChoice",
    "assign_segments",
    "choose_segments",
    "fit_latent_class",
    "fit_mixture",
    "segment_accounts",
]
