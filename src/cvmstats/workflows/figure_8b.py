"""Figure 8b as data: 26 needs in four groups by five segments, with five grades of importance.

Source: Moorman, Ruddell & Sims, *Winning on the Margin: The B2B Value Imperative* (ZS Associates), figure 8b. What the
print tells apart is grade 1, "very important" (35 cells). The four lower grades it does not tell apart: they were drawn
once, ``numpy.random.default_rng(8).integers(2, 6, (26, 5))`` at the cells without a 1, and are written down here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SEGMENTS = ("Content Traditionalists", "Active Competitors", "Diversified Enterprises", "Premier High-fashion",
            "Anxious & Reliant")  # fmt: skip

NEEDS: tuple[tuple[str, str, tuple[int, int, int, int, int]], ...] = (
    ("Sales and marketing support", "Affordable displays", (1, 1, 2, 5, 2)),
    ("Sales and marketing support", "Basic affordable sales aids", (3, 4, 5, 4, 5)),
    ("Sales and marketing support", "Brand-building", (2, 3, 4, 3, 3)),
    ("Sales and marketing support", "Local marketing support", (3, 2, 2, 4, 3)),
    ("Sales and marketing support", "Lead generation support", (5, 2, 5, 3, 2)),
    ("Sales and marketing support", "Generous co-op advertising", (2, 1, 2, 5, 5)),
    ("Sales and marketing support", "Flexible co-op advertising", (5, 1, 2, 3, 3)),
    ("Sales and marketing support", "Customer targeting support", (4, 3, 4, 3, 4)),
    ("Sales and marketing support", "Promotional support", (2, 5, 4, 2, 5)),
    ("Sales and marketing support", "Real-time design assistance", (3, 5, 3, 5, 2)),
    ("Product attributes", "High number of SKUs", (3, 2, 3, 1, 5)),
    ("Product attributes", "High fashion product line", (3, 5, 4, 3, 3)),
    ("Product attributes", "Moderate number of SKUs", (2, 4, 3, 2, 2)),
    ("Product attributes", "High quality products", (1, 1, 1, 1, 1)),
    ("Product attributes", "Good value for price", (1, 1, 1, 1, 1)),
    ("Operational performance", "Error prevention assistance", (4, 4, 1, 3, 2)),
    ("Operational performance", "Predictable, on-time delivery", (1, 1, 1, 1, 3)),
    ("Operational performance", "Short lead times", (1, 1, 2, 2, 3)),
    ("Operational performance", "Accurate order fulfillment", (1, 1, 1, 1, 1)),
    ("Operational performance", "Fast, easy error recovery", (1, 1, 1, 1, 3)),
    ("Operational performance", "Warranties and guarantees", (3, 3, 4, 4, 4)),
    ("Business management support", "Business sales incentives", (4, 3, 4, 5, 2)),
    ("Business management support", "Designer sales incentives", (4, 4, 2, 2, 4)),
    ("Business management support", "Consumer financing aid", (4, 4, 3, 3, 2)),
    ("Business management support", "Market intelligence", (3, 3, 5, 2, 5)),
    ("Business management support", "Responsive customer service", (1, 1, 1, 1, 3)),
)
"""Group, need, and its grade in each segment: 1 very important, 2 to 5 ever less."""

LIFT = 3.0
"""Logits by which "very important" stands above the mean of the lower four grades."""
STEP = 0.5
"""Logits between two neighbouring lower grades."""


def grades() -> npt.NDArray[np.int64]:
    """Grades (J, S), 1 to 5."""
    return np.array([row[2] for row in NEEDS], dtype=np.int64)


def true_means() -> npt.NDArray[np.float64]:
    """Utilities (S, J) in logits that the grades stand for, each segment's summing to zero.

    >>> means = true_means()
    >>> means.shape, bool(np.allclose(means.sum(axis=1), 0))
    ((5, 26), True)
    """
    table = grades()
    logits = np.where(table == 1, LIFT, STEP * (3.5 - table))
    return np.asarray((logits - logits.mean(axis=0)).T)
