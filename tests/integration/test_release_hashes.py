"""What a release is told by: the same for the same content, another for any other, on two PostgreSQL versions."""

from __future__ import annotations

import os

import psycopg
import pytest

from tests.candidates import empty_candidates
from tests.integration.release_cases import DAY, build, green, prepare, shown
from warehouse import release
from warehouse.connection import connect
from warehouse.errors import ReleaseError


def test_hash_is_the_same_whatever_the_session_says(builder: psycopg.Connection) -> None:
    build(builder, {"a": 1, "b": 2, "c": 63})
    expected = builder.execute("SELECT control.candidate_hash('safety')").fetchone()
    for setting in ("TimeZone = 'America/New_York'", "DateStyle = 'SQL, DMY'", "extra_float_digits = -5"):
        builder.execute(f"SET {setting}")
    build(builder, {"c": 63, "b": 2, "a": 1}, key="another")
    assert builder.execute("SELECT control.candidate_hash('safety')").fetchone() == expected
    build(builder, {"c": 63, "b": 2, "a": 2})
    assert builder.execute("SELECT control.candidate_hash('safety')").fetchone() != expected


HASHED_APART = {
    "two rows exchange a value": "UPDATE candidate.premises_risk SET score = 3 - score",
    "a value moves to the next column": "UPDATE candidate.grid_risk SET community_code = name, name = community_code",
    "a missing text becomes an empty one": "UPDATE candidate.grid_risk SET border = ''",
}


@pytest.mark.parametrize("way", HASHED_APART)
def test_the_hash_tells_apart(builder: psycopg.Connection, way: str) -> None:
    build(builder, {"a": 1, "b": 2})
    builder.execute("UPDATE candidate.grid_risk SET name = 'x'")
    before = builder.execute("SELECT * FROM control.candidate_hashes('safety')").fetchone()
    builder.execute(HASHED_APART[way].encode())
    after = builder.execute("SELECT * FROM control.candidate_hashes('safety')").fetchone()
    assert before is not None and after is not None
    assert before[0] != after[0] and before[1] != after[1]


def test_numbers_and_times_of_eight_bytes_are_hashed_whole(builder: psycopg.Connection) -> None:
    """PostgreSQL's own hash of them folds the halves together: 0 and 2^32 + 1 would be the same."""
    empty_candidates(builder, "enforcement", but=frozenset())
    empty_candidates(builder, "welfare", but=frozenset())
    fold = 2**32 + 1
    for product, key, column, small, large in (
        ("welfare_reconciliation", "policy_code", "due_people", "0", str(fold)),
        ("event", "incident_key", "due_at", "timestamptz '2000-01-01Z'",
         f"timestamptz '2000-01-01Z' + interval '{fold} microseconds'"),
    ):  # fmt: skip
        builder.execute(f"INSERT INTO candidate.{product} ({key}, {column}) VALUES ('x', {small})".encode())
        hashes = f"SELECT * FROM control.product_hash('{product}', NULL)".encode()
        before = builder.execute(hashes).fetchone()
        builder.execute(f"UPDATE candidate.{product} SET {column} = {large}".encode())
        after = builder.execute(hashes).fetchone()
        assert before is not None and after is not None
        assert before[0] != after[0] and before[1] != after[1]


def test_a_release_hashed_in_another_way_is_not_taken_for_the_same(builder: psycopg.Connection) -> None:
    """As after an upgrade: one release more, of which no row changed."""
    first = release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")
    builder.commit()
    with connect() as hub:
        hub.execute("UPDATE control.release SET exact_hash = 'as it was written before', content_hash = 'likewise'")
    second = release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")
    assert second.published and second.release_id > first.release_id
    assert second.changes["premises_risk"] == {"rows": 1, "inserted": 0, "closed": 0}
    third = release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")
    assert third.release_id == second.release_id


def _flow() -> tuple[str, str]:
    with prepare() as builder:
        done = release.publish(builder, green(builder, {"甲": 61, "b": 2}).candidate_id, "tester")
        builder.commit()
        assert shown() == ({"甲": 61, "b": 2}, done.release_id)
        spoilt = release.register_candidate(builder, "safety", DAY)
        builder.commit()
        with pytest.raises(ReleaseError):
            release.publish(builder, spoilt.candidate_id, "tester")
        builder.rollback()
        return done.content_hash, release.serving_hash(builder)


def test_a_server_of_another_version_gives_the_same_hashes(fresh_database: str, external_database: str) -> None:
    there = _flow()
    assert os.environ["TOWNHUB_DATABASE_URL"] == external_database
    os.environ["TOWNHUB_DATABASE_URL"] = fresh_database
    assert _flow() == there
    os.environ["TOWNHUB_DATABASE_URL"] = external_database
