"""The last lesson about the town (`town.Town`), kept for the runs after it: full ones and those by changes alike.

With one lesson a full run and a run by changes come to the same, and a full run over unchanged sources to what was
there. Whether a lesson is too old hangs on the sources alone, not on the kind of run or on when it runs: it is learned
anew with other code or views, when a source has grown or shrunk by more than a tenth, when more than a tenth of the
register was changed, and when something landed more than `DAYS` later.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import psycopg
from psycopg.types.json import Jsonb

from resolution import sources
from resolution.events import chance as event_chance
from resolution.events.town import Town
from resolution.things import REGISTER, SOURCES

GROWN = 0.1
FEW = 50
"""A small source may grow or shrink by so many rows besides: a few reports teach little."""
DAYS = 31


def kept(conn: psycopg.Connection, now: Mapping[str, Any]) -> Town | None:
    """The town as it was last learned, None where it is to be learned anew for a run with the fingerprint `now`."""
    row = conn.execute(
        "SELECT learned_at, inputs, latitude, names, figures, ground, buildings FROM resolution.event_town"
    ).fetchone()
    if row is None or _outdated(conn, row[0], row[1], now):
        return None
    _, _, latitude, names, figures, ground, buildings = row
    kinds = pl.DataFrame(figures, schema=event_chance.SCHEMA, orient="row")
    return Town(_frame(buildings), latitude, names, _frame(ground), kinds)


def keep(conn: psycopg.Connection, town: Town, now: Mapping[str, Any]) -> None:
    """Write what was learned from sources with the fingerprint `now`."""
    figures = Jsonb([list(row) for row in town.figures.iter_rows()])
    conn.execute("DELETE FROM resolution.event_town")
    conn.execute(
        "INSERT INTO resolution.event_town (inputs, latitude, names, figures, ground, buildings)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [Jsonb(dict(now)), town.latitude, town.names, figures, _bytes(town.ground), _bytes(town.buildings)],
    )


def _outdated(conn: psycopg.Connection, learned_at: datetime, then: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    if any(then.get(name) != now.get(name) for name in ("code", "views")):
        return True
    read_from = (*SOURCES["events"], REGISTER)
    rows = [sources.rows_of(source) for source in read_from]
    if any(_differ(then.get(name, 0), now.get(name, 0)) for name in rows):
        return True
    register = f"{REGISTER.system}.{REGISTER.stream}"
    found = conn.execute(
        """SELECT max(finished_at) FILTER (WHERE load_id = ANY (%(loads)s)),
                  coalesce(sum(rows_landed + rows_tombstoned)
                           FILTER (WHERE system || '.' || stream = %(register)s AND state = 'committed'
                                     AND load_id > %(then)s AND load_id <= %(now)s), 0)::bigint
             FROM control.load""",
        {"loads": [now.get(f"{source.system}.{source.stream}", 0) for source in read_from],
         "register": register, "then": then.get(register, 0), "now": now.get(register, 0)},
    ).fetchone()  # fmt: skip
    assert found is not None
    landed, changed = found
    old = landed is not None and landed > learned_at + timedelta(days=DAYS)
    known = then.get(sources.rows_of(REGISTER), 0)
    return old or _differ(known, known + changed)


def _differ(then: int, now: int) -> bool:
    return abs(now - then) > GROWN * then + FEW


def _bytes(frame: pl.DataFrame) -> bytes:
    into = io.BytesIO()
    frame.write_parquet(into)
    return into.getvalue()


def _frame(content: bytes) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(content))
