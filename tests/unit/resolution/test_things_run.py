"""Premises and events through the runner on PostgreSQL: read, clustered, written, and nothing done twice."""

from __future__ import annotations

import psycopg
import pytest

from connectors.contract_folder import load_contracts
from resolution import sources, things
from resolution.runner import Kind, resolve
from resolution.source import Source

VALUES = {
    "code": "'A1'::text", "name": "'王记面馆'::text", "category": "'050100'::text", "address": "'和平路1号'::text",
    "longitude": "120.1::float8", "latitude": "30.3::float8", "at": "'2026-05-04 12:00+08'::timestamptz",
    "metres": "5::float8", "bearing": "9::float8",
}  # fmt: skip


def key_columns(source: Source) -> list[str]:
    return [word.strip() for word in source.record_key.split("||") if word.strip().isidentifier()]


@pytest.mark.parametrize("source", things.EVENTS, ids=lambda source: source.system)
def test_the_key_of_a_report_is_said_by_columns_that_land(source: Source) -> None:
    """A run by changes asks the landing tables what is new, and those have no column record_key."""
    (stream,) = [stream for stream in load_contracts()[source.system].streams.values() if stream.name == source.stream]
    assert set(key_columns(source)) == {column.name for column in stream.primary_key}


def stage(conn: psycopg.Connection, source: Source, record_key: str = "1") -> None:
    """A view with one record; a field that is an expression over a column is given by that column."""
    columns = {"record_key": f"'{record_key}'::text", "premises_name": "'x'::text", "found": "'hazard'::text"}
    columns["accuracy_metres"] = VALUES["metres"]
    for field, column in source.fields.items():
        if column.isidentifier():
            columns[column] = VALUES.get(field, "'x'::text")
    columns |= dict.fromkeys(key_columns(source), f"'{record_key}'::text")
    said = ", ".join(f"{value} AS {name}" for name, value in columns.items())
    conn.execute(f"CREATE OR REPLACE VIEW {source.view} AS SELECT {said}".encode())


@pytest.mark.parametrize("kind", ["premises", "events"])
def test_a_kind_is_resolved_once(fresh_database: str, kind: Kind) -> None:
    with psycopg.connect(fresh_database) as conn:
        conn.execute("CREATE SCHEMA IF NOT EXISTS staging")
        for source in (*things.SOURCES[kind], *things.REFERENCES.get(kind, ())):
            stage(conn, source)
        conn.execute("GRANT USAGE ON SCHEMA staging TO townhub_builder")
        conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA staging TO townhub_builder")
    first = resolve(kind)
    assert first.records == len(things.SOURCES[kind])
    assert 0 < first.entities < first.records
    assert resolve(kind).run == first.run, "nothing is new"
    with psycopg.connect(fresh_database) as conn:
        row = conn.execute("SELECT kind, count(*) FROM resolution.entity GROUP BY 1").fetchall()
        assert row == [(sources.entity_kind(kind), first.entities)]


def test_times_are_read_in_one_zone_whatever_the_session_has(fresh_database: str) -> None:
    (source,) = [source for source in things.SOURCES["events"] if source.system == "police_110"]
    with psycopg.connect(fresh_database) as conn:
        conn.execute("CREATE SCHEMA IF NOT EXISTS staging")
        stage(conn, source)
        for zone in ("Asia/Shanghai", "America/New_York"):
            conn.execute(f"SET TIME ZONE '{zone}'".encode())
            read = sources.read_one(conn, source, sources.EVENT_SCHEMA)
            assert [str(at) for at in read["at"].to_list()] == ["2026-05-04 04:00:00+00:00"]
