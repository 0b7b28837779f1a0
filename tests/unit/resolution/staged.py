"""A warehouse with staged residents, as far as resolution and stewards read it."""

from __future__ import annotations

import re

import psycopg
from psycopg import sql

from resolution import things

Row = dict[str, str | None]

MAN, WOMAN = "330106198505050019", "330106199003040026"
"""Valid numbers of nobody, of these birth dates."""
_WORD = re.compile(r"[a-z]+(?:_[a-z]+)*")


def stage(url: str, rows: dict[str, list[Row]]) -> None:
    """Staging tables of all sources of residents, filled by `rows` (system.stream → rows); core.dim_resident, empty."""
    with psycopg.connect(url) as conn:
        conn.execute("CREATE SCHEMA IF NOT EXISTS staging")
        for source in things.RESIDENTS:
            said = " ".join([source.record_key, *source.fields.values()])
            names = sorted(set(_WORD.findall(said)) - {"left", "text"})
            columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names)
            table = sql.Identifier(*source.view.split("."))
            conn.execute(sql.SQL("CREATE TABLE {} ({})").format(table, columns))
            for row in rows.get(f"{source.system}.{source.stream}", ()):
                into = sql.SQL(", ").join(map(sql.Identifier, row))
                holes = sql.SQL(", ").join(sql.Placeholder() * len(row))
                conn.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(table, into, holes), list(row.values()))
        conn.execute(
            "CREATE TABLE core.dim_resident"
            " (resident_key text, resident_id text, name text, birth_date date, phone text)"
        )
        conn.execute("GRANT USAGE ON SCHEMA staging TO townhub_builder")
        conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA staging TO townhub_builder")
        conn.execute("GRANT SELECT ON core.dim_resident TO townhub_builder")


def keys(url: str) -> dict[str, str]:
    """record key → entity key of what is in force."""
    with psycopg.connect(url) as conn:
        return dict(
            conn.execute("SELECT record_key, entity_key FROM resolution.membership WHERE to_run IS NULL").fetchall()
        )


def doubt(url: str, system: str, stream: str, record_key: str, reason: str = "it may be another's") -> int:
    """A review of one record, as a run of resolution enters it."""
    with psycopg.connect(url) as conn:
        row = conn.execute(
            "INSERT INTO resolution.review (kind, record, reason) VALUES ('resident', jsonb_build_object("
            "'system', %s::text, 'stream', %s::text, 'record_key', %s::text), %s) RETURNING review_id",
            [system, stream, record_key, reason],
        ).fetchone()
    assert row is not None
    return int(row[0])


def known(url: str, *rows: tuple[str, str | None, str | None, str | None, str | None]) -> None:
    """Golden values: resident_key, resident_id, name, birth_date, phone."""
    with psycopg.connect(url) as conn, conn.cursor() as cursor:
        cursor.executemany("INSERT INTO core.dim_resident VALUES (%s, %s, %s, %s, %s)", rows)
