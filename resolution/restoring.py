"""Keys that come back: an undone merge, or records that were gone, restore the key that the part had.

A merge of key B into A is undone when the records that A holds now fall apart, and those that B had at its end and
those that A had before it took them lie in different parts. Then B's part gets B back and A's part keeps A, even if
later records have made B's part the larger one: whoever holds one of the two keys means the records that it had then.
"""

from __future__ import annotations

import polars as pl
import psycopg

from resolution.arrays import array

RECORD = ["system", "stream", "record_key"]

FORMER_SCHEMA: dict[str, pl.DataType] = {
    "system": pl.String(), "stream": pl.String(), "record_key": pl.String(), "old": pl.String(), "ended": pl.Int64(),
    "into": pl.String(), "side": pl.String(),
}  # fmt: skip
"""old: a key out of use since run `ended`, merged into `into` (null: retired). side: `own` for a record that the key
had at its end, `other` for one that `into` had just before it took the key's."""

_FORMER = """
    SELECT m.system, m.stream, m.record_key, e.entity_key, e.updated_run, e.merged_into, 'own'
      FROM resolution.entity e JOIN resolution.membership m
        ON m.entity_key = e.entity_key AND m.to_run = e.updated_run AND NOT m.voided
     WHERE e.kind = %(kind)s AND e.status <> 'active'
    UNION ALL
    SELECT m.system, m.stream, m.record_key, e.entity_key, e.updated_run, e.merged_into, 'other'
      FROM resolution.entity e JOIN resolution.membership m
        ON m.entity_key = e.merged_into AND m.from_run < e.updated_run AND NOT m.voided
       AND (m.to_run IS NULL OR m.to_run >= e.updated_run)
     WHERE e.kind = %(kind)s AND e.status = 'merged'
"""
_SOME = f"SELECT * FROM ({_FORMER}) AS f WHERE entity_key = ANY (%(keys)s)"
# Each branch begins with the records: keys that went out of use grow for ever, and what a run looks at does not.
_TOUCHED = """
    WITH r AS (SELECT * FROM unnest(%(system)s::text[], %(stream)s::text[], %(record_key)s::text[])
                             AS t (system, stream, record_key)),
    held AS (
        SELECT m.entity_key, m.from_run, m.to_run FROM r JOIN resolution.membership m USING (system, stream, record_key)
         WHERE m.kind = %(kind)s AND m.to_run IS NOT NULL
        UNION ALL
        SELECT m.entity_key, m.from_run, m.to_run FROM r JOIN resolution.membership m USING (system, stream, record_key)
         WHERE m.kind = %(kind)s AND m.to_run IS NULL
    )
    SELECT e.entity_key FROM held JOIN resolution.entity e USING (entity_key)
     WHERE e.status <> 'active' AND e.updated_run = held.to_run
    UNION
    SELECT e.entity_key FROM held JOIN resolution.entity e ON e.merged_into = held.entity_key
     WHERE held.from_run < e.updated_run AND (held.to_run IS NULL OR held.to_run >= e.updated_run)
"""


def former(conn: psycopg.Connection, kind: str, records: pl.DataFrame | None = None) -> pl.DataFrame:
    """What keys of a kind that are out of use held at their end; see `FORMER_SCHEMA`.

    With `records` (system, stream, record_key) of those keys alone that held one of these.
    """
    with conn.cursor() as cursor:
        if records is None:
            rows = cursor.execute(_FORMER, {"kind": kind}).fetchall()
        else:
            keys = touched(conn, kind, records)
            rows = cursor.execute(_SOME, {"kind": kind, "keys": keys}).fetchall() if keys else []
    return pl.DataFrame(rows, schema=FORMER_SCHEMA, orient="row")


def touched(conn: psycopg.Connection, kind: str, records: pl.DataFrame) -> list[str]:
    """Keys out of use that had one of these records at their end, or that were merged into a key that had one then."""
    named = {name: array(records[name]) for name in RECORD}
    return [row[0] for row in conn.execute(_TOUCHED, {"kind": kind, **named}).fetchall()]


def beside(former: pl.DataFrame, clusters: pl.DataFrame) -> pl.DataFrame:
    """Records of former keys that have one in these clusters, and that are in none of them."""
    touched = former.join(clusters, on=RECORD, how="semi").select("old").unique()
    return former.join(touched, on="old", how="semi").join(clusters, on=RECORD, how="anti").select(RECORD).unique()


def overlaps(clusters: pl.DataFrame, former: pl.DataFrame | None) -> pl.DataFrame:
    """(old, ended, into, side, cluster, overlap): in which clusters the records of former keys lie now."""
    wanted = ["old", "ended", "into", "side", "cluster"]
    if former is None:
        former = pl.DataFrame(schema=FORMER_SCHEMA)
    return (
        former.join(clusters.select(*RECORD, "cluster"), on=RECORD)
        .group_by(wanted)
        .len("overlap")
        .sort("ended", "old", "side", "overlap", "cluster", descending=[False, False, False, True, False])
    )


def undone(shared: pl.DataFrame, had: pl.DataFrame) -> pl.DataFrame:
    """(cluster, old) of merges that this run undoes, the earliest merge first.

    `shared`: (cluster, old, overlap) of clusters with the keys in force.
    """
    mainly = shared.sort("overlap", "old", descending=[True, False]).unique("cluster", maintain_order=True)
    torn = mainly.filter(pl.len().over("old") > 1)
    pinned: dict[int, str] = {}
    if torn.height and had.height:
        holds = dict(torn.select("cluster", "old").iter_rows())
        touched = had.filter(pl.col("cluster").is_in(torn["cluster"].implode()))["old"].unique()
        merges = had.filter(pl.col("into").is_not_null() & pl.col("old").is_in(touched.implode()))
        for (old, into), sides in merges.group_by("old", "into", maintain_order=True):
            own = _largest(sides.filter(pl.col("side") == "own"), pinned)
            other = _largest(sides.filter(pl.col("side") == "other"), {})
            if own is None or other is None or own == other:
                continue
            if own not in holds or other not in holds or holds[own] != holds[other]:
                continue
            if pinned.get(other, into) != into:
                continue
            pinned[own] = str(old)
            # The key that took the other may itself be merged by now: then what is in force decides who keeps what.
            if holds[other] == into:
                pinned[other] = str(into)
    return pl.DataFrame(
        list(pinned.items()), schema={"cluster": shared.schema["cluster"], "old": pl.String}, orient="row"
    )


def _largest(side: pl.DataFrame, taken: dict[int, str]) -> int | None:
    return next((int(cluster) for cluster in side["cluster"] if cluster not in taken), None)


def greedy(ordered: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """(cluster, old) by the order given, each cluster and each key once; what is in `kept` stands."""
    kept = kept.select("cluster", "old")
    while True:
        rest = ordered.join(kept, on="cluster", how="anti").join(kept, on="old", how="anti")
        if rest.is_empty():
            return kept
        more = rest.filter(pl.col("cluster").is_first_distinct() & pl.col("old").is_first_distinct())
        kept = pl.concat([kept, more.select("cluster", "old")])


def returned(had: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    """(cluster, old) of clusters that keep no key and get one back that most of its former records are in."""
    own = had.filter((pl.col("side") == "own") & (pl.col("overlap") == pl.col("overlap").max().over("old", "side")))
    free = own.join(kept, on="cluster", how="anti").join(kept, on="old", how="anti")
    ordered = free.sort("overlap", "ended", "old", "cluster", descending=[True, True, False, False])
    return greedy(ordered, kept.clear())
