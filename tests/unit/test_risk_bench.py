"""The judge of the safety score: lift with ties, calibration, discovery."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import polars as pl
import pytest

from bench._risk_scores import calibration, capture, discovery, discovery_recall, evidence, expected_lift, rates
from bench.risk import judged_findings, judged_premises, lines, measured, short_of, with_expected


def town(scores: list[float | None], events: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"score": scores, "events": events}, schema={"score": pl.Float64, "events": pl.Int64})


def test_a_ranking_that_knows_holds_everything_in_its_tenth() -> None:
    found = capture(town([float(n) for n in range(20)], [0] * 18 + [3, 1]), "score")
    assert (found.premises, found.events, found.lift) == (2.0, 4.0, 10.0)
    assert found.low < 10 < found.high


def test_one_that_knows_nothing_has_the_lift_of_chance() -> None:
    """All are tied: whoever is chosen blindly holds what a tenth holds."""
    found = capture(town([7.0] * 20, [1] * 4 + [0] * 16), "score")
    assert found.events == pytest.approx(0.4) and found.lift == pytest.approx(1.0)


def test_a_tie_at_the_edge_counts_in_part() -> None:
    """One of ten is wanted, three share the first rank, one of these has the two events."""
    found = capture(town([9.0, 9.0, 9.0, *[1.0] * 7], [2, 0, 0, *[0] * 7]), "score")
    assert found.events == pytest.approx(2 / 3) and found.lift == pytest.approx(10 / 3)


def test_the_wrong_way_round_holds_nothing_and_unknown_ranks_last() -> None:
    assert capture(town([float(n) for n in range(10)], [5] + [0] * 9), "score").lift == 0
    assert capture(town([None, *[1.0] * 9], [5] + [0] * 9), "score").events == 0


def test_where_nothing_happens_there_is_no_lift() -> None:
    assert math.isnan(capture(town([1.0, 2.0], [0, 0]), "score").lift)
    with pytest.raises(ValueError, match="no premises"):
        capture(town([], []), "score")


def test_calibration_is_by_bands_of_ten() -> None:
    found = calibration(town([0.0, 9.0, 10.0, 25.0, None], [0, 1, 1, 3, 9]), "score")
    assert found.rows() == [(0, 2, 1, 0.5), (10, 1, 1, 1.0), (20, 1, 3, 3.0)]
    assert rates(pl.DataFrame({"colour": ["red", "red"], "events": [1, 2]}), "colour").rows() == [("red", 2, 3, 1.5)]


def test_evidence_is_how_much_more_is_to_be_expected_with_it_than_without() -> None:
    """A rule that gives points to all, or where nothing is to be expected elsewhere, tells nothing."""
    frame = pl.DataFrame(
        {
            "rules": [["category", "fire_incidents"], ["category"], ["category", "penalties"], ["category"]],
            "expected": [0.4, 0.1, 0.05, 0.15],
        }
    )
    found = {rule: figures for rule, *figures in evidence(frame).rows()}
    assert found == {
        "fire_incidents": [1, pytest.approx(4.0), pytest.approx(2.0)],
        "penalties": [1, pytest.approx(0.05 / (0.65 / 3)), pytest.approx(math.log2(0.15 / 0.65))],
    }
    assert evidence(frame.with_columns(expected=0.0)).is_empty()


PREMISES = pl.DataFrame(
    {
        "premises_id": [1, 2, 3], "true_hazard": [0.9, 0.1, 0.5], "coded": [True, True, False],
        "future_fire": [1, 0, 0], "future_gas": [1, 0, 0], "future_safety_hazard": [1, 0, 4],
        "expected": [0.5, 0.1, 0.2], "opened_on": [date(2020, 1, 1)] * 3,
        "closed_on": pl.Series([None] * 3, dtype=pl.Date),
    }
)  # fmt: skip


def scored(*rows: tuple[str, int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        [(code, score, "green", True, 8.0, ["category"]) for code, score in rows],
        schema=["record_key", "score", "colour", "visited", "category_points", "rules"], orient="row",
    )  # fmt: skip


def test_of_two_codes_the_worse_stands_and_what_has_no_truth_is_left_out() -> None:
    who = pl.DataFrame({"record_key": ["A1", "A1-2", "A2"], "true_id": [1, 1, 2]})
    found = judged_premises(scored(("A1", 10), ("A1-2", 40), ("A2", None), ("A9", 80)), who, PREMISES)
    assert found.select("premises_id", "score", "events").rows() == [(1, 40, 3), (2, None, 0)]


def test_discovery_is_right_where_the_truth_has_no_code() -> None:
    found = pl.DataFrame(
        {
            "register": ["r"] * 4,
            "record_key": ["D1", "D2", "D3", "D9"],
            "finding": ["uncovered", "uncovered", "covered", "uncovered"],
            "confidence": ["high", "high", "high", "high"],
        }
    )
    who = pl.DataFrame({"register": ["r"] * 3, "record_key": ["D1", "D2", "D3"], "true_id": [3, 1, 2]})
    judged = judged_findings(found, who, PREMISES)
    assert discovery(judged).rows() == [("r", "high", 2, 1, 0.5)]
    assert discovery_recall(judged) == 1.0
    assert discovery_recall(judged.with_columns(finding=pl.lit("covered"))) == 0.0


def test_missed_aims_are_told() -> None:
    frame = judged_premises(
        scored(*((f"A{n}", n) for n in range(10))),
        pl.DataFrame({"record_key": [f"A{n}" for n in range(10)], "true_id": list(range(10))}),
        pl.DataFrame(
            {"premises_id": list(range(10)), "true_hazard": [0.5] * 10, "future_fire": [0] * 9 + [1],
             "future_gas": [0] * 10, "future_safety_hazard": [0] * 10, "expected": [0.1] * 9 + [0.9]}
        ),
    )  # fmt: skip
    none = pl.DataFrame(
        schema={"register": pl.String, "finding": pl.String, "confidence": pl.String, "coded": pl.Boolean,
                "premises_id": pl.Int64}
    )  # fmt: skip
    figures: dict[str, Any] = measured(frame, none)
    assert short_of(figures) == []
    upside_down = measured(frame.with_columns(score=-pl.col("score")), none)
    assert [told.split(" is ")[0] for told in short_of(upside_down)] == ["lift 0.56", "lift 0.56"]
    assert len(list(lines(figures))) > 10


def test_the_expected_is_the_mean_of_other_futures() -> None:
    """The same seeds give the same, and who is in more danger has more to expect: e to the seventh from 0 to 1."""
    found = with_expected(PREMISES, date(2026, 6, 30), range(300))
    assert found.equals(with_expected(PREMISES, date(2026, 6, 30), range(300)))
    worst, least, middle = found["expected"]
    assert worst > middle > least and 8 < worst / middle < 35
    frame = found.with_columns(score=pl.col("true_hazard"))
    assert expected_lift(frame, "score", top=1 / 3) == pytest.approx(worst / found["expected"].mean())
