"""Records of residents, enterprises, premises and events, read into one shape per kind from the views of `things`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import polars as pl
import psycopg
from psycopg import sql

from resolution import doors
from resolution.arrays import array
from resolution.source import Source
from resolution.things import REFERENCES, REGISTER, SOURCES

CODE = (Path(__file__).parent, Path(__file__).parent.parent / "connectors" / "standards")
"""Folders whose files decide which records belong together."""

TEXT: pl.DataType = pl.String()
DAY: pl.DataType = pl.Date()
NUMBER: pl.DataType = pl.Float64()
TIME: pl.DataType = pl.Datetime("us", "UTC")

RESIDENT_SCHEMA: dict[str, pl.DataType] = {
    "system": TEXT, "stream": TEXT, "record_key": TEXT, "resident_id_no": TEXT, "name": TEXT,
    "birth_date": DAY, "sex": TEXT, "phone": TEXT, "address": TEXT, "community": TEXT,
}  # fmt: skip
ENTERPRISE_SCHEMA: dict[str, pl.DataType] = {
    "system": TEXT, "stream": TEXT, "record_key": TEXT, "number": TEXT, "name": TEXT, "address": TEXT, "phone": TEXT,
}  # fmt: skip
PREMISES_SCHEMA: dict[str, pl.DataType] = {
    "system": TEXT, "stream": TEXT, "record_key": TEXT, "code": TEXT, "name": TEXT, "category": TEXT,
    "address": TEXT, "longitude": NUMBER, "latitude": NUMBER,
}  # fmt: skip
DOOR_METRES = 25.0
"""So far from the point of its door an event indoors may be."""
REGISTER_SCHEMA: dict[str, pl.DataType] = {
    "system": TEXT, "stream": TEXT, "record_key": TEXT, "address_code": TEXT, "full_address": TEXT,
    "longitude": NUMBER, "latitude": NUMBER,
}  # fmt: skip
DOOR_SCHEMA: dict[str, pl.DataType] = {
    name: kind for name, kind in REGISTER_SCHEMA.items() if name not in ("longitude", "latitude")
}
"""The doors without their places, of which writing and reading the numbers is half of the work."""
EVENT_SCHEMA: dict[str, pl.DataType] = {
    "system": TEXT, "stream": TEXT, "record_key": TEXT, "number": TEXT, "category": TEXT, "at": TIME,
    "address": TEXT, "text": TEXT, "grid_code": TEXT, "longitude": NUMBER, "latitude": NUMBER, "metres": NUMBER,
    "device": TEXT, "bearing": NUMBER, "state": TEXT,
}  # fmt: skip

SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "residents": RESIDENT_SCHEMA,
    "enterprises": ENTERPRISE_SCHEMA,
    "premises": PREMISES_SCHEMA,
    "events": EVENT_SCHEMA,
}


def read(conn: psycopg.Connection, kind: str) -> pl.DataFrame:
    """All current records of a kind, in an order that does not depend on the database's.

    Records of premises come with the columns that `doors.located` adds.
    """
    records = read_sources(conn, SOURCES[kind], SCHEMAS[kind])
    return doors.located(records, read_one(conn, REGISTER, DOOR_SCHEMA)) if kind == "premises" else records


def register(conn: psycopg.Connection) -> pl.DataFrame:
    """The town's register of doors (`REGISTER_SCHEMA`)."""
    return read_one(conn, REGISTER, REGISTER_SCHEMA)


