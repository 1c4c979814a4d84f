"""What a questionnaire says beside its items, by language: English is built in, others are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cvmstats.errors import DesignError, examples

ENGLISH = {
    "title": "Questionnaire",
    "version": "Version {version}",
    "respondent": "Respondent",
    "task": "Question {number} of {total}",
    "best_worst": "Mark the ONE that you value most and the ONE that you value least.",
    "best": "Mark the ONE that you value most.",
    "worst": "Mark the ONE that you value least.",
    "pair": "Which of the two do you value more? Mark ONE.",
    "rank": "Number these from 1, what you value most, to {count}, what you value least.",
    "most": "Value most",
    "least": "Value least",
    "element": "Element",
    "rank_heading": "Rank",
    "offer": "Offer {number}",
    "choose": "I choose",
    "reject": "I reject",
    "dual": "How many of these are {anchor}?",
    "all": "All of them",
    "some": "Some of them",
    "none_of_them": "None of them",
    "dual_none": "Would you really choose it, or rather: {anchor}?",
    "yes": "I would choose it",
    "no": "Rather {anchor}",
}
"""By name; in braces stands what is put in: number, total, version, count, anchor."""


def wordings(language: str, texts: Mapping[str, Mapping[str, str]] | None, needed: Iterable[str]) -> dict[str, str]:
    """The texts of a language: those given, in English over the built-in ones.

    Raises
    ------
    DesignError
        Where a text that is needed is missing, or a name is not known.

    Examples
    --------
    >>> wordings("en", {"en": {"title": "Needs"}}, ["title", "most"])
    {'title': 'Needs', 'most': 'Value most'}
    """
    given = dict((texts or {}).get(language, {}))
    unknown = sorted(set(given) - set(ENGLISH))
    if unknown:
        raise DesignError(f"texts of {language!r} have {len(unknown)} unknown names\n  for example {examples(unknown)}\n"
                          f"  expected some of {', '.join(ENGLISH)}")  # fmt: skip
    every = {**(ENGLISH if language == "en" else {}), **given}
    wanted = list(dict.fromkeys(needed))
    absent = [name for name in wanted if name not in every]
    if absent:
        raise DesignError(f"{len(absent)} of {len(wanted)} texts that this questionnaire needs are missing in {language!r}\n"
                          f"  for example {examples(absent)}\n  give them: texts={{{language!r}: {{{absent[0]!r}: '...'}}}}; "
                          f"in English it is {ENGLISH[absent[0]]!r}")  # fmt: skip
    return {name: every[name] for name in wanted}


def put_in(text: str, **values: object) -> str:
    """A text with what stands in braces put in; other braces stay.

    >>> put_in("Question {number} of {total} {x}", number=1, total=12)
    'Question 1 of 12 {x}'
    """
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text
