"""What stewards decided, run by run on PostgreSQL: runs by changes apply it as full runs do."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest

from connectors.standards import resident_id
from resolution import carried, decisions, review_queue
from resolution.decisions import Record, Verdict
from resolution.runner import ResolutionResult, resolve
from resolution.sources import RESIDENT_SCHEMA
from tests.unit.resolution.landed_town import LandedTown
from warehouse import connection

SYSTEMS = ("household_registry", "pension")
BORN = {name: dt.date(1960 + at, 3, 5) for at, name in enumerate("ACEFX")}
NAMES = dict(zip("ACEFX", ["王大山", "李秀英", "陈小明", "赵敏华", "欧阳锋"], strict=True))


@pytest.fixture
def landed(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> LandedTown:
    monkeypatch.setattr(carried, "MOST", 1.0)
    return LandedTown(fresh_database, SYSTEMS, monkeypatch)


def of(person: str) -> dict[str, Any]:
    """What a record of a person states; persons differ in everything."""
    born = BORN[person]
    made = resident_id.make(pl.Series(["330199"]), pl.Series([born]), pl.Series([11]))
    return {"name": NAMES[person], "resident_id_no": str(made[0]), "birth_date": born}


def table(**records: dict[str, Any]) -> pl.DataFrame:
    """record key → what it states, all of one system."""
    rows = [{"system": SYSTEMS[0], "stream": "t", "record_key": key} | said for key, said in sorted(records.items())]
    return pl.DataFrame(rows, schema=RESIDENT_SCHEMA, orient="row", infer_schema_length=None)


def decide(verdict: Verdict, a: str, b: str) -> int:
    sides = (Record(SYSTEMS[0], "t", key) for key in (a, b))
    with connection.connect("builder") as conn:
        decision = decisions.decide(conn, "resident", verdict, *sides, by="li", reason="asked")
        conn.commit()
    return decision


def groups(landed: LandedTown) -> set[str]:
    """Who is one, as the keys of their records in order."""
    return {" ".join(sorted(key for _, _, key in records)) for records, _ in landed.groups()}


def by_changes_as_full(landed: LandedTown) -> ResolutionResult:
    """A run by changes, and after it a full one that changes nothing."""
    done = resolve("residents")
    mine = landed.groups()
    full = resolve("residents", full=True)
    assert landed.groups() == mine and full.content_hash == done.content_hash
    assert (full.created, full.merged, full.split) == (0, 0, 0)
    return done


def test_who_is_read_beside_a_key_of_old_is_not_taken_for_who_was_parted(landed: LandedTown) -> None:
    """Two decisions part two persons, and a key that is no more had records in F and X: none of them are one."""
    town = {"a1": of("A"), "a2": of("A"), "c1": of("C"), "c2": of("C"), "e1": of("E"), "x1": of("E"),
            "f1": of("F"), "f2": of("F"), "x2": of("X"), "x3": of("X")}  # fmt: skip
    landed.land(table(**town))
    resolve("residents")
    decide("cannot_link", "a1", "a2")
    decide("cannot_link", "c1", "c2")
    town |= {"e1": of("F"), "x1": of("X")}
    landed.land(table(**town))
    resolve("residents")
    parted = {"a1", "a2", "c1", "c2", "e1 f1 f2", "x1 x2 x3"}
    assert groups(landed) == parted
    town["f1"] = of("F") | {"phone": "13912345678"}
    landed.land(table(**town))
    by_changes_as_full(landed)
    assert groups(landed) == parted


def test_a_doubtful_record_goes_to_whom_a_steward_names_and_takes_nobody_along(landed: LandedTown) -> None:
    """It bears the number of C and the name of A, so it was set aside and went to A by its name."""
    town = {"a1": of("A"), "a2": of("A"), "c1": of("C"), "c2": of("C"),
            "w": {"name": NAMES["A"], "resident_id_no": of("C")["resident_id_no"]}}  # fmt: skip
    landed.land(table(**town))
    resolve("residents")
    assert groups(landed) == {"a1 a2 w", "c1 c2"}
    decide("must_link", "c1", "w")
    by_changes_as_full(landed)
    assert groups(landed) == {"a1 a2", "c1 c2 w"}
    decide("cannot_link", "a1", "w")
    by_changes_as_full(landed)
    assert groups(landed) == {"a1 a2", "c1 c2 w"}
    town["a1"] |= {"phone": "13912345678"}
    landed.land(table(**town))
    by_changes_as_full(landed)
    assert groups(landed) == {"a1 a2", "c1 c2 w"}


def test_who_was_kept_apart_stays_apart_when_the_record_that_was_named_is_gone(landed: LandedTown) -> None:
    town = {key: of("A") for key in ("a1", "a2", "a3")} | {"c1": of("C")}
    landed.land(table(**town))
    resolve("residents")
    decide("cannot_link", "a1", "a2")
    by_changes_as_full(landed)
    assert groups(landed) == {"a1 a3", "a2", "c1"}
    del town["a1"]
    for said in ({}, {"a4": of("A")}, {"c1": of("C") | {"phone": "13912345678"}}):
        town |= said
        landed.land(table(**town))
        by_changes_as_full(landed)
        assert "a2" in groups(landed)
    assert reviews(landed) == []
    town["a1"] = of("A")
    landed.land(table(**town))
    by_changes_as_full(landed)
    assert groups(landed) == {"a1 a3 a4", "a2", "c1"}


def test_who_was_linked_stays_linked_when_the_record_that_was_named_is_gone(landed: LandedTown) -> None:
    town = {"a1": of("A"), "a2": of("A"), "c1": of("C"), "c2": of("C")}
    landed.land(table(**town))
    resolve("residents")
    decide("must_link", "a1", "c1")
    by_changes_as_full(landed)
    del town["a1"]
    landed.land(table(**town))
    by_changes_as_full(landed)
    assert groups(landed) == {"a2 c1 c2"}
    del town["c1"]
    landed.land(table(**town | {"f1": of("F")}))
    by_changes_as_full(landed)
    assert groups(landed) == {"a2 c2", "f1"}


def test_a_decision_of_which_nobody_is_left_is_asked_again(landed: LandedTown) -> None:
    town = {"a1": of("A"), "a2": of("A")}
    landed.land(table(**town))
    resolve("residents")
    decision = decide("cannot_link", "a1", "a2")
    resolve("residents")
    for there in ({"a2": of("A")}, {"a2": of("A"), "a5": of("A")}):
        landed.land(table(**there))
        by_changes_as_full(landed)
        ((key, reason),) = reviews(landed)
        assert key == "a2" and reason.startswith(f"decision {decision} holds no more")
    assert groups(landed) == {"a2 a5"}


@pytest.mark.parametrize(
    "change",
    [
        {"w": {"name": NAMES["A"], "resident_id_no": of("A")["resident_id_no"]}},
        {"w": None},
        {"x1": of("X") | {"name": NAMES["A"]}},
    ],
    ids=["number", "gone", "namesake"],
)
def test_what_is_doubtful_no_more_leaves_the_queue_in_a_run_by_changes(
    landed: LandedTown, monkeypatch: pytest.MonkeyPatch, change: dict[str, dict[str, Any] | None]
) -> None:
    """w decides something and is A's by its name alone; v bears C's number and stays doubtful."""
    monkeypatch.setattr(review_queue, "DECISIVE", {(SYSTEMS[0], "t"): "true"})
    town: dict[str, Any] = {"a1": of("A"), "w": {"name": NAMES["A"]}, "c1": of("C")}
    town["v"] = of("E") | {"resident_id_no": of("C")["resident_id_no"]}
    landed.land(table(**town))
    resolve("residents")
    assert {(key, reason[:8]) for key, reason in reviews(landed)} == {("v", "identity"), ("w", "decides ")}
    landed.land(table(**town | {"f1": of("F")}))
    resolve("residents")
    assert {key for key, _ in reviews(landed)} == {"v", "w"}
    landed.land(table(**{key: said for key, said in (town | change).items() if said is not None}))
    resolve("residents")
    assert [key for key, _ in reviews(landed)] == ["v"]
    by_changes_as_full(landed)
    assert [key for key, _ in reviews(landed)] == ["v"]


def reviews(landed: LandedTown) -> list[tuple[str, str]]:
    return landed.conn.execute(
        "SELECT record ->> 'record_key', reason FROM resolution.review WHERE state = 'open' ORDER BY review_id"
    ).fetchall()
