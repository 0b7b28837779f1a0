"""Records that are another person's now: a source gave their key to somebody else.

Such a record has no claim to the key of whom it spoke before. It bears another number and another name; where only one
of them changed, it was put right.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
import psycopg

from resolution import news
from resolution.arrays import array
from resolution.restoring import RECORD
from resolution.things import SOURCES

_SAYS = dict.fromkeys((*RECORD, "number", "name"), pl.String())


def between(was: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """system, stream, record_key of those that changed hands; both have these, number (null: not their own), name."""
    both = was.select(list(_SAYS)).cast(pl.Schema(_SAYS))
    both = both.join(now.select(list(_SAYS)).cast(pl.Schema(_SAYS)), on=RECORD)
    other = (pl.col("number") != pl.col("number_right")) & (pl.col("name") != pl.col("name_right"))
    return both.filter(other).select(RECORD)


def since(
    conn: psycopg.Connection, then: Mapping[str, Any], now: Mapping[str, Any], people: pl.DataFrame
) -> pl.DataFrame:
    """The same of all `people`, held against what the last run kept; `then` and `now` are its fingerprint and ours."""
    touched = [pl.DataFrame(schema=dict.fromkeys(RECORD, pl.String()))]
    for source in SOURCES["residents"]:
        stream = f"{source.system}.{source.stream}"
        if then.get(stream) != now.get(stream):
            keys = news.touched(conn, source, int(then.get(stream, 0))).to_frame("record_key")
            touched.append(
                keys.select(system=pl.lit(source.system), stream=pl.lit(source.stream), record_key="record_key")
            )
    asked = pl.concat(touched)
    if asked.is_empty():
        return asked
    rows = conn.execute(
        """SELECT system, stream, record_key, CASE WHEN NOT borrowed THEN number END, name
             FROM resolution.resident_record
             JOIN unnest(%s::text[], %s::text[], %s::text[]) AS r (system, stream, record_key)
                  USING (system, stream, record_key)""",
        [array(asked[name]) for name in RECORD],
    ).fetchall()
    return between(pl.DataFrame(rows, schema=_SAYS, orient="row"), people.join(asked, on=RECORD, how="semi"))
