"""How the hub's welfare outcomes are counted against the answer key."""

from __future__ import annotations

import polars as pl
import pytest

from bench import _welfare_scores as scores
from bench import welfare


def found(*rows: tuple[str, int, str]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=scores.FOUND, orient="row")


def key(*rows: tuple[str, int, bool, str]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=scores.KEY, orient="row")


def judged(outcomes: pl.DataFrame, answers: pl.DataFrame, *dead: int) -> scores.Score:
    known = pl.Series(list(dead), dtype=pl.Int64)
    return scores.score(outcomes, answers, scores.hidden(answers, known))


def test_right_and_wrong_are_counted_among_the_decided() -> None:
    one = judged(
        found(
            ("P08", 1, "eligible"), ("P08", 2, "not_eligible"), ("P08", 3, "eligible"), ("P08", 4, "not_eligible"),
            ("P08", 5, "unknown"), ("P08", 6, "candidate"),
        ),
        key(
            ("P08", 1, True, "age"), ("P08", 2, True, "age"), ("P08", 3, False, "age"), ("P08", 4, False, "age"),
            ("P08", 5, True, "age"), ("P08", 6, True, "age"),
        ),
    )  # fmt: skip
    assert (one.cases, one.decided, one.unknown, one.candidates, one.entitled) == (6, 4, 1, 1, 4)
    assert (one.false_exclusions, one.false_inclusions, one.hidden_inclusions) == (1, 1, 0)
    assert (one.false_exclusion, one.false_inclusion, one.avoidable_inclusion) == (0.25, 0.25, 0.25)
    assert one.decided_share == pytest.approx(4 / 6)
    assert one.wrongly_out == {"age": 1} and one.wrongly_in == {"age": 1}


def test_what_no_register_told_is_wrong_but_not_avoidable() -> None:
    answers = key(("P01", 1, False, "dead"), ("P01", 2, False, "dead"), ("P01", 3, False, "income"))
    one = judged(found(*(("P01", person, "eligible") for person in (1, 2, 3))), answers, 2)
    assert (one.false_inclusions, one.hidden_inclusions) == (3, 2)
    assert one.avoidable_inclusion == pytest.approx(1 / 3)
    assert one.wrongly_in == {
        "approved although the income is above the line": 1,
        "dead": 1,
        "death not registered yet": 1,
    }


def test_entitled_people_whom_the_hub_does_not_list() -> None:
    """Missed when a register tells of them, unseen when none does; who is not entitled need not be listed."""
    answers = key(
        ("P01", 1, True, "listed"), ("P01", 2, True, "not_applied"), ("P01", 3, False, "income"),
        ("P01", 4, True, "hardship"), ("P01", 5, True, "ill"),
    )  # fmt: skip
    one = judged(found(), answers)
    assert (one.cases, one.missed, one.unseen, one.decided) == (3, 3, 1, 0)
    assert (one.decided_share, one.false_exclusion, one.false_inclusion) == (0, 0, 0)


def test_a_listed_person_who_never_applied_is_a_case() -> None:
    one = judged(found(("P06", 1, "not_eligible")), key(("P06", 1, True, "hardship")))
    assert (one.cases, one.unseen, one.false_exclusions) == (1, 0, 1)


def test_somebody_whom_the_key_does_not_know_is_not_entitled() -> None:
    one = judged(found(("P12", 9, "eligible"), ("P12", 8, "not_eligible")), key(("P12", 1, False, "age")))
    assert (one.decided, one.false_inclusions, one.wrongly_in) == (2, 1, {"not_in_key": 1})


def test_a_person_of_two_entities_is_served_when_either_is() -> None:
    two = found(("P10", 1, "not_eligible"), ("P10", 1, "eligible"), ("P10", 2, "unknown"), ("P10", 2, "not_eligible"))
    assert scores.one_outcome(two).rows() == [("P10", 1, "eligible"), ("P10", 2, "unknown")]
    assert judged(two, key(("P10", 1, True, "managed_here"))).decided == 1


def test_policies_are_scored_apart() -> None:
    answers = key(("P01", 1, True, "listed"), ("P08", 1, False, "age"))
    told = scores.by_policy(found(("P01", 1, "eligible"), ("P08", 1, "eligible")), answers, answers_hidden(answers))
    assert {policy: one.false_inclusions for policy, one in told.items()} == {"P01": 0, "P08": 1}


def answers_hidden(answers: pl.DataFrame) -> pl.DataFrame:
    return scores.hidden(answers, pl.Series([], dtype=pl.Int64))


def test_a_resident_is_whoever_most_of_its_records_are_of() -> None:
    linked = pl.DataFrame(
        [("a", "b", "1", "R1"), ("a", "b", "2", "R1"), ("a", "b", "3", "R1"), ("a", "b", "4", "R2"),
         ("a", "b", "5", "R2")],
        schema=["system", "stream", "record_key", "resident_key"], orient="row",
    )  # fmt: skip
    truly = pl.DataFrame(
        [("a", "b", "1", 7), ("a", "b", "2", 7), ("a", "b", "3", 5), ("a", "b", "4", 6), ("a", "b", "5", 5)],
        schema=["system", "stream", "record_key", "person"], orient="row",
    )  # fmt: skip
    assert welfare.people(linked, truly).rows() == [("R1", 7), ("R2", 5)]


def test_a_policy_says_which_aims_it_misses() -> None:
    counts = {"candidates": 0, "unknown": 0, "missed": 0, "unseen": 0, "entitled": 0}
    one = scores.Score(
        cases=1000, decided=900, false_exclusions=10, false_inclusions=9, hidden_inclusions=4, **counts
    )  # fmt: skip
    assert welfare.short("P08", one) == [
        "P08 false exclusion 0.0111",
        "P08 false inclusion 0.0056",
        "P08 decided share 0.9000",
    ]
    assert welfare.short("P06", one)[-1] == "P06 decided share 0.9000"
    good = scores.Score(
        cases=1000, decided=1000, false_exclusions=10, false_inclusions=50, hidden_inclusions=45, **counts
    )  # fmt: skip
    assert welfare.short("P08", good) == []
    assert list(welfare.table({"P08": good})) and welfare.figures({"P08": good})["P08"]["false_inclusion"] == 0.05
