"""How well enterprises, premises and events are put together, by the answer key of a simulated town."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import psycopg

from bench._identity_scores import Score, score
from resolution import enterprises, events, premises, sources
from resolution.residents import Clusters

KINDS: dict[str, tuple[Callable[[pl.DataFrame], Clusters], str]] = {
    "enterprises": (enterprises.cluster, "enterprise"),
    "premises": (premises.cluster, "premises"),
    "events": (events.cluster, "incident"),
}
"""kind → how it is clustered, and what `who_is_who` calls it."""
_RECORD = ["system", "stream", "record_key"]


def measure(conn: psycopg.Connection, who_is_who: pl.DataFrame) -> dict[str, Score]:
    """Score per kind of the records staged now, and per `kind.system` of those of each system.

    `conn` is a builder's; `who_is_who` is as `townhub simulate truth` writes it. The score of a system counts pairs of
    which both records are the system's own.
    """
    doors = sources.register(conn)
    found: dict[str, Score] = {}
    for kind in KINDS:
        found |= scores(kind, sources.read(conn, kind), who_is_who, doors if kind == "events" else None)
    return found


def scores(
    kind: str, records: pl.DataFrame, who_is_who: pl.DataFrame, doors: pl.DataFrame | None = None
) -> dict[str, Score]:
    """`measure` of one kind over its records in hand; events are placed by the register of doors
    (`sources.REGISTER_SCHEMA`)."""
    found = judged(kind, records, who_is_who, doors)
    systems = found["system"].unique().sort()
    each = {f"{kind}.{system}": score(found.filter(pl.col("system") == system)) for system in systems}
    return {kind: score(found)} | each


def judged(
    kind: str, records: pl.DataFrame, who_is_who: pl.DataFrame, doors: pl.DataFrame | None = None
) -> pl.DataFrame:
    """system, stream, record_key, true, found of the records of which the truth says anything.

    Streams of which it says nothing are left out: safety codes name no enterprise there. In the others a record that it
    does not name is an entity of its own (a false alarm is no incident); of premises such records are left out, for of
    several filings about one home the truth names one.
    """
    cluster, entity = KINDS[kind]
    truth = who_is_who.filter(pl.col("kind") == entity).select(*_RECORD, "true_id")
    rows = records.select(*_RECORD).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    clusters = cluster(records) if doors is None else events.cluster(records, doors)
    both = rows.join(clusters.assigned.select("row", found="cluster"), on="row")
    both = both.join(truth.select("system", "stream").unique(), on=["system", "stream"], how="semi")
    both = both.join(truth, on=_RECORD, how="inner" if kind == "premises" else "left")
    return both.select(*_RECORD, true=pl.coalesce("true_id", -1 - pl.col("row")), found="found")
