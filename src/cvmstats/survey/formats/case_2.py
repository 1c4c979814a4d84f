"""Designs of best-worst case 2 as support.BWS2 has them: a row for each task, a column per attribute, the level shown."""

from __future__ import annotations

import pandas as pd

from cvmstats.data.design import Design
from cvmstats.errors import DesignError
from cvmstats.survey.attribute_tables import attributes_of, is_case_2
from cvmstats.survey.formats.base import Format, never


def _write_design(design: Design) -> pd.DataFrame:
    attributes = attributes_of(design.objects)
    if attributes is None or not is_case_2(design):
        raise DesignError("the format 'case_2' is for levels of attributes as objects\n  expected a design as "
                          "design_cases(..., case=2) makes it, no attribute linear\n  write it long")  # fmt: skip
    owner = [attributes.names[i] for i, n in enumerate(attributes.n_levels) for _ in range(n)]
    level = [x for levels in attributes.levels for x in levels]
    asked = design.shown[(design.shown >= 0).any(axis=2)]
    names = [tuple(owner[j] for j in row) for row in asked.tolist()]
    if (asked < 0).any() or len(set(names)) != 1 or sorted(names[0]) != sorted(attributes.names):
        raise DesignError(f"the format 'case_2' cannot hold attributes in {len(set(names))} different orders, or some only\n"
                          "  expected one level of each attribute, the attributes in one order\n  write it long")  # fmt: skip
    table = design.to_frame()
    table["attribute"] = table["item"].map(dict(zip(design.objects.ids, owner, strict=True)))
    table["level"] = table["item"].map(dict(zip(design.objects.ids, level, strict=True)))
    order = table[["version", "task"]].drop_duplicates()
    wide = table.pivot(index=["version", "task"], columns="attribute", values="level").loc[pd.MultiIndex.from_frame(order)]
    return wide[list(names[0])].reset_index().rename_axis(columns=None)


CASE_2 = Format(
    name="case_2", what="best-worst case 2 (support.BWS2): profiles", layout="version, task, a column per attribute",
    detect=never, designs="file", write_design=_write_design,
    remark="read with read_design(..., items=attributes); answers are read in any other format with the design",
)  # fmt: skip
