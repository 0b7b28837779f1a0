"""The stewards' queue: what is doubtful waits in it once, and comes back when its decision is revoked."""

from __future__ import annotations

import polars as pl
import psycopg

from resolution import review_queue

RECORDS = pl.DataFrame([("s", "t", "r1")], schema=["system", "stream", "record_key"], orient="row")
DOUBTFUL = pl.DataFrame([(0, "shared number")], schema={"row": pl.Int64, "reason": pl.String}, orient="row")


def queue(conn: psycopg.Connection) -> list[str]:
    """The states of the one record's reviews, after it was found doubtful once more."""
    review_queue.write(conn, "resident", 1, RECORDS, DOUBTFUL)
    rows = conn.execute("SELECT state FROM resolution.review WHERE kind = 'resident' ORDER BY review_id").fetchall()
    return [state for (state,) in rows]


def decide(conn: psycopg.Connection) -> None:
    conn.execute(
        "WITH made AS (INSERT INTO resolution.decision (kind, a_system, a_stream, a_record_key, b_system, b_stream,"
        " b_record_key, verdict, decided_by, reason)"
        " VALUES ('resident', 's', 't', 'r1', 's', 't', 'r2', 'cannot_link', 'li', 'asked') RETURNING decision_id)"
        " UPDATE resolution.review SET state = 'decided', decision_id = made.decision_id FROM made WHERE state = 'open'"
    )


def test_a_doubtful_record_waits_once_until_its_decision_is_revoked(conn: psycopg.Connection) -> None:
    assert queue(conn) == ["open"]
    assert queue(conn) == ["open"], "it waits already"
    decide(conn)
    assert queue(conn) == ["decided"], "a decision in force stands"
    conn.execute("UPDATE resolution.decision SET revoked_at = now(), revoked_by = 'li', revoked_reason = 'mistaken'")
    assert queue(conn) == ["decided", "open"]
    assert queue(conn) == ["decided", "open"]
    decide(conn)
    assert queue(conn) == ["decided", "decided"], "the newer decision stands, whatever became of the older one"


def test_what_a_steward_closed_without_a_decision_stays_closed(conn: psycopg.Connection) -> None:
    assert queue(conn) == ["open"]
    conn.execute("UPDATE resolution.review SET state = 'decided'")
    assert queue(conn) == ["decided"]


def test_what_is_doubtful_no_more_leaves_the_queue_and_may_come_back(conn: psycopg.Connection) -> None:
    assert queue(conn) == ["open"]
    told = review_queue.write(conn, "resident", 2, RECORDS, DOUBTFUL)
    review_queue.settle(conn, "resident", 2, told, None)
    assert queue(conn) == ["open"], "it is doubtful still"
    told = review_queue.write(conn, "resident", 3, RECORDS, DOUBTFUL.clear())
    review_queue.settle(conn, "resident", 3, told, None)
    settled = conn.execute("SELECT state, decided_by, outcome, outcome_reason FROM resolution.review").fetchall()
    assert settled == [("decided", "resolution", None, "not doubtful any more in run 3")]
    assert queue(conn) == ["decided", "open"]


def test_only_what_was_looked_at_leaves_the_queue(conn: psycopg.Connection) -> None:
    """A run over changes knows nothing of the doubts about other records."""
    assert queue(conn) == ["open"]
    told = review_queue.write(conn, "resident", 2, RECORDS, DOUBTFUL.clear())
    for others in (RECORDS.clear(), RECORDS.with_columns(record_key=pl.lit("r2"))):
        review_queue.settle(conn, "resident", 2, told, others)
        assert queue(conn) == ["open"]
    review_queue.settle(conn, "resident", 2, told, RECORDS)
    assert queue(conn) == ["decided", "open"]


def test_whose_a_record_that_decides_is_a_steward_is_asked_where_a_name_alone_says_so(conn: psycopg.Connection) -> None:
    """A notice of death, a removal or death in the register of residents, an order of payment that reached somebody."""
    conn.execute(
        "CREATE SCHEMA IF NOT EXISTS staging;"
        "CREATE VIEW staging.stg_death_register__deaths AS SELECT * FROM (VALUES ('S1'), ('S2')) AS t (notice_no);"
        "CREATE VIEW staging.stg_household_registry__residents AS SELECT * FROM"
        " (VALUES ('H1', 'moved_out'), ('H2', 'normal'), ('H3', 'dead')) AS t (person_no, state);"
        "CREATE VIEW staging.stg_welfare_payment__payments AS SELECT * FROM"
        " (VALUES ('Z1', 'pending'), ('Z2', 'returned')) AS t (payment_no, state);"
    )
    deaths, register = ("death_register", "deaths"), ("household_registry", "residents")
    orders = ("welfare_payment", "payments")
    linked = pl.DataFrame(
        [(0, *deaths, "S1", "probable"), (1, *deaths, "S2", "exact"), (2, *register, "H1", "probable"),
         (3, *register, "H2", "probable"), (4, *register, "H3", "probable"), (5, *orders, "Z1", "probable"),
         (6, *orders, "Z2", "probable"), (7, "pension", "pensioners", "B1", "probable")],
        schema=["row", "system", "stream", "record_key", "link_kind"], orient="row",
    )  # fmt: skip
    found = review_queue.by_name(conn, linked)
    assert found.rows() == [(row, review_queue.BY_NAME) for row in (0, 2, 4, 5)]
    assert review_queue.by_name(conn, linked.clear()).is_empty()
