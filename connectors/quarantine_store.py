"""Rejected rows into `quarantine.row`: the row as received, its reasons, where and when it was seen.

The same bad row sent again is counted on the row that is held already, so that a register re-sent every day
gives one row to mend and not a thousand.
"""

from __future__ import annotations

import hashlib
import json

import polars as pl
import psycopg

from connectors.contract import Stream

_STAGE = """
CREATE TEMP TABLE IF NOT EXISTS rejects_arriving (
    row_no bigint, record_key text, payload text, digest bytea, reasons text[], seen integer, is_json boolean
) ON COMMIT DELETE ROWS
"""

_MERGE = """
INSERT INTO quarantine.row AS held
       (system, stream, load_id, last_load_id, times_seen, row_no, record_key, payload, payload_text,
        payload_digest, reasons, contract_version)
SELECT %(system)s, %(stream)s, %(load)s, %(load)s, seen, row_no, record_key,
       CASE WHEN is_json THEN payload::jsonb END,
       payload, digest, reasons, %(version)s
  FROM rejects_arriving
    ON CONFLICT (system, stream, payload_digest) WHERE state = 'held'
    DO UPDATE SET times_seen = held.times_seen + excluded.times_seen, last_seen = now(),
                  last_load_id = excluded.last_load_id, reasons = excluded.reasons,
                  contract_version = excluded.contract_version
"""


def store_rejects(
    conn: psycopg.Connection, stream: Stream, load_id: int, contract_version: str, rejected: pl.DataFrame
) -> None:
    """Write rejected rows (see `conform.Conformed.rejected`) inside the caller's transaction."""
    if rejected.is_empty():
        return
    distinct = rejected.group_by("payload", maintain_order=True).agg(
        pl.col("row_no").first(), pl.col("record_key").first(), pl.col("reasons").first(), seen=pl.len()
    )
    conn.execute(_STAGE)
    columns = "row_no, record_key, payload, digest, reasons, seen, is_json"
    with conn.cursor().copy(f"COPY rejects_arriving ({columns}) FROM STDIN") as copy:
        for row in distinct.iter_rows(named=True):
            payload = row["payload"].replace("\x00", "\\u0000")
            digest = hashlib.sha256(payload.encode("utf-8", "surrogateescape")).digest()
            values = (row["row_no"], row["record_key"], payload, digest, row["reasons"], row["seen"])
            copy.write_row((*values, _is_json_object(payload)))
    conn.execute(
        _MERGE,
        {"system": stream.system, "stream": stream.name, "load": load_id, "version": contract_version},
    )
    conn.execute("DELETE FROM rejects_arriving")


def _is_json_object(payload: str) -> bool:
    """Whether jsonb can hold it: an object, and no U+0000, which jsonb refuses even as an escape."""
    if not payload.startswith("{") or "\\u0000" in payload:
        return False
    try:
        json.loads(payload)
    except ValueError:
        return False
    return True
