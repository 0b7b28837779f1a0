"""control.publish under attack, against a model of what must be visible, and on two PostgreSQL versions."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.release_cases import CHECKS, DAY, build, green, judge, publishing, shown
from warehouse import audit, build_inputs, release
from warehouse.access import apply_grants, run_as, unexpected_privileges
from warehouse.connection import connect
from warehouse.errors import ReleaseError


def test_green_candidate_is_published_once(builder: psycopg.Connection) -> None:
    candidate = green(builder, {"a": 10, "b": 70})
    first = release.publish(builder, candidate.candidate_id, "tester", "run-1")
    again = release.publish(builder, candidate.candidate_id, "tester")
    builder.commit()
    assert first.published and not again.published and again.release_id == first.release_id
    assert first.changes["premises_risk"] == {"rows": 2, "inserted": 2, "closed": 0}
    assert shown() == ({"a": 10, "b": 70}, first.release_id)
    same = green(builder, {"b": 70, "a": 10})
    assert same.content_hash == candidate.content_hash == first.content_hash
    assert release.publish(builder, same.candidate_id, "tester").release_id == first.release_id


def test_cost_follows_the_change(builder: psycopg.Connection) -> None:
    release.publish(builder, green(builder, {f"p{n}": n for n in range(200)}).candidate_id, "tester")
    scores = {f"p{n}": n for n in range(1, 201)} | {"p7": 99}
    changed = release.publish(builder, green(builder, scores).candidate_id, "tester")
    assert changed.changes["premises_risk"] == {"rows": 200, "inserted": 2, "closed": 2}


def test_next_day_with_the_same_content_is_a_release_without_row_changes(builder: psycopg.Connection) -> None:
    first = release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")
    second = release.publish(builder, green(builder, {"a": 1}, day=DAY + timedelta(1)).candidate_id, "tester")
    assert second.published and second.release_id > first.release_id
    assert second.content_hash == first.content_hash
    assert second.changes["premises_risk"] == {"rows": 1, "inserted": 0, "closed": 0}


def test_changed_entity_key_is_shown_but_keeps_the_content_hash(builder: psycopg.Connection) -> None:
    first = release.publish(builder, green(builder, {"a": 1}, key="k1").candidate_id, "tester")
    before = release.serving_hash(builder)
    second = release.publish(builder, green(builder, {"a": 1}, key="k2").candidate_id, "tester")
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
    build(builder, {"a": rng.randrange(100), "b": rng.randrange(100), "x": attempt})
    if way == "foreign verdicts":  # green verdicts of the same content, registered under another number
        judge(builder, release.register_candidate(builder, "safety", DAY))
    candidate = release.register_candidate(builder, "safety", DAY)
    if way == "one missing":
        judge(builder, candidate, checks=tuple(rng.sample(CHECKS, 2)))
    elif way not in ("no verdict", "foreign verdicts"):
        judge(builder, candidate)
    if way in VERDICTS:
        judge(builder, candidate, *VERDICTS[way], checks=(rng.choice(CHECKS),))
    elif way in CHANGES:
        builder.execute(CHANGES[way])
    elif way == "red beside the required":
        judge(builder, candidate, "red", checks=("guard",))
    elif way == "not the newest":
        release.register_candidate(builder, "safety", DAY)
    return candidate.candidate_id, way


def test_nothing_but_green_is_ever_visible(builder: psycopg.Connection) -> None:
    release.publish(builder, green(builder, {"a": 1, "b": 2}).candidate_id, "tester")
    builder.commit()
    before = shown()
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
                assert shown() == before, way
    assert shown() == before
    assert set(tried) == set(WAYS) and sum(tried.values()) == 240
    assert len(release.list_releases(builder)) == 1


def test_a_candidate_knows_the_runs_of_resolution_that_it_was_built_from(builder: psycopg.Connection) -> None:
    build(builder, {"a": 1})
    build_inputs.note_runs(builder, ["safety", "welfare"], {"resident": 7, "enterprise": 3})
    build_inputs.note_runs(builder, ["safety"], {"resident": 8})
    candidate = release.register_candidate(builder, "safety", DAY)
    noted = "SELECT resolution_runs FROM control.candidate WHERE candidate_id = %s"
    assert builder.execute(noted, [candidate.candidate_id]).fetchall() == [({"resident": 8},)]


def test_refusals_name_the_checks(builder: psycopg.Connection) -> None:
    candidate = release.register_candidate(builder, "safety", DAY)
    judge(builder, candidate, checks=("coverage",))
    judge(builder, candidate, "red", checks=("keys_unique",))
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
        release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("INSERT INTO candidate.premises_risk SELECT * FROM candidate.premises_risk", "stand twice"),
        ("UPDATE candidate.premises_risk SET reason = NULL", "null value"),
        ("UPDATE candidate.premises_risk SET colour = 'pink'", "check constraint"),
    ],
)
def test_broken_content_is_refused_even_when_green(builder: psycopg.Connection, spoil: str, message: str) -> None:
    build(builder, {"a": 1})
    builder.execute(spoil)
    candidate = release.register_candidate(builder, "safety", DAY)
    judge(builder, candidate)
    builder.commit()
    with pytest.raises(ReleaseError, match=message):
        release.publish(builder, candidate.candidate_id, "tester")
    builder.rollback()
    assert shown() == ({}, None)


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
    candidate = green(builder, {"a": 1})
    builder.commit()
    with connect("publisher") as publisher:
        publisher.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        with pytest.raises(ReleaseError, match="READ COMMITTED"):
            release.publish(publisher, candidate.candidate_id, "tester")


def test_publish_waits_for_a_verdict_under_way(builder: psycopg.Connection) -> None:
    candidate = green(builder, {"a": 1})
    builder.commit()
    judge(builder, candidate, "red", checks=("coverage",))  # not committed yet
    worker, outcome = publishing(candidate)
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
    "helper", ["move_pointer('safety', 1, 'x', 'y')", "apply_product('grid_risk', 1, NULL)", "refuse_changed(NULL)"]
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
    candidate = green(builder, {"a": 1})
    builder.execute(trap.encode())
    builder.commit()
    with pytest.raises(ReleaseError, match="no plain table"):
        release.publish(builder, candidate.candidate_id, "tester")


def test_privileges_are_the_table_also_after_a_release(builder: psycopg.Connection) -> None:
    release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")
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
    first = release.publish(builder, green(builder, {"a": 1}).candidate_id, "tester")
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
                candidate = green(builder, step).candidate_id
                builder.commit()
                if state["held"]:
                    with pytest.raises(release.ReleaseError, match="townhub release resume"):
                        release.publish(builder, candidate, "tester")
                    builder.rollback()
                    assert shown() == (history[state["pointer"]], state["pointer"])
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
                assert shown() == (history[state["pointer"]], state["pointer"])
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
            numbers.append(release.publish(builder, green(builder, {"a": score}).candidate_id, "tester").release_id)
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


def test_what_is_written_beside_a_publish_is_not_shown(builder: psycopg.Connection) -> None:
    """The publish stops between looking for what changed and writing it; then the candidate is another one."""
    release.publish(builder, green(builder, {"a": 1, "b": 2}).candidate_id, "tester")
    candidate = green(builder, {"a": 1, "b": 3})
    builder.commit()
    before = shown()
    with connect() as hub:
        hub.execute("LOCK TABLE released.premises_risk IN SHARE MODE")
        worker, outcome = publishing(candidate)
        time.sleep(0.5)
        assert not outcome, "publish did not come to where it writes"
        builder.execute("UPDATE candidate.premises_risk SET score = 9 WHERE premises_code = 'b'")
        builder.commit()
    worker.join(10)
    assert isinstance(outcome[0], ReleaseError) and "changed after it was checked" in str(outcome[0])
    assert shown() == before
