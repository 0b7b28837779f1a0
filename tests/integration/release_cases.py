"""Candidates of the family safety, as dbt would build them and a gate judge them, for the tests of releases."""

from __future__ import annotations

import threading
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.candidates import empty_candidates
from warehouse import release
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


def premises(code: str, score: int, key: str = "pk") -> dict[str, Any]:
    return {
        "premises_code": code, "premises_key": key, "score": score, "colour": "red" if score >= 60 else "green",
        "reason": f"{score} points", "points": Jsonb({"inspection": score, "a": 1.50}), "gates": ["gas"],
        "longitude": 120.1 + score / 7, "latitude": 30.3, "last_inspected_on": DAY, "score_version": "v1",
    }  # fmt: skip


def fill(builder: psycopg.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    builder.execute(sql.SQL("TRUNCATE candidate.{}").format(sql.Identifier(table)))
    for row in rows:
        builder.execute(
            sql.SQL("INSERT INTO candidate.{} ({}) VALUES ({})").format(
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Literal, row.values())),
            )
        )


def build(builder: psycopg.Connection, scores: dict[str, int], *, key: str = "pk") -> None:
    """Candidate tables of the safety family: a premises per score and one grid."""
    fill(builder, "premises_risk", [premises(code, score, key) for code, score in scores.items()])
    grid = {
        "grid_code": "g1", "premises_count": len(scores), "coverage": "0.5", "raw_score": sum(scores.values()),
        "colour": "blue", "reason": "few", "score_version": "v1",
    }  # fmt: skip
    fill(builder, "grid_risk", [grid])


def judge(
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


def green(
    builder: psycopg.Connection, scores: dict[str, int], *, day: date = DAY, key: str = "pk"
) -> release.Candidate:
    build(builder, scores, key=key)
    candidate = release.register_candidate(builder, "safety", day)
    judge(builder, candidate)
    return candidate


def prepare() -> psycopg.Connection:
    with connect("owner") as owner:
        for family in ("safety", "welfare"):
            for check in CHECKS:
                owner.execute("INSERT INTO control.required_check VALUES (%s, %s)", [family, check])
    builder = connect("builder")
    builder.execute(CANDIDATE_TABLES)
    empty_candidates(builder, "safety", but=frozenset({"premises_risk", "grid_risk"}))
    builder.commit()
    return builder


def shown() -> tuple[dict[str, int], int | None]:
    """What the safety app sees: score by premises, and the release."""
    with connect() as connection:
        connection.execute("SET ROLE townhub_app_safety")
        rows = connection.execute("SELECT premises_code, score FROM serving.premises_risk").fetchall()
        info = connection.execute("SELECT release_id FROM serving.release_info WHERE family = 'safety'").fetchone()
    assert len(rows) == len({row[0] for row in rows})
    return dict(rows), None if info is None else info[0]


def publishing(candidate: release.Candidate) -> tuple[threading.Thread, list[BaseException | int]]:
    """Publish in a thread of its own; the list gets the release's id, or the refusal."""
    outcome: list[BaseException | int] = []

    def publish() -> None:
        with connect("publisher") as publisher:
            try:
                outcome.append(release.publish(publisher, candidate.candidate_id, "tester").release_id)
            except ReleaseError as error:
                outcome.append(error)

    worker = threading.Thread(target=publish)
    worker.start()
    return worker, outcome
