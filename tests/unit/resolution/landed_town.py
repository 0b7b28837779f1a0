"""Records that land load by load, as runs by changes see them: landing tables under staging views."""

from __future__ import annotations

import polars as pl
import psycopg
import pytest
from psycopg import sql

from resolution import things
from resolution.restoring import RECORD
from resolution.source import Source
from resolution.sources import SCHEMAS

_TYPES = {pl.String: "text", pl.Date: "date", pl.Float64: "float8", pl.Datetime: "timestamptz"}
_COMMITTED = (
    "INSERT INTO control.load (load_key, system, stream, state, rows_in, rows_landed, rows_tombstoned)"
    " VALUES (gen_random_uuid()::text, %s, %s, 'committed', %s, %s, %s) RETURNING load_id"
)


class LandedTown:
    """Records of a kind (`sources.SCHEMAS`) land in the streams of their systems; each `land` is a load of all of
    those that have news."""

    def __init__(
        self, url: str, systems: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, kind: things.Kind = "residents"
    ) -> None:
        self.conn = psycopg.connect(url, autocommit=True)
        self.systems = systems
        schema = SCHEMAS[kind]
        self.current = pl.DataFrame(schema=schema)
        self.fields = [name for name in schema if name not in RECORD]
        sources = tuple(Source(system, "t", "record_key", {f: f for f in self.fields}) for system in systems)
        monkeypatch.setitem(things.SOURCES, kind, sources)
        self.conn.execute("CREATE SCHEMA IF NOT EXISTS staging")
        self.conn.execute("CREATE SCHEMA IF NOT EXISTS landing")
        for source in sources:
            fields = ", ".join(f"{name} {_TYPES[schema[name].base_type()]}" for name in self.fields)
            landing = f"landing.{source.system}__{source.stream}"
            self.conn.execute(
                f"CREATE TABLE {landing} (record_key text, {fields}, _from_load bigint, _to_load bigint)".encode()
            )
            shown = ", ".join(["record_key", *self.fields])
            self.conn.execute(
                f"CREATE VIEW {source.view} AS SELECT {shown} FROM {landing} WHERE _to_load IS NULL".encode()
            )
        self.conn.execute("GRANT USAGE ON SCHEMA staging, landing TO townhub_builder")
        self.conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA staging, landing TO townhub_builder")

    def land(self, records: pl.DataFrame) -> None:
        """These are all the records now: what is new or changed is landed, what is gone is closed."""
        new = records.join(self.current, on=records.columns, how="anti", nulls_equal=True)
        gone = self.current.join(records, on=records.columns, how="anti", nulls_equal=True)
        for system in self.systems:
            mine, closed = (frame.filter(pl.col("system") == system) for frame in (new, gone))
            if mine.height + closed.height == 0:
                continue
            counts = [mine.height, mine.height, closed.height]
            row = self.conn.execute(_COMMITTED, [system, "t", *counts]).fetchone()
            assert row is not None
            table = sql.Identifier("landing", f"{system}__t")
            keys = closed["record_key"].to_list()
            close = sql.SQL("UPDATE {} SET _to_load = %s WHERE _to_load IS NULL AND record_key = ANY (%s)")
            self.conn.execute(close.format(table), [row[0], keys])
            columns = sql.SQL(", ").join(map(sql.Identifier, ["record_key", *self.fields, "_from_load"]))
            with self.conn.cursor().copy(
                sql.SQL("COPY {} ({}) FROM STDIN (FORMAT CSV)").format(table, columns)
            ) as copy:
                told = mine.select("record_key", *self.fields, load=pl.lit(row[0]))
                copy.write(told.write_csv(include_header=False))
        self.current = records

    def purge(self, records: pl.DataFrame) -> None:
        """Delete these records, as retention does: no load tells of it."""
        for system, _, key in records.select(RECORD).iter_rows():
            table = sql.Identifier("landing", f"{system}__t")
            self.conn.execute(sql.SQL("DELETE FROM {} WHERE record_key = %s").format(table), [key])
            self.conn.execute("SELECT control.void_records(%s, 't', %s)", [system, [key]])
            self.conn.execute("SELECT control.forget_records(%s, 't', %s)", [system, [key]])
        self.current = self.current.join(records, on=RECORD, how="anti")

    def groups(self) -> set[tuple[frozenset[tuple[str, str, str]], tuple[str, ...]]]:
        """Who is one by the ledger: records of each entity, and their link kinds in the order of the records."""
        rows = self.conn.execute(
            "SELECT system, stream, record_key, entity_key, link_kind FROM resolution.membership WHERE to_run IS NULL"
        ).fetchall()
        held = pl.DataFrame(rows, schema=[*RECORD, "cluster", "link_kind"], orient="row")
        return grouped(held)

    def state(self) -> list[list[tuple[object, ...]]]:
        """What resolution keeps for the next run, entities called by their first record."""
        first = "SELECT min((system, record_key)::text) FROM resolution.resident_record n"
        name = f"({first} WHERE n.entity_key = r.entity_key)"
        rest = (
            "system, record_key, link_kind, borrowed, number, typed, typed_ends, name, day, sex, phone, door, community"
        )
        return [
            sorted(self.conn.execute(query.encode()).fetchall(), key=repr)
            for query in (
                f"SELECT {name}, {rest} FROM resolution.resident_record r",
                f"SELECT {name}, key, loose, year, sound, given FROM resolution.resident_block r",
                "SELECT key, entities FROM resolution.resident_count",
            )
        ]


def grouped(held: pl.DataFrame) -> set[tuple[frozenset[tuple[str, str, str]], tuple[str, ...]]]:
    """`held`: system, stream, record_key, cluster, link_kind."""
    whole = held.sort(RECORD).group_by("cluster").agg(record=pl.struct(*RECORD), kinds="link_kind")
    return {
        (frozenset(tuple(record.values()) for record in records), tuple(kinds))
        for records, kinds in whole.select("record", "kinds").iter_rows()
    }
