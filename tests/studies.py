"""Real studies as ``Choices``, one function each: the folder ``shared/data`` goes in (fixture ``shared_data``).

What was shown differs from task to task in most of them, so each person has a version of their own (V = R), and the objects
are the distinct alternatives, with a row of the coding that the published model implies. ``README.md`` of each study's
folder says where it comes from.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cvmstats.data.attributes import Attributes
from cvmstats.data.choices import Choices
from cvmstats.data.design import Design
from cvmstats.data.items import Items
from cvmstats.data.places import NO_ANSWER
from cvmstats.data.profiles import Profiles
from cvmstats.data.respondents import Respondents
from cvmstats.survey import read_choices
from tests.build_choices import alternatives, by_person, coded, counted, in_turn, known, one_best

# best-worst, case 1


def issues(data: Path) -> Choices:
    """White 2021: 13 national issues, 350 people x 13 tasks of 4, one design for all."""
    return read_choices(data / "bws1_issues_white2021" / "responses_long.csv")


def fruit(data: Path) -> Choices:
    """support.BWS: 7 fruits, 100 artificial people x 7 tasks of 4."""
    return read_choices(data / "bws1_fruit_synthetic" / "responses_long.csv")


def rice(data: Path) -> Choices:
    """support.BWS: 7 characteristics of rice, 90 people x 7 tasks of 4, with age, price paid and chemicals as covariates."""
    folder = data / "bws1_rice_aizaki"
    return read_choices(folder / "responses_long.csv", respondents=known(folder / "respondents.csv", "respondent_id"))


def sets_of_unequal_size(data: Path) -> Choices:
    """support.BWS: 9 items, 100 artificial people x 12 tasks of 3 to 9."""
    return read_choices(data / "bws1_mfa_synthetic_varsets" / "responses_long.csv")


# choices among coded alternatives


def drug_choice(data: Path, kind: Literal["best", "rank", "best_worst"] = "best") -> Choices:
    """Apollo (simulated): 1,000 people x 10 tasks of 4 drugs, ranked; base Artemis, Brazil, double strength."""
    table = pd.read_csv(data / "bws3_drug_choice_simulated" / "choices_wide.csv")
    levels = {
        "brand": ("Novum", "BestValue", "PainAway", "Supermarket"),
        "country": ("Denmark", "India", "Russia", "Switzerland", "USA"), "char": ("fast acting", "standard"),
    }  # fmt: skip
    columns, labels, block = [], [], []
    for name, others in levels.items():
        given = table[[f"{name}_{a}" for a in range(1, 5)]].to_numpy()
        for level in others:
            columns.append((given == level).astype(float))
            labels.append(f"{name}: {level}")
            block.append(name)
    for name, unit in (("side_effects", 1000), ("price", 1)):
        columns.append(table[[f"{name}_{a}" for a in range(1, 5)]].to_numpy() / unit)
        labels.append(name)
        block.append(name)
    order = table[["best", "second_pref", "third_pref", "worst"]].to_numpy() - 1
    ranks = np.argsort(order, axis=1) + 1
    place = {"rank": ranks, "best": ranks == 1, "best_worst": (ranks == 1) - 1 * (ranks == 4)}[kind]
    about = table.groupby("ID", sort=False).first().reset_index()
    about = about.rename(columns={"ID": "id"}).drop(columns=[c for c in table if c[-2:] in ("_1", "_2", "_3", "_4")])
    about = about.drop(columns=["task", "best", "second_pref", "third_pref", "worst"])
    return coded(np.stack(columns, axis=2), table["ID"], place, kind, labels, block=block, about=about)


def electricity(data: Path, *, distinct: bool = True) -> Choices:
    """Huber & Train 2001: 361 people x up to 12 tasks of 4 suppliers, 6 numeric attributes; 35 alternatives are distinct.

    ``distinct=False`` makes each of the 17,232 alternatives shown an object of its own: the same likelihood with a large J.
    """
    table = pd.read_csv(data / "cbc_electricity" / "choices_wide.csv")
    names = ["pf", "cl", "loc", "wk", "tod", "seas"]
    shown = np.stack([table[[f"{name}{a}" for a in range(1, 5)]].to_numpy(float) for name in names], axis=2)
    return coded(shown, table["id"], one_best(table["choice"] - 1, 4), "best", names, distinct=distinct)


def train(data: Path) -> Choices:
    """Ben-Akiva, Bolduc & Bradley 1993: 235 people, 2,929 choices of 2 trips; euros, hours, changes, comfort (0 best)."""
    table = pd.read_csv(data / "cbc_train" / "choices_wide.csv")
    units = {"price": 100 * 2.20371, "time": 60, "change": 1, "comfort": 1}
    shown = np.stack([table[[f"{name}_A", f"{name}_B"]].to_numpy() / unit for name, unit in units.items()], axis=2)
    return coded(shown, table["id"], one_best((table["choice"] == "B").astype(int), 2), "best", list(units))


def cars(data: Path, *, weighted: bool = False) -> Choices:
    """Helveston et al. 2015: 384 people x 15 tasks of 3 cars; 13 dummies and 3 numeric attributes; sampling weights or none."""
    table = pd.read_csv(data / "cbc_cars_us" / "choices_long.csv")
    names = [c for c in table if c not in ("id", "obsnum", "choice", "weights")]
    first = table.iloc[::3]
    choices = coded(table[names].to_numpy(float).reshape(-1, 3, len(names)), first["id"],
                    table["choice"].to_numpy().reshape(-1, 3), "best", names)  # fmt: skip
    if not weighted:
        return choices
    weight = table.groupby("id", sort=False)["weights"].first().rename("weight").reset_index()
    return choices.with_respondents(Respondents(table=weight, weight_kind="sampling"))


def yogurt(data: Path) -> Choices:
    """Jain et al. 1994: 100 households, 2,412 purchases among 4 brands; price, feature, brands beside dannon."""
    table = pd.read_csv(data / "cbc_yogurt" / "choices_long.csv")
    for brand in ("hiland", "weight", "yoplait"):
        table[f"brand_{brand}"] = (table["brand"] == brand).astype(float)
    names = ["price", "feat", "brand_hiland", "brand_weight", "brand_yoplait"]
    return coded(table[names].to_numpy(float).reshape(-1, 4, 5), table["id"].iloc[::4],
                 table["choice"].to_numpy().reshape(-1, 4), "best", names, block=["price", "feat", *["brand"] * 3])  # fmt: skip


def margarine(data: Path) -> Choices:
    """Allenby & Rossi 1991: 516 households, 4,470 purchases of one of 10 margarines; logarithm of price, constants."""
    folder = data / "cbc_margarine_panel"
    table = pd.read_csv(folder / "purchases.csv")
    brands = list(table.columns[2:])
    constants = np.broadcast_to(np.eye(10)[:, 1:], (len(table), 10, 9))
    shown = np.concatenate([np.log(table[brands].to_numpy(float))[:, :, None], constants], axis=2)
    return coded(shown, table["hhid"], one_best(table["choice"] - 1, 10), "best", ["log price", *brands[1:]],
                 block=["log price", *["brand"] * 9], about=known(folder / "households.csv", "hhid"))  # fmt: skip


def eggs(data: Path, coding: Literal["dummy", "profiles"] = "dummy") -> Choices:
    """Displayr: 380 people x 8 tasks of 3 eggs, 7 attributes; the first level is the base of the dummies."""
    return displayr(data / "cbc_eggs", coding)


def fast_food(data: Path, coding: Literal["dummy", "profiles"] = "dummy") -> Choices:
    """Displayr: 403 people x 12 tasks of 4 restaurants, 14 attributes; the first level is the base of the dummies."""
    return displayr(data / "cbc_fast_food", coding)


def bank_cards(data: Path) -> Choices:
    """Allenby & Ginter 1995: 946 people x 14 to 17 pairs of credit cards.

    Attributes are known as differences of the two cards, so the first of a pair has the differences, the second is zero.
    """
    folder = data / "pc_bankcard_conjoint"
    table = pd.read_csv(folder / "choices.csv")
    names = list(table.columns[2:])
    shown = np.stack([table[names].to_numpy(float), np.zeros((len(table), len(names)))], axis=1)
    block = ["FInt", "FInt", "VInt", "Rewrd", "Rewrd", "Rewrd", "Fee", "Fee", "Bank", "State", "Rebate", "Rebate", "CredLine",
             "Grace"]  # fmt: skip
    return coded(shown, table["id"], one_best(1 - table["choice"], 2), "pair", names, block=block,
                 about=known(folder / "respondents.csv", "id"))  # fmt: skip


# rankings


def game_platforms(data: Path) -> Choices:
    """Fok, Paap & Van Dijk 2012: 91 students rank 6 platforms; own (same for all), hours and age for each beside PC."""
    table = pd.read_csv(data / "rank_game_platforms" / "rankings_wide.csv")
    platforms = ["GameBoy", "GameCube", "PSPortable", "PlayStation", "Xbox", "PC"]
    own = table[[f"own.{name}" for name in platforms]].to_numpy(float)
    constants = np.broadcast_to(np.eye(6)[:, :5], (len(table), 6, 5))
    each = [table[name].to_numpy(float)[:, None, None] * constants for name in ("hours", "age")]
    labels = ["own", *(f"{what}:{name}" for what in ("intercept", "hours", "age") for name in platforms[:5])]
    about = table[["respondent_id", "age", "hours"]].rename(columns={"respondent_id": "id"})
    return coded(np.concatenate([own[:, :, None], constants, *each], axis=2), table["respondent_id"],
                 table[[f"ch.{name}" for name in platforms]].to_numpy(), "rank", labels,
                 block=["own", *["intercept"] * 5, *["hours"] * 5, *["age"] * 5], about=about)  # fmt: skip


def car_modules(data: Path) -> Choices:
    """Dabic & Hatzinger 2009: 435 people rank as many of 6 modules of a car as they like; the rest stays behind."""
    table = pd.read_csv(data / "rank_car_configurator" / "rankings_wide.csv")
    names = list(table.columns[1:7])
    place = table[names].fillna(0).to_numpy(int)
    about = table.drop(columns=names).rename(columns={"respondent_id": "id"})
    design = Design(objects=Items.from_labels(names), shown=np.arange(6)[None, None, :], kind="rank")
    return Choices(design=design, respondents=Respondents(table=about), version=np.zeros(len(table), int),
                   place=place[:, None, :])  # fmt: skip


def choix_rankings() -> Choices:
    """The three rankings in choix's tests: 0 1 2, 3 2 0, 1 3."""
    return in_turn([[0, 1, 2], [3, 2, 0], [1, 3, -1]], [[1, 2, 3], [1, 2, 3], [1, 2, NO_ANSWER]], "rank", "0123")


