"""A full run: every record of a kind is read and linked anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import psycopg

from resolution import enterprises, events, ledger, premises, resident_state, residents, sources
from resolution.content import Totals
from resolution.residents import Clusters
from resolution.residents.exact import borrowed_numbers
from resolution.residents.features import features
from resolution.restoring import RECORD

CLUSTER: dict[str, Callable[[pl.DataFrame], Clusters]] = {
    "residents": residents.cluster,
    "enterprises": enterprises.cluster,
    "premises": premises.cluster,
    "events": events.cluster,
}


@dataclass(frozen=True)
class Whole:
    """All `records` of a kind, and where they belong; `people` are the features of residents, `borrowed` their rows."""

    kind: str
    records: pl.DataFrame
    found: Clusters
    people: pl.DataFrame | None = None
    borrowed: pl.Series | None = None

    def concerned(
        self, conn: psycopg.Connection, clusters: pl.DataFrame, former: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(clusters, memberships in force): all of them."""
        return clusters, ledger.current(conn, sources.entity_kind(self.kind))

    def totals(self, before: pl.DataFrame, after: pl.DataFrame) -> Totals:
        """Of the whole ledger, where these memberships were and are."""
        return Totals.of(after)

    def keep(self, conn: psycopg.Connection, before: pl.DataFrame, after: pl.DataFrame) -> None:
        """Write what a run by changes needs to know of all records."""
        if self.people is not None and self.borrowed is not None:
            resident_state.rewrite(conn, resident_state.rows_of(self.people, self.borrowed, after))


def whole(conn: psycopg.Connection, kind: str) -> Whole:
    """Read all current records of a kind and link them."""
    records = sources.read(conn, kind)
    if kind != "residents":
        return Whole(kind, records, CLUSTER[kind](records))
    people = features(records)
    borrowed = borrowed_numbers(people)
    people_of_record = pl.concat([people, records.select(RECORD)], how="horizontal")
    records = records.select(RECORD)  # the rest is in `people`
    return Whole(kind, records, residents.cluster_all(people, borrowed), people_of_record, borrowed["row"])
