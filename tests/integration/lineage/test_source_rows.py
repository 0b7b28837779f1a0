"""A landed record is found by the key that intake, resolution and the models know it by, in every stream there is."""

from __future__ import annotations

import polars as pl
import psycopg
from psycopg import sql

from connectors.conform import record_keys
from connectors.contract import Stream
from connectors.tables import ensure_tables
from quality import source_rows
from tests.integration.gate_cases import CONTRACTS, land
from warehouse.connection import connect


def test_every_stream_is_looked_up_by_the_key_that_conform_gave_it(fresh_database: str) -> None:
    streams = [s for c in CONTRACTS.values() if not c.isolated for s in c.streams.values()]
    with connect("loader") as conn:
        ensure_tables(conn, CONTRACTS)
        for stream in streams:
            land(conn, stream)
    missed = []
    with connect("auditor") as conn:
        for stream in streams:
            (found,) = source_rows.by_record(conn, stream, [_conformed(conn, stream), "another"]) or [None]
            if found is None or found.state != "current":
                missed.append(f"{stream.system}.{stream.name}")
    assert len(streams) > 50 and missed == []


def _conformed(conn: psycopg.Connection, stream: Stream) -> str:
    names = [column.name for column in stream.primary_key]
    row = conn.execute(
        sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier("landing", stream.landing_table)
        )
    ).fetchone()
    assert row is not None
    frame = pl.DataFrame({name: [value] for name, value in zip(names, row, strict=True)})
    times = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    return str(record_keys(frame.with_columns(pl.col(times).dt.convert_time_zone("UTC")), stream)[0])


def test_rows_as_a_load_left_them(fresh_database: str) -> None:
    stream = CONTRACTS["safety_inspection"].streams["hazards"]
    with connect("loader") as conn:
        ensure_tables(conn, {"safety_inspection": CONTRACTS["safety_inspection"]})
        for severity, first, last in (("general", 1, 2), ("gone at once", 2, 2), ("serious", 2, 4), ("major", 4, None)):
            land(conn, stream, hazard_no="Y1", severity=severity)
            conn.execute(
                "UPDATE landing.safety_inspection__hazards SET _from_load = %s, _to_load = %s WHERE severity = %s",
                [first, last, severity],
            )
    with connect("auditor") as conn:
        for load, wanted in ((1, ["general"]), (2, ["serious"]), (3, ["serious"]), (4, ["major"])):
            found = source_rows.by_columns(conn, stream, {"hazard_no": "Y1"}, as_of_load=load)
            assert [row.values["severity"] for row in found] == wanted
        history = source_rows.by_record(conn, stream, ["Y1"])
        assert [row.values["severity"] for row in history] == ["general", "serious", "major"]
        assert [row.values["severity"] for row in source_rows.current(history)] == ["major"]
        assert source_rows.by_columns(conn, CONTRACTS["health_code"].streams["lookups"], {"name": "x"}) == []