# pairs


def choix_pairs() -> Choices:
    """The four pairs in choix's tests: 0 beats 1 twice, 1 beats 2, 2 beats 0."""
    return in_turn([[0, 1], [0, 1], [1, 2], [2, 0]], [[1, 0]] * 4, "pair", "012")


def baseball_1987(data: Path) -> Choices:
    """Agresti 2002, p. 438: 7 teams, 42 rows of games at home, the home team first, with counts.

    Two respondents, ``first won`` and ``second won``, hold the two numbers of each row.
    """
    table = pd.read_csv(data / "pc_baseball1987" / "games.csv")
    teams = sorted(set(table["home.team"]))
    pairs = np.array([[teams.index(team) for team in table[side]] for side in ("home.team", "away.team")]).T
    return counted(pairs, table[["home.wins", "away.wins"]].to_numpy(), teams)


def journal_citations(data: Path) -> Choices:
    """Stigler 1994: 4 journals, 6 pairs; who is cited wins. Counts as in :func:`baseball_1987`."""
    table = pd.read_csv(data / "pc_journal_citations" / "citations.csv").pivot(index="cited", columns="citing", values="Freq")
    first, second = np.triu_indices(4, 1)
    wins = table.to_numpy()
    return counted(np.stack([first, second], axis=1), np.stack([wins[first, second], wins[second, first]], axis=1),
                   [str(name) for name in table.index])  # fmt: skip


