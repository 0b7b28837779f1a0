"""A release is proven by what it changes, and by every row wherever that does not come to what was checked."""

from __future__ import annotations

import random

import psycopg
import pytest

from tests.integration.release_cases import DAY, build, green, judge, shown
from warehouse import release
from warehouse.connection import connect
from warehouse.errors import ReleaseError

_KEPT = "SELECT release_id, sums, control.release_sums(family, release_id) FROM control.release ORDER BY 1"


def _all_kept_as_hashed() -> int:
    """Compare what each release notes of itself with its rows, all of them hashed; how many releases there are."""
    with connect() as hub:
        rows = hub.execute(_KEPT).fetchall()
    for number, kept, hashed in rows:
        assert kept == hashed, number
    return len(rows)


def test_the_sums_of_a_release_are_those_of_all_its_rows(builder: psycopg.Connection) -> None:
    rng = random.Random(46)
    with connect("publisher", autocommit=True) as publisher:
        for step in range(12):
            scores = {f"p{n}": rng.randrange(3) for n in range(8) if rng.random() < 0.7}
            done = release.publish(builder, green(builder, scores, key=f"k{step % 2}").candidate_id, "tester")
            builder.commit()
            if step % 4 == 3:
                release.rollback(publisher, "safety", max(1, done.release_id - 2), "li", "trial")
                release.resume(publisher, "safety", "li", "trial")
    assert _all_kept_as_hashed() > 6


def test_a_product_that_loses_all_its_rows_has_the_hash_of_none(builder: psycopg.Connection) -> None:
    release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")
    builder.execute("TRUNCATE candidate.premises_risk")
    candidate = release.register_candidate(builder, "safety", DAY)
    judge(builder, candidate)
    done = release.publish(builder, candidate.candidate_id, "tester")
    assert done.changes["premises_risk"] == {"rows": 0, "inserted": 0, "closed": 1}
    release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")
    builder.commit()
    assert _all_kept_as_hashed() == 3


@pytest.mark.parametrize(
    "lost",
    ["NULL", "sums - 'grid_risk'", "jsonb_set(sums, '{premises_risk,3}', '7')"],
    ids=["from before the migration", "a new product", "not those of the rows"],
)
def test_where_the_sums_do_not_tell_every_row_is_hashed(builder: psycopg.Connection, lost: str) -> None:
    release.publish(builder, green(builder, {"a": 1, "b": 2}).candidate_id, "tester")
    builder.commit()
    with connect() as hub:
        hub.execute(f"UPDATE control.release SET sums = {lost}".encode())
    done = release.publish(builder, green(builder, {"a": 1, "b": 3}).candidate_id, "tester")
    builder.commit()
    assert done.changes["premises_risk"] == {"rows": 2, "inserted": 1, "closed": 1}
    with connect() as hub:
        kept, hashed = hub.execute(_KEPT).fetchall()[-1][1:]
    assert kept == hashed and shown() == ({"a": 1, "b": 3}, done.release_id)


def test_what_was_written_past_the_functions_is_put_right_by_the_next_release(builder: psycopg.Connection) -> None:
    release.publish(builder, green(builder, {"a": 1, "b": 2}).candidate_id, "tester")
    builder.commit()
    with connect() as hub:
        hub.execute("UPDATE released.premises_risk SET score = 9 WHERE premises_code = 'a'")
    done = release.publish(builder, green(builder, {"a": 1, "b": 3}).candidate_id, "tester")
    builder.commit()
    assert done.changes["premises_risk"] == {"rows": 2, "inserted": 2, "closed": 2}
    assert shown() == ({"a": 1, "b": 3}, done.release_id)
    with connect() as hub:
        kept, hashed = hub.execute(_KEPT).fetchall()[-1][1:]
    assert kept == hashed


@pytest.mark.parametrize(
    "again",
    ["SELECT * FROM candidate.premises_risk", "SELECT * FROM candidate.premises_risk WHERE score = 2"],
    ids=["all rows", "a row that changed"],
)
def test_a_key_that_stands_twice_is_refused_beside_rows_that_stand(builder: psycopg.Connection, again: str) -> None:
    first = release.publish(builder, green(builder, {"a": 1, "b": 1}).candidate_id, "tester")
    builder.commit()
    build(builder, {"a": 1, "b": 2})
    builder.execute(f"INSERT INTO candidate.premises_risk {again}".encode())
    candidate = release.register_candidate(builder, "safety", DAY)
    judge(builder, candidate)
    builder.commit()
    with pytest.raises(ReleaseError, match="stand twice"):
        release.publish(builder, candidate.candidate_id, "tester")
    builder.rollback()
    assert shown() == ({"a": 1, "b": 1}, first.release_id)
