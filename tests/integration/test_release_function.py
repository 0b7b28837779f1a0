"""control.publish under attack, against a model of what must be visible, and on two PostgreSQL versions."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.candidates import empty_candidates
from warehouse import audit, release
from warehouse.access import apply_grants, run_as, unexpected_privileges
from warehouse.connection import connect
from warehouse.errors import ReleaseError

DAY = date(2026, 6, 30)
CHECKS = ("keys_unique", "coverage", "no_unknown_colour")

# As dbt would build them: other column order, wider types than the released tables have.
CANDIDATE_TABLES = """
CREATE TABLE candidate.premises_risk (
    score integer, colour text, reason text, score_version text, points jsonb, gates text[], unknown_inputs text[],
    held_inputs text[],
    premises_code text, premises_key text, enterprise_key text, name text, category text, grid_code text,
    community_code text, longitude double precision, latitude double precision, last_inspected_on date,
    next_inspection_due date, overdue boolean);
CREATE TABLE candidate.grid_risk (
    grid_code text, community_code text, name text, premises_count bigint, scored_count bigint, red_count bigint,
    yellow_count bigint, green_count bigint, grey_count bigint, coverage numeric, raw_score numeric,
    shrunk_score numeric, colour text, confidence text, reason text, score_version text,
    rows_held bigint, rows_held_unplaced bigint, community_name text, border text);
CREATE TABLE candidate.welfare_match (
    resident_key text, policy_code text, community_code text, outcome text, reason text, missing_evidence text[],
    receiving boolean, finding text, amount_due numeric, rule_version text, evidence jsonb, due_on date);