def ice_hockey(data: Path, kind: Literal["pair", "graded"] = "pair", *, at_home: bool = False, most: int = 3) -> Choices:
    """US college hockey 2009-10: 58 teams, 1,083 games of which 125 are ties; the team whose ground it is stands first.

    ``at_home`` leaves out 69 games on neutral ground. ``graded`` has the difference of goals as strength, ``most`` and more
    as ``most``.
    """
    table = pd.read_csv(data / "pc_icehockey2010" / "games.csv")
    table = table[table["home.ice"]] if at_home else table
    teams = sorted({*table["visitor"], *table["opponent"]})
    shown = np.array([[teams.index(team) for team in table[side]] for side in ("opponent", "visitor")]).T
    won = 1 - table["result"].to_numpy()
    choices = in_turn(shown, np.stack([won >= 0.5, won <= 0.5], axis=1).astype(int), kind, teams)
    if kind == "pair":
        return choices
    grades = ((0, "tie"), *((goals, f"by {goals}") for goals in range(1, most)), (most, f"by {most} or more"))
    strength = np.minimum(np.abs(table["v_goals"] - table["o_goals"]), most).to_numpy(float)
    return replace(choices, design=replace(choices.design, grades=grades), strength=strength[:, None])


def top_models(data: Path) -> Choices:
    """Strobl, Wickelmaier & Zeileis 2011: 192 people x 15 pairs of 6 models, with gender, age and three questions."""
    return paired(data / "pc_topmodel2007")


