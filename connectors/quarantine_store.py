"""Rejected rows into `quarantine.row`: the row as received, its reasons, where and when it was seen.

The same bad row sent again is counted on the row that is held already, so that a register re-sent every day
gives one row to mend and not a thousand.
"""

from __future__ import annotations

import hashlib
import json
import re

import polars as pl
import psycopg

from connectors.contract import Stream

_REFUSED_BY_JSONB = re.compile(r"\\u(0000|[dD][89a-fA-F])")

_STAGE = """
CREATE TEMP TABLE IF NOT EXISTS rejects_arriving (
    row_no bigint, record_key text, payload text, digest bytea, reasons text[], seen integer, is_json boolean,
    version_number bigint
) ON COMMIT DELETE ROWS
"""

# What a person has discarded is seen again, and stays discarded.
_DISCARDED = """
WITH known AS (
    UPDATE quarantine.row AS old SET times_seen = old.times_seen + new.seen, last_seen = now(), last_load_id = %(load)s
      FROM rejects_arriving AS new
     WHERE (old.system, old.stream, old.state) = (%(system)s, %(stream)s, 'discarded')
       AND old.payload_digest = new.digest
 RETURNING old.payload_digest)
DELETE FROM rejects_arriving USING known WHERE digest = payload_digest
"""

_MERGE = """
INSERT INTO quarantine.row AS held
       (system, stream, load_id, last_load_id, times_seen, row_no, record_key, payload, payload_text,
        payload_digest, reasons, contract_version, version_number, checked_by_load)
SELECT %(system)s, %(stream)s, %(load)s, %(load)s, seen, row_no, record_key,
       CASE WHEN is_json THEN payload::jsonb END,
       payload, digest, reasons, %(version)s, version_number, %(load)s
  FROM rejects_arriving
    ON CONFLICT (system, stream, payload_digest) WHERE state = 'held'
    DO UPDATE SET times_seen = held.times_seen + CASE WHEN %(replay)s THEN 0 ELSE excluded.times_seen END,
                  last_seen = CASE WHEN %(replay)s THEN held.last_seen ELSE now() END,
                  last_load_id = CASE WHEN %(replay)s THEN held.last_load_id ELSE excluded.last_load_id END,
                  reasons = excluded.reasons, contract_version = excluded.contract_version,
                  version_number = excluded.version_number, checked_by_load = excluded.checked_by_load
"""


def store_rejects(
    conn: psycopg.Connection,
    stream: Stream,
    load_id: int,
    contract_version: str,
    rejected: pl.DataFrame,
    *,
    replay: bool = False,
) -> None:
    """Write rejected rows (see `conform.Conformed.rejected`) inside the caller's transaction.

    A replay looks at a row again; it is no sighting of it at the source.
    """
    if rejected.is_empty():
        return
    distinct = rejected.group_by("payload", maintain_order=True).agg(
        pl.col("row_no").first(),
        pl.col("record_key").first(),
        pl.col("reasons").first(),
        pl.col("version_number").first(),
        pl.col("whole").first(),
        seen=pl.len(),
    )
    conn.execute(_STAGE)
    columns = "row_no, record_key, payload, digest, reasons, seen, is_json, version_number"
    with conn.cursor().copy(f"COPY rejects_arriving ({columns}) FROM STDIN") as copy:
        for row in distinct.iter_rows(named=True):
            payload = row["payload"].replace("\x00", "\\u0000")
            digest = hashlib.sha256(payload.encode("utf-8", "surrogateescape")).digest()
            values = (row["row_no"], row["record_key"], payload, digest, row["reasons"], row["seen"])
            copy.write_row((*values, row["whole"] and _is_json_object(payload), row["version_number"]))
    place = {"system": stream.system, "stream": stream.name, "load": load_id}
    conn.execute(_DISCARDED, place)
    conn.execute(_MERGE, place | {"version": contract_version, "replay": replay})
    conn.execute("DELETE FROM rejects_arriving")


def store_additions(conn: psycopg.Connection, stream: Stream, load_id: int, added: dict[str, str]) -> None:
    """Keep fields that no contract describes (record key → JSON text), the newest of each record."""
    if not added:
        return
    conn.execute(
        """INSERT INTO quarantine.addition (system, stream, record_key, load_id, fields)
           SELECT %s, %s, key, %s, fields FROM unnest(%s::text[], %s::text[]) AS arriving (key, fields)
               ON CONFLICT (system, stream, record_key)
               DO UPDATE SET load_id = excluded.load_id, fields = excluded.fields, last_seen = now()""",
        [stream.system, stream.name, load_id, list(added), list(added.values())],
    )


def _is_json_object(payload: str) -> bool:
    """Whether jsonb can hold it: an object without U+0000 and half surrogates, which it refuses even as escapes."""
    if not payload.startswith("{") or _REFUSED_BY_JSONB.search(payload):
        return False
    try:
        json.loads(payload)
    except ValueError:
        return False
    return True
