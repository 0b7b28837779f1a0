"""A record that a source gives to somebody else takes nobody's key along, and leads no old key to him."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from resolution import carried, ledger, review_queue
from resolution.runner import resolve
from tests.unit.resolution.landed_town import LandedTown
from tests.unit.resolution.test_decided_runs import (
    NAMES,
    SYSTEMS,
    by_changes_as_full,
    decide,
    groups,
    of,
    reviews,
    table,
)
from warehouse import connection


@pytest.fixture
def landed(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> LandedTown:
    monkeypatch.setattr(carried, "MOST", 1.0)
    return LandedTown(fresh_database, SYSTEMS, monkeypatch)


def keys(landed: LandedTown) -> dict[str, str]:
    return dict(
        landed.conn.execute("SELECT record_key, entity_key FROM resolution.membership WHERE to_run IS NULL").fetchall()
    )


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("others", [{}, {"c1": of("C"), "c2": of("C")}])
def test_a_key_does_not_follow_a_record_that_is_anothers_now(
    landed: LandedTown, others: dict[str, dict[str, Any]], full: bool
) -> None:
    town = {"p": of("A"), "f1": of("F")} | others
    landed.land(table(**town))
    resolve("residents")
    before = keys(landed)
    landed.land(table(**town | {"p": of("C")}))
    resolve("residents", full=full)
    after = keys(landed)
    assert before["p"] not in after.values() and {after[name] for name in others} <= {after["p"]}
    assert {name: after[name] for name in others} == {name: before[name] for name in others}
    assert ledger.resolve_key(landed.conn, before["p"]) is None
    done = resolve("residents", full=True)
    assert keys(landed) == after and (done.created, done.merged, done.split) == (0, 0, 0)


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("change", [{"resident_id_no": of("C")["resident_id_no"]}, {"name": NAMES["C"]}])
def test_who_is_put_right_keeps_the_key(landed: LandedTown, change: dict[str, str], full: bool) -> None:
    town = {"p": of("A"), "f1": of("F")}
    landed.land(table(**town))
    resolve("residents")
    before = keys(landed)
    landed.land(table(**town | {"p": of("A") | change}))
    resolve("residents", full=full)
    assert keys(landed) == before


@pytest.mark.parametrize("late", [False, True])
def test_a_purged_record_gives_its_key_to_nobody(landed: LandedTown, late: bool) -> None:
    """Whether retention purges it while it is current or long after it ended."""
    town = {"p": of("A"), "f1": of("F")}
    landed.land(table(**town))
    resolve("residents")
    before = keys(landed)
    if late:
        landed.land(table(f1=of("F")))
        resolve("residents")
        landed.current = pl.concat([landed.current, table(p=of("A"))])
    landed.purge(table(p=of("A")))
    resolve("residents")
    assert ledger.resolve_key(landed.conn, before["p"]) is None
    landed.land(table(**town | {"p": of("C")}))
    resolve("residents")
    assert keys(landed)["p"] not in before.values() and keys(landed)["f1"] == before["f1"]
    assert ledger.resolve_key(landed.conn, before["p"]) is None


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("others", [("a2",), ()])
def test_a_must_link_does_not_follow_a_record_that_is_anothers_now(
    landed: LandedTown, others: tuple[str, ...], full: bool
) -> None:
    """Nobody said of C that he is A: what was decided of the record that bore A's name holds of A."""
    town = {"p": of("A"), "q": {"name": NAMES["A"]}, "c1": of("C")} | {name: of("A") for name in others}
    landed.land(table(**town))
    resolve("residents")
    decide("must_link", "p", "q")
    resolve("residents")
    before = keys(landed)
    assert before["p"] == before["q"] != before["c1"]
    landed.land(table(**town | {"p": of("C")}))
    resolve("residents", full=full)
    after = keys(landed)
    assert after["p"] == after["c1"] == before["c1"] and after["q"] != after["p"]
    assert {after[name] for name in others} <= {after["q"]}
    landed.land(table(**town | {"p": of("C"), "f1": of("F")}))
    resolve("residents")
    resolve("residents", full=True)
    assert {name: key for name, key in keys(landed).items() if name != "f1"} == after


