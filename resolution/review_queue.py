"""Doubtful records into the queue of stewards, and out of it again: what every run of resolution does at its end."""

from __future__ import annotations

import polars as pl
import psycopg

from resolution import decisions, record_fields
from resolution.decisions import Record
from resolution.restoring import RECORD
from resolution.things import DECISIVE

BY_NAME = "decides about a benefit, and is this resident's by a name alone"


def by_name(conn: psycopg.Connection, linked: pl.DataFrame) -> pl.DataFrame:
    """row, reason of the `DECISIVE` records among those `linked` (row, system, stream, record_key, link_kind) by a lone
    name: what they decide is unknown until somebody says whose they are."""
    probable = linked.filter(pl.col("link_kind") == "probable")
    found = probable.clear().select("row")
    for (system, stream), decides in DECISIVE.items():
        named = probable.filter((pl.col("system") == system) & (pl.col("stream") == stream)).select("row", "record_key")
        source = record_fields.source_of("resident", system, stream)
        if named.is_empty() or source is None:
            continue
        key = f"({source.record_key})::text"
        query = f"SELECT {key} FROM {source.view} WHERE {decides} AND {key} = ANY (%s)"
        keys = [key for (key,) in conn.execute(query.encode(), [named["record_key"].to_list()])]
        found.extend(named.filter(pl.col("record_key").is_in(keys)).select("row"))
    return found.select("row", reason=pl.lit(BY_NAME))


def write(
    conn: psycopg.Connection, entity: str, run: int, records: pl.DataFrame, doubtful: pl.DataFrame
) -> dict[str, list[str]]:
    """Doubtful records, given back as columns, into the queue: each once while it waits or a steward's answer stands.

    One whose decision was revoked is doubtful again, and nobody would look at it otherwise; so is one whose dismissal
    was taken back, or that says something else since, or that is another person's than the one who was judged.
    """
    waiting = records.with_row_index("row").with_columns(pl.col("row").cast(pl.Int64)).join(doubtful, on="row")
    told = {name: waiting[name].to_list() for name in ("system", "stream", "record_key", "reason")}
    says = _judged(conn, entity, told)
    said = [says.get(Record(*named)) for named in zip(*(told[name] for name in RECORD), strict=True)]
    conn.execute(
        f"""INSERT INTO resolution.review (kind, record, reason, created_run)
           SELECT %(kind)s, d.record, d.reason, %(run)s
             FROM (SELECT DISTINCT
                          jsonb_build_object('system', system, 'stream', stream, 'record_key', record_key), reason,
                          said, system, stream, record_key
                     FROM unnest(%(system)s::text[], %(stream)s::text[], %(record_key)s::text[], %(reason)s::text[],
                                 %(said)s::text[]) AS t (system, stream, record_key, reason, said))
                  AS d (record, reason, said, system, stream, record_key)
            WHERE NOT EXISTS (
                   SELECT FROM resolution.review r LEFT JOIN resolution.decision o USING (decision_id)
                    WHERE r.kind = %(kind)s AND r.record = d.record AND r.reason = d.reason
                      AND (r.state = 'open' OR r.decided_by IS DISTINCT FROM 'resolution' AND o.revoked_at IS NULL
                           AND r.reopened_at IS NULL AND r.judged IS NOT DISTINCT FROM coalesce(d.said, r.judged)
                           AND NOT EXISTS (
                               SELECT FROM (SELECT d.system, d.stream, d.record_key, r.decided_at) AS s
                               CROSS JOIN LATERAL ({decisions.ANOTHERS}) AS gone)))""".encode(),
        {"kind": entity, "run": run, "said": said, **told},
    )
    return told


def _judged(conn: psycopg.Connection, entity: str, told: dict[str, list[str]]) -> dict[Record, str | None]:
    """What those of these records say now (`record_fields.digest`) of which a doubt was dismissed."""
    rows = conn.execute(
        """SELECT DISTINCT t.system, t.stream, t.record_key
             FROM unnest(%(system)s::text[], %(stream)s::text[], %(record_key)s::text[])
                  AS t (system, stream, record_key)
             JOIN resolution.review r ON r.kind = %(kind)s AND r.judged IS NOT NULL
              AND r.record = jsonb_build_object('system', system, 'stream', stream, 'record_key', record_key)""",
        {"kind": entity, **{name: told[name] for name in RECORD}},
    ).fetchall()
    fields = record_fields.read(conn, entity, [Record(*row) for row in rows])
    return {record: record_fields.digest(said) for record, said in fields.items()}


def settle(
    conn: psycopg.Connection, entity: str, run: int, told: dict[str, list[str]], settled: pl.DataFrame | None
) -> None:
    """Take off the queue what is doubtful no more, or gone; should it be doubtful again it comes back.

    `settled`: system, stream, record_key of records of which all doubts were `told`; None for all records.
    """
    if settled is not None and settled.is_empty():
        return
    looked_at = {f"{name}s": [] if settled is None else settled[name].to_list() for name in RECORD}
    conn.execute(
        """UPDATE resolution.review r SET state = 'decided', decided_by = 'resolution', decided_at = clock_timestamp(),
                  outcome_reason = %(why)s
            WHERE r.kind = %(kind)s AND r.state = 'open' AND r.record IS NOT NULL
              AND (%(all)s OR (r.record ->> 'system', r.record ->> 'stream', r.record ->> 'record_key') IN (
                   SELECT * FROM unnest(%(systems)s::text[], %(streams)s::text[], %(record_keys)s::text[])))
              AND NOT EXISTS (
                   SELECT FROM unnest(%(system)s::text[], %(stream)s::text[], %(record_key)s::text[],
                                      %(reason)s::text[]) AS t (system, stream, record_key, reason)
                    WHERE (r.record ->> 'system', r.record ->> 'stream', r.record ->> 'record_key', r.reason)
                          = (t.system, t.stream, t.record_key, t.reason))""",
        {"kind": entity, "why": f"not doubtful any more in run {run}", "all": settled is None, **looked_at, **told},
    )
