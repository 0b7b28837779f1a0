"""What a build reads is fixed while it lasts, and noted with its candidates."""

from __future__ import annotations

from typing import LiteralString

import psycopg
from psycopg import sql

from warehouse import build_inputs


def test_bounds_are_the_last_committed_loads_while_the_build_lasts(conn: psycopg.Connection) -> None:
    conn.execute(
        "INSERT INTO control.load (load_key, system, stream, state) VALUES"
        " ('a', 'police_110', 'incidents', 'committed'), ('b', 'police_110', 'incidents', 'committed'),"
        " ('c', 'police_110', 'incidents', 'failed'), ('d', 'fire_119', 'incidents', 'running')"
    )
    last = conn.execute("SELECT load_id FROM control.load WHERE load_key = 'b'").fetchone()
    assert build_inputs.bounds(conn) == {}
    build_inputs.fix(conn)
    assert last is not None and build_inputs.bounds(conn)["police_110.incidents"] == last[0]
    assert "fire_119.incidents" not in build_inputs.bounds(conn)
    build_inputs.lift(conn)
    assert build_inputs.bounds(conn) == {}


def test_a_source_that_answers_and_brings_nothing_new_is_not_fresh_for_ever(conn: psycopg.Connection) -> None:
    conn.execute(
        "INSERT INTO control.stream (system, stream, contract_version, freshness_seconds, load_kind, landing_schema,"
        " landing_table, quiet_seconds) VALUES ('alarm', 'still', '1.0.0', 60, 'changes', 'landing', 'a', 3600),"
        " ('alarm', 'any', '1.0.0', 60, 'changes', 'landing', 'b', NULL)"
    )

    def load(rows: int, age: str, kind: str = "pull") -> None:
        conn.execute(
            "INSERT INTO control.load (load_key, system, stream, state, finished_at, rows_in, rows_landed, kind)"
            " SELECT gen_random_uuid(), 'alarm', stream, 'committed', now() - %s::interval, %s, %s, %s"
            " FROM unnest('{still, any}'::text[]) AS stream",
            [age, rows, rows, kind],
        )

    def states() -> set[tuple[str, str]]:
        views = ("input_status", "input_as_built")
        told = [
            set(conn.execute(sql.SQL("SELECT stream, state FROM control.{} WHERE system = 'alarm'").format(
                sql.Identifier(view)
            )).fetchall())
            for view in views
        ]  # fmt: skip
        assert told[0] == told[1]
        return told[0]

    load(0, "3 hours")
    load(0, "20 seconds")
    assert states() == {("still", "aged"), ("any", "fresh")}, "it has never brought anything"
    load(3, "2 hours")
    load(0, "10 seconds")
    load(2, "5 seconds", "replay")  # what was held here says nothing of the source
    assert states() == {("still", "aged"), ("any", "fresh")}
    load(1, "1 second")
    assert states() == {("still", "fresh"), ("any", "fresh")}


def test_what_is_taken_in_meanwhile_makes_no_stream_worth_more(conn: psycopg.Connection) -> None:
    """What is old stays old, what never landed stays missing; what fails meanwhile is not to be relied on."""
    conn.execute(
        "INSERT INTO control.stream (system, stream, contract_version, freshness_seconds, load_kind, landing_schema,"
        " landing_table) SELECT 'alarm', name, '1.0.0', 60, 'changes', 'landing', name"
        " FROM unnest('{old, new, good}'::text[]) AS name"
    )

    def load(stream: str, state: str, age: str) -> None:
        conn.execute(
            "INSERT INTO control.load (load_key, system, stream, state, finished_at)"
            " VALUES (gen_random_uuid(), 'alarm', %s, %s, now() - %s::interval)",
            [stream, state, age],
        )

    def states(view: LiteralString) -> dict[str, str]:
        rows = conn.execute(sql.SQL("SELECT stream, state FROM control.{} WHERE system = 'alarm'").format(
            sql.Identifier(view)
        ))  # fmt: skip
        return {str(stream): str(state) for stream, state in rows}

    load("old", "committed", "2 days")
    load("good", "committed", "1 second")
    build_inputs.fix(conn)
    at_first = {"old": "aged", "new": "missing", "good": "fresh"}
    assert states("input_as_built") == states("input_status") == at_first
    load("old", "committed", "0 seconds")
    load("new", "committed", "0 seconds")
    assert states("input_as_built") == at_first
    assert states("input_status") == dict.fromkeys(at_first, "fresh")
    load("good", "failed", "0 seconds")
    assert states("input_as_built")["good"] == "failed"
    build_inputs.lift(conn)
    assert states("input_as_built") == states("input_status") == {"old": "fresh", "new": "fresh", "good": "failed"}
