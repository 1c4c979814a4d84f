"""What the accounts of the simulated study are like: hooks, firmographics, potential, and the dirt of a real export.

Hooks depend on the segment and on nothing else, so that a list with another mix of segments is a pure label shift.
The tables below were chosen once; with all five hooks the best possible guess is right for about four of five accounts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]

HOOKS: Mapping[str, tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]] = {
    "store format": (
        ("single store", "boutique", "regional chain", "department store", "web shop"),
        ((.69, .10, .10, .05, .06), (.11, .09, .60, .09, .11), (.07, .05, .14, .66, .08),
         (.06, .71, .08, .10, .05), (.42, .09, .11, .07, .31)),
    ),
    "sells online": (
        ("no", "a little", "a lot"),
        ((.70, .22, .08), (.12, .29, .59), (.14, .43, .43),
         (.29, .48, .23), (.36, .39, .25)),
    ),
    "price range": (
        ("low", "middle", "high"),
        ((.16, .74, .10), (.61, .31, .08), (.25, .57, .18),
         (.03, .15, .82), (.45, .45, .10)),
    ),
    "who decides": (
        ("the owner", "a buyer", "a buying team", "head office"),
        ((.75, .16, .05, .04), (.21, .54, .17, .08), (.04, .11, .48, .37),
         (.19, .54, .19, .08), (.60, .27, .08, .05)),
    ),
    "calls for help": (
        ("never", "monthly", "weekly"),
        ((.61, .33, .06), (.47, .43, .10), (.34, .52, .14),
         (.40, .48, .12), (.04, .18, .78)),
    ),
}  # fmt: skip
"""Hook: its values, and their probabilities in each of the five segments."""

INDUSTRIES = ("Apparel", "Jewellery", "Home & Living", "Sports", "Général")
REGIONS = ("North", "South", "East", "West")
_INDUSTRY = np.array([[.24, .22, .22, .18, .14], [.22, .18, .22, .22, .16], [.20, .20, .24, .18, .18],
                      [.26, .24, .18, .16, .16], [.22, .20, .22, .20, .16]])  # fmt: skip
_LOG_EMPLOYEES = (2.9, 3.1, 3.4, 3.0, 2.8)
_OWNERS = ("Müller", "O'Brien", "Núñez", "Smith", "Łukasz", "Tanaka", "Østergård", "Rossi")
_KINDS = ("& Sons", "Trading", "Retail", "Fashion", "Stores", "GmbH", "Ltd.", "S.A.")

HOOK_COLUMNS = tuple(HOOKS)
FIRMOGRAPHIC_COLUMNS = ("industry", "region", "employees", "revenue")


def draw_hooks(segment: Ints, rng: np.random.Generator) -> pd.DataFrame:
    """One value of each hook for each account (N)."""
    columns = {}
    for name, (levels, chances) in HOOKS.items():
        edges = np.cumsum(np.array(chances), axis=1)[:, :-1][segment]
        columns[name] = np.array(levels, dtype=object)[(rng.random(len(segment))[:, None] > edges).sum(axis=1)]
    return pd.DataFrame(columns)


def draw_firmographics(segment: Ints, rng: np.random.Generator) -> pd.DataFrame:
    """Industry, region, employees and revenue (currency per year), spread wide within every segment."""
    n = len(segment)
    industry = (rng.random(n)[:, None] > np.cumsum(_INDUSTRY, axis=1)[:, :-1][segment]).sum(axis=1)
    employees = np.ceil(np.exp(rng.normal(np.array(_LOG_EMPLOYEES)[segment], 1.1))).astype(np.int64)
    revenue = np.round(employees * np.exp(rng.normal(11.5, 0.6, n)), -3)
    return pd.DataFrame({
        "industry": np.array(INDUSTRIES, dtype=object)[industry],
        "region": np.array(REGIONS, dtype=object)[rng.integers(len(REGIONS), size=n)],
        "employees": employees, "revenue": revenue.astype(np.int64),
    })  # fmt: skip


def draw_potential(revenue: npt.ArrayLike, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """What each account could buy in a year (currency)."""
    size = np.asarray(revenue, float) * np.exp(rng.normal(-3.5, 0.5, np.shape(revenue)))
    return np.maximum(np.round(size, -2), 100).astype(np.int64)


def draw_names(n: int, rng: np.random.Generator) -> list[str]:
    """Names of accounts, some outside ASCII, some that a workbook would take for a formula."""
    owners, kinds = rng.integers(len(_OWNERS), size=n), rng.integers(len(_KINDS), size=n)
    names = [f"{_OWNERS[o]} {_KINDS[k]}" for o, k in zip(owners, kinds, strict=True)]
    for row in np.flatnonzero(rng.random(n) < 0.002):
        names[row] = ("=cmd|' /C calc'!A0", "+49 170 555", "@home", "-Outlet-")[row % 4]
    return names


def soil(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """As an export looks: capitals, trailing blanks, empty fields, a value that nobody knows."""
    out = table.copy()
    for name in (*HOOK_COLUMNS, "industry", "region"):
        values = out[name].astype(object).to_numpy(copy=True)
        fate = rng.random(len(values))
        for row in np.flatnonzero(fate < 0.08):
            text = str(values[row])
            values[row] = text.upper() if fate[row] < 0.02 else text + "  " if fate[row] < 0.04 else \
                text.title() if fate[row] < 0.05 else "" if fate[row] < 0.078 else "tbd"  # fmt: skip
        out[name] = values
    employees = out["employees"].astype(object).to_numpy(copy=True)
    employees[rng.random(len(employees)) < 0.05] = None
    out["employees"] = pd.array(employees, dtype="Int64")
    return out
