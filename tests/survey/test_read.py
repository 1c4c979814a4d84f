"""Long answers: real studies against their published counts, inferred designs, what may be left out."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cvmstats.data.items import Items
from cvmstats.errors import ChoicesError, CvmWarning
from cvmstats.survey import read_choices, read_design

STUDIES = {
    "bws1_issues_white2021": (350, 13, 4),
    "bws1_mfa_synthetic_varsets": (100, 12, 9),
    "bws1_rice_aizaki": (90, 7, 4),
    "bws1_fruit_synthetic": (100, 7, 4),
}


def long(*people: tuple[str, dict[str, str]]) -> pd.DataFrame:
    """People, each with tasks and their items as one text; the first item is best, the last is worst."""
    rows = [
        (who, task, a + 1, item, 1 if a == 0 else -1 if a == len(items.split()) - 1 else 0)
        for who, tasks in people
        for task, items in tasks.items()
        for a, item in enumerate(items.split())
    ]
    return pd.DataFrame(rows, columns=["respondent", "task", "position", "item", "choice"])


@pytest.mark.parametrize("study", STUDIES)
def test_real_studies_have_the_counts_of_their_reference(shared_data: Path, study: str) -> None:
    choices = read_choices(shared_data / study / "responses_long.csv")
    assert choices.place.shape == STUDIES[study]
    assert choices.design.n_versions == 1
    assert choices.complete.all()
    assert "long, design inferred" in choices.source
    expected = pd.read_csv(shared_data / study / "reference_computed.csv").set_index("item")
    said = choices.to_frame().groupby("item")["choice"]
    for item, row in expected.iterrows():
        answers = said.get_group(item)
        assert ((answers == 1).sum(), (answers == -1).sum(), len(answers)) == (row["best"], row["worst"], row["shown"])


def test_abortion_is_302_times_best_and_352_times_worst(shared_data: Path) -> None:
    """Published: White, bwsTools, vignettes/aggregate.Rmd."""
    table = read_choices(shared_data / "bws1_issues_white2021" / "responses_long.csv").to_frame()
    assert table[table["item"] == "abortion"]["choice"].value_counts().to_dict() == {0: 746, -1: 352, 1: 302}


def test_ids_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Resp_ID;Task;Item;Choice\n007;1;NA;1\n007;1;b ;-1\n NA;1;NA;\n NA;1;b ;1\n")
    choices = read_choices(path)
    assert choices.respondents.ids == ("007", " NA")
    assert choices.design.objects.ids == ("NA", "b ")
    assert choices.place.tolist() == [[[1, -1]], [[0, 1]]]


def test_people_with_the_same_sets_share_a_version() -> None:
    table = long(
        ("x", {"1": "a b c", "2": "c d"}), ("y", {"1": "b a c", "2": "c d"}), ("z", {"1": "a b c", "2": "c d"})
    )
    choices = read_choices(table)
    assert choices.version.tolist() == [0, 1, 0]
    assert choices.design.shown.tolist() == [[[0, 1, 2], [2, 3, -1]], [[1, 0, 2], [2, 3, -1]]]
    assert choices.place[0].tolist() == [[1, 0, -1], [1, -1, -128]]


def test_a_task_without_rows_was_not_asked_unless_a_version_tells_that_it_was() -> None:
    table = long(("x", {"1": "a b c", "2": "c d a"}), ("y", {"1": "a b c"}))
    choices = read_choices(table)
    assert choices.asked.tolist() == [[True, True], [True, False]]
    choices = read_choices(table.assign(version="v7"))
    assert choices.design.version_ids == ("v7",)
    assert choices.asked.all()
    assert choices.answered.tolist() == [[True, True], [True, False]]


def test_rows_in_any_order_give_the_same_answers() -> None:
    table = long(("x", {"1": "a b c", "2": "c d a", "10": "d b a"}), ("y", {"1": "b d c", "2": "c d a", "10": "a b c"}))
    first = read_choices(table)
    mixed = table.sample(frac=1, random_state=3)
    order = pd.Index(mixed["respondent"].unique()).get_indexer(pd.Index(first.respondents.ids))
    second = read_choices(mixed, design=first.design).take(order)
    assert second.design.task_ids == ("1", "2", "10")
    assert np.array_equal(second.place, first.place)
    assert second.respondents.ids == first.respondents.ids


def test_the_order_seen_is_kept_where_it_differs_from_the_design() -> None:
    design = read_design(long(("x", {"1": "a b c"}))[["task", "position", "item"]])
    choices = read_choices(long(("x", {"1": "c a b"}), ("y", {"1": "a b c"})), design=design)
    assert choices.place.tolist() == [[[0, -1, 1]], [[1, 0, -1]]]
    assert choices.displayed is not None
    assert choices.displayed.tolist() == [[[2, 0, 1]], [[0, 1, 2]]]


@pytest.mark.parametrize(("keep", "kind"), [((1, 0), "best"), ((-1, 0), "worst"), ((1, -1, 0), "best_worst")])
def test_the_kind_is_what_was_answered(keep: tuple[int, ...], kind: str) -> None:
    table = long(("x", {"1": "a b c"}))
    table["choice"] = table["choice"].where(table["choice"].isin(keep), 0)
    choices = read_choices(table)
    assert set(np.asarray(choices.design.kind).ravel()) == {kind}
    assert choices.complete.all()


def test_blank_choices_and_a_best_alone_are_kept() -> None:
    table = long(("x", {"1": "a b c", "2": "b c d", "3": "a c d"}))
    table["choice"] = ["1", "", "", "NA", "", "", "1", "0", "-1.0"]
    choices = read_choices(table)
    assert choices.place.tolist() == [[[1, 0, 0], [0, 0, 0], [1, 0, -1]]]
    assert choices.complete.tolist() == [[False, False, True]]


def test_versions_of_a_given_design_are_found_by_their_sets() -> None:
    people = (("x", {"1": "a b c", "2": "b c d"}), ("y", {"1": "b c d", "2": "a c d"}))
    design = read_choices(long(*people)).design
    choices = read_choices(long(people[1], people[0], ("z", {"2": "a c d"})), design=design)
    assert choices.version.tolist() == [1, 0, 1]
    assert choices.answered.tolist() == [[True, True], [True, True], [False, True]]
    again = read_design(long(people[0])[["task", "item"]])
    twins = pd.concat(
        [again.to_frame(), again.to_frame().replace({"version": {"1": "2"}, "item": {"a": "d", "d": "a"}})]
    )
    with pytest.raises(
        ChoicesError, match=r"1 of 1 respondents answered tasks that more than one version(?s:.*)column 'v"
    ):
        read_choices(
            long(("x", {"1": "b c"})),
            design=read_design(twins[twins["item"].isin(["b", "c"]) | (twins["task"] == "2")]),
        )


def test_items_may_be_labels_and_give_the_order() -> None:
    items = Items(table=pd.DataFrame({"id": ["i3", "i1", "i2"], "label": ["Price", "Speed", "Advice"]}))
    choices = read_choices(long(("x", {"1": "Price Advice i1"})), items=items)
    assert choices.design.objects.ids == ("i3", "i1", "i2")
    assert choices.design.shown.tolist() == [[[0, 2, 1]]]


def test_columns_polars_and_parquet(tmp_path: Path) -> None:
    table = long(("x", {"1": "a b c"})).rename(columns={"item": "what", "choice": "said"})
    columns = {"item": "what", "choice": "said"}
    first = read_choices(table, columns=columns)
    table.to_parquet(tmp_path / "a.parquet")
    for source in (pl.from_pandas(table), tmp_path / "a.parquet"):
        second = read_choices(source, columns=columns)
        assert np.array_equal(first.place, second.place)
        assert second.design.fingerprint == first.design.fingerprint


def test_respondents_are_joined_by_id() -> None:
    people = pd.DataFrame({"id": ["y", "x"], "account": ["01", "02"]})
    table = long(("x", {"1": "a b c"}), ("y", {"1": "a b c"}))
    assert read_choices(table, respondents=people).respondents.accounts == ("02", "01")
    with pytest.raises(ChoicesError, match="1 of 2 people who answered are not in the table of respondents"):
        read_choices(table, respondents=people[:1])


def test_invalid_tasks_are_left_out_with_a_warning_that_counts() -> None:
    table = long(("x", {"1": "a b c", "2": "b c d"}), ("y", {"1": "a b c", "2": "b c d"}))
    table["choice"] = table["choice"].astype(str)
    table.loc[0, "choice"] = "yes"
    table.loc[10, "choice"] = "1"
    with pytest.warns(
        CvmWarning, match=r"1 of 4 tasks have a choice that is no number\n1 of 4 tasks name more than one best"
    ):
        choices = read_choices(table, invalid="drop")
    assert choices.place.tolist() == [[[0, 0, 0], [1, 0, -1]], [[1, 0, -1], [0, 0, 0]]]
    assert choices.design.n_versions == 1


def test_a_thousand_people_are_read_in_little_more_than_the_time_of_pandas(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shown = np.stack([rng.permutation(20)[:5] for _ in range(15_000)]).ravel()
    table = pd.DataFrame({"respondent": np.repeat(np.arange(1000), 75),
                          "task": np.tile(np.repeat(np.arange(15), 5), 1000),
                          "item": shown, "choice": np.tile([1, 0, 0, 0, -1], 15_000)})  # fmt: skip
    table.to_csv(tmp_path / "a.csv", index=False)

    def fastest(read: object, n: int) -> float:
        times = []
        for _ in range(n):
            start = time.perf_counter()
            read(tmp_path / "a.csv")  # type: ignore[operator]
            times.append(time.perf_counter() - start)
        return min(times)

    assert fastest(read_choices, 3) < 60 * fastest(pd.read_csv, 5)


def test_categories_of_a_dataframe_are_read_by_what_they_say() -> None:
    table = long(("y", {"1": "b a c"}), ("x", {"1": "c b a"})).assign(version="1")
    plain = read_choices(table.drop(columns="version"))
    for ordered in (True, False):
        kind = {"respondent": ["x", "unused", "y"], "item": ["c", "a", "b"], "choice": [0, -1, 1], "position": [3, 2, 1]}
        coded = {c: pd.Categorical(table[c], categories=v, ordered=ordered) for c, v in kind.items()}
        again = read_choices(table.drop(columns="version").assign(**coded))
        assert again.respondents.ids == plain.respondents.ids == ("y", "x")
        assert np.array_equal(again.place, plain.place)
        assert again.design.fingerprint == plain.design.fingerprint
    missing = table.assign(respondent=pd.Categorical(["y", None, "y", "x", "x", "x"], categories=["y", "x"], ordered=True))
    with pytest.raises(ChoicesError, match="1 of 6 rows have no respondent"):
        read_choices(missing)