def parties(data: Path) -> Choices:
    """psychotools: 192 people x 15 pairs of 5 German parties and none of them."""
    return paired(data / "pc_german_parties2009")


def first_names(data: Path) -> Choices:
    """psychotools: 192 people x 15 pairs of 6 names of boys."""
    return paired(data / "pc_first_names")


def sound_quality(data: Path) -> Choices:
    """psychotools: 40 listeners, up to 20 blocks each of 28 pairs of 8 audio modes; the block of a task is its number."""
    folder = data / "pc_sound_quality"
    table = pd.read_csv(folder / "comparisons.csv").merge(pd.read_csv(folder / "blocks.csv", dtype={"id": str}), on="block_id")
    return pairs_of(table, table["id"])


# files of the same layout


def displayr(folder: Path, coding: Literal["dummy", "profiles"]) -> Choices:
    """A conjoint study of Displayr: ``design.csv`` by version and task, ``choices.csv``, a codebook of levels."""
    answers, shown = pd.read_csv(folder / "choices.csv"), pd.read_csv(folder / "design.csv")
    names = list(shown.columns[4:])
    codebook = pd.read_csv(folder / "codebook_design.csv")
    size, shown = int(shown["alt"].max()), shown.sort_values(["task_global", "alt"])
    row = pd.Index(shown["task_global"].iloc[::size]).get_indexer(answers["task_global"])
    levels = shown[names].to_numpy().reshape(-1, size, len(names))[row] - 1
    place = one_best(answers["choice"] - 1, size)
    about = known(folder / "respondents.csv", "respondent_id")
    if coding == "dummy":
        n_levels = codebook.groupby("attribute").size()
        dummies = [(levels[:, :, a] == x).astype(float) for a, name in enumerate(names) for x in range(1, n_levels[name])]
        labels = [f"{name}={x + 1}" for name in names for x in range(1, n_levels[name])]
        return coded(np.stack(dummies, axis=2), answers["respondent_id"], place, "best", labels,
                     block=[label.split("=")[0] for label in labels], about=about)  # fmt: skip
    parts = Attributes.from_dict({name: codebook.loc[codebook["attribute"] == name, "label"].tolist() for name in names})
    rows, again, objects = alternatives(levels)
    ids = tuple(".".join(map(str, row + 1)) + " again" * repeat for row, repeat in zip(rows, again, strict=True))
    profiles = Profiles(attributes=parts, levels=rows, ids=ids)
    return by_person(Design(objects=profiles, shown=objects[:, None, :], kind="best"), answers["respondent_id"], place, about)


def paired(folder: Path) -> Choices:
    """Pairs of psychotools: ``comparisons.csv`` with item_first, item_second and outcome 1 or -1."""
    table = pd.read_csv(folder / "comparisons.csv")
    return pairs_of(table, table["respondent_id"], known(folder / "respondents.csv", "respondent_id"))


def pairs_of(table: pd.DataFrame, person: pd.Series, about: pd.DataFrame | None = None) -> Choices:
    """Pairs from a table of comparisons."""
    labels = sorted({*table["item_first"], *table["item_second"]})
    shown = np.array([[labels.index(name) for name in table[side]] for side in ("item_first", "item_second")]).T
    place = one_best((table["outcome"] == -1).astype(int), 2)
    return by_person(Design(objects=Items.from_labels(labels), shown=shown[:, None, :], kind="pair"), person, place, about)