@pytest.mark.parametrize("full", [False, True])
def test_a_cannot_link_does_not_follow_a_record_that_is_anothers_now(landed: LandedTown, full: bool) -> None:
    """Who was kept from A is not kept from C, and stays kept from whoever is left of A."""
    town = {"p": of("A"), "a2": of("A"), "w": of("A"), "c1": of("C")}
    landed.land(table(**town))
    resolve("residents")
    decide("cannot_link", "p", "w")
    resolve("residents")
    assert groups(landed) == {"a2 p", "w", "c1"}
    landed.land(table(**town | {"p": of("C")}))
    resolve("residents", full=full)
    assert groups(landed) == {"a2", "w", "c1 p"}
    by_changes_as_full(landed)
    assert groups(landed) == {"a2", "w", "c1 p"}


def test_a_decision_does_not_follow_a_key_that_was_purged_and_given_to_another(landed: LandedTown) -> None:
    town = {"p": of("A"), "a2": of("A"), "q": of("F"), "c1": of("C")}
    landed.land(table(**town))
    resolve("residents")
    decide("must_link", "p", "q")
    resolve("residents")
    assert groups(landed) == {"a2 p q", "c1"}
    landed.purge(table(p=of("A")))
    resolve("residents")
    landed.land(table(**town | {"p": of("C")}))
    by_changes_as_full(landed)
    assert groups(landed) == {"a2 q", "c1 p"}


def test_what_a_record_was_is_void_even_where_it_stays(landed: LandedTown) -> None:
    """A steward said that A and C are one; the record of A is C's own now, and was another's all the same."""
    town = {"p": of("A"), "q": of("C"), "w": of("C")}
    landed.land(table(**town))
    resolve("residents")
    decide("must_link", "p", "q")
    decide("cannot_link", "p", "w")
    resolve("residents")
    landed.land(table(**town | {"p": of("C")}))
    by_changes_as_full(landed)
    void = landed.conn.execute("SELECT record_key FROM resolution.membership WHERE voided").fetchall()
    assert ("p",) in void


def test_a_decision_about_who_has_the_key_now_holds(landed: LandedTown) -> None:
    town = {"p": of("A"), "a2": of("A"), "c1": of("C")}
    landed.land(table(**town))
    resolve("residents")
    landed.land(table(**town | {"p": of("C")}))
    resolve("residents")
    decide("cannot_link", "c1", "p")
    by_changes_as_full(landed)
    assert groups(landed) == {"a2", "c1", "p"}


@pytest.mark.parametrize("change", [{"resident_id_no": of("C")["resident_id_no"]}, {"name": NAMES["C"]}])
def test_a_decision_follows_who_is_put_right(landed: LandedTown, change: dict[str, str]) -> None:
    town = {"p": of("A"), "q": of("F")}
    landed.land(table(**town))
    resolve("residents")
    decide("must_link", "p", "q")
    resolve("residents")
    landed.land(table(**town | {"p": of("A") | change}))
    by_changes_as_full(landed)
    assert groups(landed) == {"p q"}


@pytest.mark.parametrize("other", [False, True])
def test_a_doubt_that_was_settled_about_another_person_is_asked_again(landed: LandedTown, other: bool) -> None:
    town = {"p": of("A"), "q": of("F"), "c1": of("C")}
    landed.land(table(**town))
    resolve("residents")
    decision = decide("must_link", "p", "q")
    landed.conn.execute(
        """INSERT INTO resolution.review (kind, record, reason, state, outcome, decided_by, decided_at, decision_id)
           SELECT 'resident', jsonb_build_object('system', a_system, 'stream', a_stream, 'record_key', a_record_key),
                  'doubt', 'decided', 'must_link', 'li', decided_at, decision_id
             FROM resolution.decision WHERE decision_id = %s""",
        [decision],
    )
    landed.land(table(**town | {"p": of("C") if other else of("A") | {"phone": "13912345678"}}))
    resolve("residents")
    with connection.connect("builder") as conn:
        found = pl.DataFrame([(0, "doubt")], schema={"row": pl.Int64, "reason": pl.String}, orient="row")
        review_queue.write(conn, "resident", 2, table(p={}), found)
        conn.commit()
    assert reviews(landed) == ([("p", "doubt")] if other else [])