"""


def _premises(code: str, score: int, key: str = "pk") -> dict[str, Any]:
    return {
        "premises_code": code, "premises_key": key, "score": score, "colour": "red" if score >= 60 else "green",
        "reason": f"{score} points", "points": Jsonb({"inspection": score, "a": 1.50}), "gates": ["gas"],
        "longitude": 120.1 + score / 7, "latitude": 30.3, "last_inspected_on": DAY, "score_version": "v1",
    }  # fmt: skip


def _fill(builder: psycopg.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    builder.execute(sql.SQL("TRUNCATE candidate.{}").format(sql.Identifier(table)))
    for row in rows:
        builder.execute(
            sql.SQL("INSERT INTO candidate.{} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Literal, row.values())),
            )
        )


def _build(builder: psycopg.Connection, scores: dict[str, int], *, key: str = "pk") -> None:
    """Candidate tables of the safety family: a premises per score and one grid."""
    _fill(builder, "premises_risk", [_premises(code, score, key) for code, score in scores.items()])
    grid = {
        "grid_code": "g1", "premises_count": len(scores), "coverage": "0.5", "raw_score": sum(scores.values()),
        "colour": "blue", "reason": "few", "score_version": "v1",
    }  # fmt: skip
    _fill(builder, "grid_risk", [grid])


def _judge(
    connection: psycopg.Connection,
    candidate: release.Candidate,
    state: str = "green",
    rows: int | None = 5,
    checks: tuple[str, ...] = CHECKS,
) -> None:
    for check in checks:
        connection.execute(
            "INSERT INTO control.verdict (family, candidate_id, check_name, state, rows_checked) "
            "VALUES (%s, %s, %s, %s, %s)",
            [candidate.family, candidate.candidate_id, check, state, rows],
        )


def _green(
    builder: psycopg.Connection, scores: dict[str, int], *, day: date = DAY, key: str = "pk"
) -> release.Candidate:
    _build(builder, scores, key=key)
    candidate = release.register_candidate(builder, "safety", day)
    _judge(builder, candidate)
    return candidate


def _prepare() -> psycopg.Connection:
    with connect("owner") as owner:
        for family in ("safety", "welfare"):
            for check in CHECKS:
                owner.execute("INSERT INTO control.required_check VALUES (%s, %s)", [family, check])
    builder = connect("builder")
    builder.execute(CANDIDATE_TABLES)
    empty_candidates(builder, "safety", but=frozenset({"premises_risk", "grid_risk"}))
    builder.commit()
    return builder


def _seen() -> tuple[dict[str, int], int | None]:
    """What the safety app sees: score by premises, and the release."""
    with connect() as connection:
        connection.execute("SET ROLE townhub_app_safety")
        rows = connection.execute("SELECT premises_code, score FROM serving.premises_risk").fetchall()
        info = connection.execute("SELECT release_id FROM serving.release_info WHERE family = 'safety'").fetchone()
    assert len(rows) == len({row[0] for row in rows})
    return dict(rows), None if info is None else info[0]


@pytest.fixture
def builder(fresh_database: str) -> Iterator[psycopg.Connection]:
    with _prepare() as connection:
        yield connection


def test_green_candidate_is_published_once(builder: psycopg.Connection) -> None:
    candidate = _green(builder, {"a": 10, "b": 70})
    first = release.publish(builder, candidate.candidate_id, "tester", "run-1")
    again = release.publish(builder, candidate.candidate_id, "tester")
    builder.commit()
    assert first.published and not again.published and again.release_id == first.release_id
    assert first.changes["premises_risk"] == {"rows": 2, "inserted": 2, "closed": 0}
    assert _seen() == ({"a": 10, "b": 70}, first.release_id)
    same = _green(builder, {"b": 70, "a": 10})
    assert same.content_hash == candidate.content_hash == first.content_hash
    assert release.publish(builder, same.candidate_id, "tester").release_id == first.release_id


def test_cost_follows_the_change(builder: psycopg.Connection) -> None:
    release.publish(builder, _green(builder, {f"p{n}": n for n in range(200)}).candidate_id, "tester")
    scores = {f"p{n}": n for n in range(1, 201)} | {"p7": 99}
    changed = release.publish(builder, _green(builder, scores).candidate_id, "tester")
    assert changed.changes["premises_risk"] == {"rows": 200, "inserted": 2, "closed": 2}


def test_next_day_with_the_same_content_is_a_release_without_row_changes(builder: psycopg.Connection) -> None:
    first = release.publish(builder, _green(builder, {"a": 1}).candidate_id, "tester")
    second = release.publish(builder, _green(builder, {"a": 1}, day=DAY + timedelta(1)).candidate_id, "tester")
    assert second.published and second.release_id > first.release_id
    assert second.content_hash == first.content_hash
    assert second.changes["premises_risk"] == {"rows": 1, "inserted": 0, "closed": 0}


def test_changed_entity_key_is_shown_but_keeps_the_content_hash(builder: psycopg.Connection) -> None:
    first = release.publish(builder, _green(builder, {"a": 1}, key="k1").candidate_id, "tester")
    before = release.serving_hash(builder)
    second = release.publish(builder, _green(builder, {"a": 1}, key="k2").candidate_id, "tester")
    assert second.published and second.content_hash == first.content_hash
    assert release.serving_hash(builder) == before
    builder.commit()
    assert run_as("safety", "SELECT premises_key FROM serving.premises_risk").rows == [("k2",)]


VERDICTS: dict[str, tuple[str, int | None]] = {
    "one red": ("red", 5),
    "one error": ("error", None),
    "no rows": ("green", 0),
    "rows unknown": ("green", None),
}
CHANGES = {
    "changed score": "UPDATE candidate.premises_risk SET score = score + 1 WHERE premises_code = 'a'",
    "changed entity key": "UPDATE candidate.premises_risk SET premises_key = 'other'",
    "changed coordinates": "UPDATE candidate.premises_risk SET longitude = longitude + 1e-9",
    "row added": "INSERT INTO candidate.grid_risk (grid_code, colour, reason) VALUES ('g9', 'red', 'x')",
    "row removed": "DELETE FROM candidate.premises_risk WHERE premises_code = 'b'",
    "emptied": "TRUNCATE candidate.premises_risk",
}
WAYS = (
    *("no verdict", "one missing", "red beside the required", "foreign verdicts", "not the newest"),
    *(*VERDICTS, *CHANGES),
)


def _spoil(rng: random.Random, builder: psycopg.Connection, attempt: int) -> tuple[int, str]:
    """Make a candidate that must not be published; returns its id and the way it was spoilt."""
    way = rng.choice(WAYS)
    _build(builder, {"a": rng.randrange(100), "b": rng.randrange(100), "x": attempt})
    if way == "foreign verdicts":  # green verdicts of the same content, registered under another number
        _judge(builder, release.register_candidate(builder, "safety", DAY))
    candidate = release.register_candidate(builder, "safety", DAY)
    if way == "one missing":
        _judge(builder, candidate, checks=tuple(rng.sample(CHECKS, 2)))
    elif way not in ("no verdict", "foreign verdicts"):
        _judge(builder, candidate)
    if way in VERDICTS:
        _judge(builder, candidate, *VERDICTS[way], checks=(rng.choice(CHECKS),))
    elif way in CHANGES:
        builder.execute(CHANGES[way])
    elif way == "red beside the required":
        _judge(builder, candidate, "red", checks=("guard",))
    elif way == "not the newest":
        release.register_candidate(builder, "safety", DAY)
    return candidate.candidate_id, way


def test_nothing_but_green_is_ever_visible(builder: psycopg.Connection) -> None:
    release.publish(builder, _green(builder, {"a": 1, "b": 2}).candidate_id, "tester")
    builder.commit()
    before = _seen()
    rng, tried = random.Random(20260630), dict[str, int]()
    with connect("publisher") as publisher:
        for attempt in range(240):
            candidate, way = _spoil(rng, builder, attempt)
            builder.commit()
            by_hand = rng.random() < 0.5
            with pytest.raises(ReleaseError) as refused:
                release.publish(publisher if by_hand else builder, candidate, "attacker")
            assert any(
                word in str(refused.value) for word in ("may not be published", "changed after", "not the newest")
            )
            publisher.rollback()
            builder.rollback()
            tried[way] = tried.get(way, 0) + 1
            if attempt % 10 == 0:
                assert _seen() == before, way
    assert _seen() == before
    assert set(tried) == set(WAYS) and sum(tried.values()) == 240
    assert len(release.list_releases(builder)) == 1


def test_refusals_name_the_checks(builder: psycopg.Connection) -> None:
    candidate = release.register_candidate(builder, "safety", DAY)
    _judge(builder, candidate, checks=("coverage",))
    _judge(builder, candidate, "red", checks=("keys_unique",))
    assert release.obstacles(builder, candidate.candidate_id) == [
        "keys_unique is red",
        "no_unknown_colour has no verdict",
    ]
    with pytest.raises(ReleaseError, match=r"keys_unique is red; no_unknown_colour has no verdict.*last good release"):
        release.publish(builder, candidate.candidate_id, "tester")


def test_family_without_required_checks_is_refused(builder: psycopg.Connection) -> None:
    with connect("owner") as owner:
        owner.execute("DELETE FROM control.required_check WHERE family = 'safety'")
    with pytest.raises(ReleaseError, match="no check is required"):
        release.publish(builder, _green(builder, {"a": 1}).candidate_id, "tester")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("INSERT INTO candidate.premises_risk SELECT * FROM candidate.premises_risk", "stand twice"),
        ("UPDATE candidate.premises_risk SET reason = NULL", "null value"),
        ("UPDATE candidate.premises_risk SET colour = 'pink'", "check constraint"),
    ],
)
def test_broken_content_is_refused_even_when_green(builder: psycopg.Connection, spoil: str, message: str) -> None:
    _build(builder, {"a": 1})
    builder.execute(spoil)
    candidate = release.register_candidate(builder, "safety", DAY)
    _judge(builder, candidate)
    builder.commit()
    with pytest.raises(ReleaseError, match=message):
        release.publish(builder, candidate.candidate_id, "tester")
    builder.rollback()
    assert _seen() == ({}, None)


def test_missing_table_or_column_says_so(builder: psycopg.Connection) -> None:
    builder.execute("ALTER TABLE candidate.grid_risk DROP confidence")
    builder.commit()
    with pytest.raises(ReleaseError, match=r"does not have the columns of released\.grid_risk"):
        release.register_candidate(builder, "safety", DAY)
    builder.rollback()
    builder.execute("DROP TABLE candidate.grid_risk")
    with pytest.raises(ReleaseError, match=r"candidate.grid_risk does not exist; build"):
        release.register_candidate(builder, "safety", DAY)


def test_old_snapshot_is_refused(builder: psycopg.Connection) -> None:
    candidate = _green(builder, {"a": 1})
    builder.commit()
    with connect("publisher") as publisher:
        publisher.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(ReleaseError, match="READ COMMITTED"):
            release.publish(publisher, candidate.candidate_id, "tester")


def test_publish_waits_for_a_verdict_under_way(builder: psycopg.Connection) -> None:
    candidate = _green(builder, {"a": 1})
    builder.commit()
    _judge(builder, candidate, "red", checks=("coverage",))  # not committed yet
    outcome: list[BaseException | int] = []

    def publish() -> None:
        with connect("publisher") as publisher:
            try:
                outcome.append(release.publish(publisher, candidate.candidate_id, "tester").release_id)
            except ReleaseError as error:
                outcome.append(error)

    worker = threading.Thread(target=publish)
    worker.start()
    time.sleep(0.3)
    assert not outcome, "publish did not wait for the verdict"
    builder.commit()
    worker.join(10)
    assert isinstance(outcome[0], ReleaseError) and "coverage is red" in str(outcome[0])


@pytest.mark.parametrize("role", ["owner", "loader", "builder", "publisher"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO released.grid_risk (grid_code, colour, from_release) VALUES ('g', 'red', 1)",
        "UPDATE released.grid_risk SET colour = 'red'",
        "DELETE FROM released.grid_risk",
        "TRUNCATE released.grid_risk",
        "UPDATE control.release_pointer SET release_id = 1",
        "INSERT INTO control.release_move (family, release_id, moved_at, moved_by) VALUES ('safety', 1, now(), 'x')",
        "INSERT INTO serving.grid_risk (grid_code, colour, reason, score_version) VALUES ('g', 'red', '', 'v')",
    ],
)
def test_only_the_functions_write_what_apps_see(conn: psycopg.Connection, role: str, statement: str) -> None:
    conn.execute(f"SET ROLE townhub_{role}")
    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
        conn.execute(statement)


@pytest.mark.parametrize(
    "helper", ["move_pointer('safety', 1, 'x', 'y')", "apply_product('grid_risk', 1)", "refuse_changed(NULL)"]
)
def test_nobody_calls_the_parts_of_publishing(conn: psycopg.Connection, helper: str) -> None:
    for role in ("loader", "builder", "publisher"):
        conn.execute(f"SET ROLE townhub_{role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute(f"SELECT control.{helper}")
        conn.execute("RESET ROLE")


@pytest.mark.parametrize(
    "trap",
    [
        "ALTER TABLE candidate.grid_risk RENAME TO plain; "
        "CREATE VIEW candidate.grid_risk AS SELECT * FROM candidate.plain",
        "ALTER TABLE candidate.grid_risk ENABLE ROW LEVEL SECURITY",
        "CREATE DOMAIN candidate.word AS text; ALTER TABLE candidate.grid_risk ALTER reason TYPE candidate.word",
    ],
    ids=["view", "row policy", "type"],
)
def test_a_candidate_that_would_run_code_is_refused(builder: psycopg.Connection, trap: str) -> None:
    """It is read with the rights of the role that writes what apps see."""
    candidate = _green(builder, {"a": 1})
    builder.execute(trap.encode())
    builder.commit()
    with pytest.raises(ReleaseError, match="no plain table"):
        release.publish(builder, candidate.candidate_id, "tester")


def test_privileges_are_the_table_also_after_a_release(builder: psycopg.Connection) -> None:
    release.publish(builder, _green(builder, {"a": 1}).candidate_id, "tester")
    builder.commit()
    with connect() as connection:
        assert unexpected_privileges(connection) == {"extra": [], "missing": []}
        connection.execute("GRANT SELECT ON serving.welfare_match TO townhub_app_safety")
        connection.execute("REVOKE SELECT ON serving.grid_risk FROM townhub_app_safety")
        assert unexpected_privileges(connection) == {
            "extra": [("townhub_app_safety", "serving.welfare_match", "SELECT")],
            "missing": [("townhub_app_safety", "serving.grid_risk", "SELECT")],
        }
        apply_grants(connection)
        assert unexpected_privileges(connection) == {"extra": [], "missing": []}, "what nobody gave is taken back"
        connection.rollback()


def test_rollback_needs_a_name_a_reason_and_a_release_of_the_family(builder: psycopg.Connection) -> None:
    first = release.publish(builder, _green(builder, {"a": 1}).candidate_id, "tester")
    builder.commit()
    with connect("publisher", autocommit=True) as publisher:
        for family, number, by, reason in (
            ("safety", first.release_id, "", "why"),
            ("safety", first.release_id, "li", " "),
            ("welfare", first.release_id, "li", "why"),
            ("safety", first.release_id + 1, "li", "why"),
        ):
            with pytest.raises(ReleaseError):
                release.rollback(publisher, family, number, by, reason)
        release.rollback(publisher, "safety", first.release_id, "li", "trial")
    with connect() as connection:
        assert audit.entries(connection, action="rollback")[0].detail["reason"] == "trial"
        assert audit.verify(connection) is None


def test_rollback_and_publish_follow_the_model(builder: psycopg.Connection) -> None:
    """Any sequence of publishes and rollbacks: what is seen, and every release for ever, is what the model says."""
    history: dict[int, dict[str, int]] = {}
    state: dict[str, Any] = {"pointer": None, "held": False}
    publisher = connect("publisher", autocommit=True)
    scores = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), min_size=1)
    steps = st.lists(st.one_of(scores, st.integers(0, 99)), min_size=1, max_size=6)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(steps)
    def follow(sequence: list[dict[str, int] | int]) -> None:
        for step in sequence:
            if isinstance(step, dict):
                candidate = _green(builder, step).candidate_id
                builder.commit()
                if state["held"]:
                    with pytest.raises(release.ReleaseError, match="townhub release resume"):
                        release.publish(builder, candidate, "tester")
                    builder.rollback()
                    assert _seen() == (history[state["pointer"]], state["pointer"])
                    release.resume(publisher, "safety", "li", "model")
                    state["held"] = False
                done = release.publish(builder, candidate, "tester")
                builder.commit()
                assert done.published == (history.get(state["pointer"]) != step)
                if done.published:
                    assert done.release_id > max(history, default=0)
                    history[done.release_id] = step
                state["pointer"] = done.release_id
            elif history:
                state["pointer"] = sorted(history)[step % len(history)]
                release.rollback(publisher, "safety", state["pointer"], "li", "model")
                state["held"] = True
            if state["pointer"] is not None:
                assert _seen() == (history[state["pointer"]], state["pointer"])
        for number, expected in history.items():
            rows = publisher.execute("SELECT control.rows_at('premises_risk', %s)", [number]).fetchall()
            assert {row[0]["premises_code"]: row[0]["score"] for row in rows} == expected

    with publisher:
        follow()
    assert len(history) > 10


def test_what_was_shown_on_a_day(builder: psycopg.Connection) -> None:
    with connect("publisher", autocommit=True) as publisher:
        moments = []
        numbers = []
        for score in (1, 2):
            numbers.append(release.publish(builder, _green(builder, {"a": score}).candidate_id, "tester").release_id)
            builder.commit()
            moments.append(publisher.execute("SELECT clock_timestamp()").fetchone()[0])  # type: ignore[index]
        release.rollback(publisher, "safety", numbers[0], "li", "wrong score")
        for moment, score in ((moments[0], 1), (moments[1], 2), ("infinity", 1)):
            rows = publisher.execute("SELECT control.as_shown('premises_risk', %s)", [moment]).fetchall()
            assert [row[0]["score"] for row in rows] == [score]
        assert publisher.execute("SELECT control.as_shown('premises_risk', '2020-01-01')").fetchall() == []
        found = release.diff_releases(publisher, numbers[0], numbers[1])
        assert [(d.product, d.changed) for d in found if d.changed] == [("grid_risk", [{"grid_code": "g1"}]),
                                                          ("premises_risk", [{"premises_code": "a"}])]  # fmt: skip


def test_hash_is_the_same_whatever_the_session_says(builder: psycopg.Connection) -> None:
    _build(builder, {"a": 1, "b": 2, "c": 63})
    expected = builder.execute("SELECT control.candidate_hash('safety')").fetchone()
    for setting in ("TimeZone = 'America/New_York'", "DateStyle = 'SQL, DMY'", "extra_float_digits = -5"):
        builder.execute(f"SET {setting}")
    _build(builder, {"c": 63, "b": 2, "a": 1}, key="another")
    assert builder.execute("SELECT control.candidate_hash('safety')").fetchone() == expected
    _build(builder, {"c": 63, "b": 2, "a": 2})
    assert builder.execute("SELECT control.candidate_hash('safety')").fetchone() != expected


HASHED_APART = {
    "two rows exchange a value": "UPDATE candidate.premises_risk SET score = 3 - score",
    "a value moves to the next column": "UPDATE candidate.grid_risk SET community_code = name, name = community_code",
    "a missing text becomes an empty one": "UPDATE candidate.grid_risk SET border = ''",
}


@pytest.mark.parametrize("way", HASHED_APART)
def test_the_hash_tells_apart(builder: psycopg.Connection, way: str) -> None:
    _build(builder, {"a": 1, "b": 2})
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


def test_what_is_written_beside_a_publish_is_not_shown(builder: psycopg.Connection) -> None:
    """The publish stops between looking for what changed and writing it; then the candidate is another one."""
    release.publish(builder, _green(builder, {"a": 1, "b": 2}).candidate_id, "tester")
    candidate = _green(builder, {"a": 1, "b": 3})
    builder.commit()
    before = _seen()
    outcome: list[BaseException | int] = []

    def publish() -> None:
        with connect("publisher") as publisher:
            try:
                outcome.append(release.publish(publisher, candidate.candidate_id, "tester").release_id)
            except ReleaseError as error:
                outcome.append(error)

    with connect() as hub:
        hub.execute("LOCK TABLE released.premises_risk IN SHARE MODE")
        worker = threading.Thread(target=publish)
        worker.start()
        time.sleep(0.5)
        assert not outcome, "publish did not come to where it writes"
        builder.execute("UPDATE candidate.premises_risk SET score = 9 WHERE premises_code = 'b'")
        builder.commit()
    worker.join(10)
    assert isinstance(outcome[0], ReleaseError) and "changed after it was checked" in str(outcome[0])
    assert _seen() == before


def test_a_release_hashed_in_another_way_is_not_taken_for_the_same(builder: psycopg.Connection) -> None:
    """As after an upgrade: one release more, of which no row changed."""
    first = release.publish(builder, _green(builder, {"a": 1}).candidate_id, "tester")
    builder.commit()
    with connect() as hub:
        hub.execute("UPDATE control.release SET exact_hash = 'as it was written before', content_hash = 'likewise'")
    second = release.publish(builder, _green(builder, {"a": 1}).candidate_id, "tester")
    assert second.published and second.release_id > first.release_id
    assert second.changes["premises_risk"] == {"rows": 1, "inserted": 0, "closed": 0}
    third = release.publish(builder, _green(builder, {"a": 1}).candidate_id, "tester")
    assert third.release_id == second.release_id


def _flow() -> tuple[str, str]:
    with _prepare() as builder:
        done = release.publish(builder, _green(builder, {"甲": 61, "b": 2}).candidate_id, "tester")
        builder.commit()
        assert _seen() == ({"甲": 61, "b": 2}, done.release_id)
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