def read_sources(conn: psycopg.Connection, wanted: Iterable[Source], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """All current records of some sources in one shape, in an order that does not depend on the database's."""
    return pl.concat([read_one(conn, source, schema) for source in wanted]).sort("system", "stream", "record_key")


def read_one(
    conn: psycopg.Connection, source: Source, schema: dict[str, pl.DataType], only: sql.Composable | None = None
) -> pl.DataFrame:
    """All current records of a source, in no order, or those alone that a condition on its view holds for."""
    wanted = [name for name in schema if name not in ("system", "stream", "record_key")]
    columns = [f"({source.record_key})::text"] + [
        _column(source.fields.get(name, "null"), schema[name]) for name in wanted
    ]
    where: sql.Composable = sql.SQL(source.where)
    if only is not None:
        where = sql.SQL("{} AND ({})").format(where, only)
    query = sql.SQL("COPY (SELECT {} FROM {} WHERE {}) TO STDOUT (FORMAT CSV)").format(
        sql.SQL(", ").join(map(sql.SQL, columns)), sql.SQL(source.view), where
    )
    with conn.cursor().copy(query) as copy:
        data = b"".join(bytes(block) for block in copy)
    names = ["record_key", *wanted]
    if not data:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(data, has_header=False, new_columns=names, infer_schema=False)
    typed = [_typed(name, schema[name]) for name in wanted]
    return frame.with_columns(*typed, system=pl.lit(source.system), stream=pl.lit(source.stream)).select(list(schema))


def read_some(
    conn: psycopg.Connection, source: Source, schema: dict[str, pl.DataType], keys: pl.Series
) -> pl.DataFrame:
    """Those current records of a source that have one of these keys, in no order."""
    return read_one(conn, source, schema, having(source.record_key, keys))


def having(field: str, values: pl.Series) -> sql.Composable:
    """Condition: a field of a source has one of these texts."""
    return sql.SQL("({})::text = ANY ({}::text[])").format(sql.SQL(field), sql.Literal(array(values)))


def keys(conn: psycopg.Connection, source: Source) -> list[str]:
    """Keys of all current records of a source."""
    query = f"SELECT ({source.record_key})::text FROM {source.view} WHERE {source.where}"
    return [row[0] for row in conn.execute(query.encode()).fetchall()]


def fingerprint(conn: psycopg.Connection, kind: str) -> dict[str, int | str]:
    """What a run rests on, equal for equal results: the newest load of each source that changed a record, the views it
    is read through and their rows, the decisions and our own code."""
    read_from = (*SOURCES[kind], *REFERENCES.get(kind, ()))
    wanted = [f"{source.system}.{source.stream}" for source in read_from]
    rows = conn.execute(
        """SELECT l.system || '.' || l.stream, max(l.load_id) FROM control.load l
             LEFT JOIN control.build_input b USING (system, stream)
            WHERE l.state = 'committed' AND l.rows_landed + l.rows_tombstoned > 0
              AND l.load_id <= coalesce(b.load_id, l.load_id) AND l.system || '.' || l.stream = ANY (%s)
            GROUP BY 1""",
        [wanted],
    ).fetchall()
    views = sorted({source.view for source in read_from})
    others = conn.execute(
        """SELECT (SELECT count(*) + count(revoked_at) FROM resolution.decision WHERE kind = %s),
                  (SELECT md5(string_agg(pg_get_viewdef(view::regclass), ';' ORDER BY view))
                     FROM unnest(%s::text[]) AS view)""",
        [entity_kind(kind), views],
    ).fetchone()
    counted = " UNION ALL ".join(
        f"SELECT '{rows_of(source)}', count(*) FROM {source.view} WHERE {source.where}" for source in read_from
    )
    held = conn.execute(counted.encode()).fetchall()  # retention has no load
    assert others is not None
    return dict(rows) | dict(held) | {"decisions": others[0], "views": others[1], "code": code_digest()}


def linked() -> dict[str, list[str]]:
    """Kind → the streams (system.stream) that its runs read: what a gate holds the last run of each kind against."""
    return {
        kind: [f"{source.system}.{source.stream}" for source in (*sources, *REFERENCES.get(kind, ()))]
        for kind, sources in SOURCES.items()
    }


def rows_of(source: Source) -> str:
    """Under which name a fingerprint has the number of a source's records."""
    return f"rows of {source.system}.{source.stream}"


@cache
def code_digest(folders: tuple[Path, ...] = CODE) -> str:
    """Digest of the files of the folders, once per process: it runs the code that it has loaded."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()


def entity_kind(kind: str) -> str:
    """`residents` → `resident`: what the ledger calls one of them. Of premises there is no singular."""
    return kind if kind == "premises" else kind.removesuffix("s")


def _column(field: str, wanted: pl.DataType) -> str:
    # A timestamp's text hangs on the session's time zone.
    return (
        f"(extract(epoch FROM ({field})::timestamptz) * 1000000)::bigint::text"
        if wanted == TIME
        else f"({field})::text"
    )


def _typed(name: str, wanted: pl.DataType) -> pl.Expr:
    if wanted == DAY:
        return pl.col(name).str.to_date()
    if wanted == TIME:
        return pl.col(name).cast(pl.Int64).cast(wanted)
    return pl.col(name).cast(wanted)
