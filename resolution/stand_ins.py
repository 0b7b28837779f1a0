"""Decisions whose record is gone: others of the person whom the steward meant stand in for it.

A steward names two records and means two persons. When one of the records leaves its source, whoever is left of the
entity that it belonged to last takes its place, carried on by the ledger; when it comes back it counts again itself.
A record that was purged or became another person's since is gone for good: whoever has its key now is not meant.
"""

from __future__ import annotations

import polars as pl
import psycopg

from resolution import decisions
from resolution.restoring import RECORD

LAPSED = "decision {} holds no more: nobody is left of whom this record was kept from"
_SAID = """
    SELECT d.decision_id, d.verdict, d.decided_at, s.side, s.system, s.stream, s.record_key
      FROM resolution.decision d CROSS JOIN LATERAL (
           VALUES ('a', a_system, a_stream, a_record_key), ('b', b_system, b_stream, b_record_key)
           ) AS s (side, system, stream, record_key)
     WHERE d.kind = %(kind)s AND d.revoked_at IS NULL
"""
# The entity that had a record when it became another's, else the one that has it now, else what the one that had it
# last stands for.
_ENTITIES = f"""
    SELECT s.*, gone.entity_key IS NOT NULL AS gone, CASE WHEN now.entity_key IS NOT NULL THEN now.entity_key
           WHEN e.status = 'active' THEN e.entity_key ELSE e.resolves_to END AS entity
      FROM ({_SAID}) AS s
      LEFT JOIN LATERAL ({decisions.ANOTHERS}
            ORDER BY void.to_run LIMIT 1) AS gone ON true
      LEFT JOIN resolution.membership now ON gone.entity_key IS NULL AND now.kind = %(kind)s AND now.to_run IS NULL
       AND (now.system, now.stream, now.record_key) = (s.system, s.stream, s.record_key)
      LEFT JOIN LATERAL (
           SELECT entity_key FROM resolution.membership was
            WHERE gone.entity_key IS NULL AND now.entity_key IS NULL AND was.kind = %(kind)s AND was.to_run IS NOT NULL
              AND (was.system, was.stream, was.record_key) = (s.system, s.stream, s.record_key)
            ORDER BY was.to_run DESC LIMIT 1) AS was ON true
      LEFT JOIN resolution.entity e ON e.entity_key = coalesce(gone.entity_key, was.entity_key)
"""
# A cannot-link speaks of two entities: whoever is of both can stand in for neither. Who stood in does so again.
_STAND_INS = f"""
    WITH said AS ({_ENTITIES})
    SELECT s.decision_id, s.side, m.system, m.stream, m.record_key
      FROM said s JOIN said o ON o.decision_id = s.decision_id AND o.side <> s.side
      JOIN resolution.membership m ON m.entity_key = s.entity AND m.to_run IS NULL
     WHERE s.decision_id = ANY (%(lost)s) AND (s.verdict = 'must_link' OR o.entity IS DISTINCT FROM s.entity)
     ORDER BY m.link_kind <> 'steward', m.link_kind <> 'exact', m.system, m.stream, m.record_key
"""


def entities(conn: psycopg.Connection, kind: str) -> pl.Series:
    """Keys of the entities that the decisions in force are about."""
    rows = conn.execute(f"SELECT DISTINCT entity FROM ({_ENTITIES}) AS s WHERE entity IS NOT NULL", {"kind": kind})
    return pl.Series("entity_key", [row[0] for row in rows.fetchall()], dtype=pl.String)


def followed(
    conn: psycopg.Connection, kind: str, records: pl.DataFrame, reassigned: pl.DataFrame | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(decisions in force: a, b, verdict; row, reason of records whose decision holds no more).

    `records` has row, system, stream, record_key and cluster (by the rules) of all that may be meant; a and b are rows.
    `reassigned`: system, stream, record_key of records that are another person's since the last run.
    """
    decided = decisions.in_force(conn, kind)
    meant = records if reassigned is None else records.join(reassigned, on=RECORD, how="anti")
    gone = pl.DataFrame(
        conn.execute(f"SELECT decision_id, side FROM ({_ENTITIES}) AS s WHERE gone", {"kind": kind}).fetchall(),
        schema={"decision_id": pl.Int64(), "side": pl.String()}, orient="row",
    )  # fmt: skip
    for side in ("a", "b"):
        told = [side, f"{side}_cluster"]
        at = meant.select(*RECORD, pl.col("row").alias(side), pl.col("cluster").alias(f"{side}_cluster"))
        named = [f"{side}_{name}" for name in RECORD]
        decided = decided.join(at, left_on=named, right_on=RECORD, how="left", maintain_order="left")
        another = pl.col("decision_id").is_in(gone.filter(pl.col("side") == side)["decision_id"].implode())
        decided = decided.with_columns(pl.when(~another).then(name).alias(name) for name in told)
    lost = decided.filter(pl.col("a").is_null() | pl.col("b").is_null())
    if lost.height:
        rows = conn.execute(_STAND_INS, {"kind": kind, "lost": lost["decision_id"].to_list()}).fetchall()
        found = pl.DataFrame(rows, schema=_FOUND, orient="row").join(meant, on=RECORD, maintain_order="left")
        for side, other in (("a", "b"), ("b", "a")):
            decided = _with(decided, found.filter(pl.col("side") == side), side, pl.col(f"{other}_cluster"))
    lapsed = decided.filter((pl.col("verdict") == "cannot_link") & pl.col("a").is_null()).drop_nulls("b")
    doubts = lapsed.select(row="b", reason=pl.format(LAPSED, "decision_id"))
    return decided.drop_nulls(["a", "b"]).select("a", "b", "verdict"), doubts


def _with(decided: pl.DataFrame, found: pl.DataFrame, side: str, other: pl.Expr) -> pl.DataFrame:
    """Decisions with the first of those `found` who can stand in on a side that has nobody.

    Of those that a must-link made one, whoever the rules take for the other side stands on that side.
    """
    met = found.join(decided.filter(pl.col(side).is_null()), on="decision_id", maintain_order="left")
    met = met.filter((pl.col("verdict") == "cannot_link") | pl.col("cluster").ne_missing(other))
    first = met.unique("decision_id", keep="first", maintain_order=True)
    first = first.select("decision_id", stands="row", stands_cluster="cluster")
    decided = decided.join(first, on="decision_id", how="left", maintain_order="left")
    told = (pl.coalesce(f"{side}{part}", f"stands{part}").alias(f"{side}{part}") for part in ("", "_cluster"))
    return decided.with_columns(*told).drop("stands", "stands_cluster")


_FOUND = {"decision_id": pl.Int64(), "side": pl.String()} | dict.fromkeys(RECORD, pl.String())
