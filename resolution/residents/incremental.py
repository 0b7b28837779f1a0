"""A run of residents by changes alone: what it reads is what changed and what that may touch, not the town.

Records that landed, changed or vanished are linked, with the whole entities that they left, that hold their numbers and
that may be one with what looks otherwise than it did (`residents.changes` says why no more). All else is told by the
state that the last run kept (`residents.state`, docs/decisions/0008). Only a run by the same code, views and decisions
can be carried on; otherwise, and after large changes, all is linked anew.

A run by changes comes to what a full one gives (tests/unit/resolution/test_changes_run.py), but for this: how common a
name or a telephone is changes a little with every record. What that tips between two records that stand waits for the
next full run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import psycopg

from resolution import carried, residents, stand_ins
from resolution.content import Totals
from resolution.residents import changes, household, model, reassigned
from resolution.residents import state as resident_state
from resolution.residents.part import Part
from resolution.restoring import RECORD

_ENTITY = "resident"


@dataclass(frozen=True)
class ByChanges:
    """`records` (system, stream, record_key) that were looked at, and where they belong; `last` is the last run, and
    `asked` are the rows that stood and were linked again."""

    part: Part
    found: residents.Clusters
    held: pl.DataFrame
    last: Totals
    asked: pl.Series

    @property
    def records(self) -> pl.DataFrame:
        """In the order of the rows of `found`."""
        return self.part.rows.select(RECORD)

    def concerned(
        self, conn: psycopg.Connection, clusters: pl.DataFrame, former: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(clusters, memberships in force) without the entities of which nothing changed.

        `clusters` are those of all the records, with system, stream, record_key, row, cluster, link_kind, reason. Who
        has other records of the `former` keys (`restoring.former`) that are touched has a say in who gets them back.
        """
        stands = clusters.select("row").filter(pl.col("row").is_in(self.part.standing["row"].implode()))
        mine, before = carried.concerned(conn, _ENTITY, clusters, self._was, former, stands=stands, told=["link_kind"])
        # What is not asked again says why it was linked as it did then.
        alone = stands.filter(~pl.col("row").is_in(self.asked.implode())).with_columns(stays=True)
        was = before.select(*RECORD, "link_kind", was="reason")
        told = mine.join(alone, on="row", how="left").join(was, on=[*RECORD, "link_kind"], how="left")
        reason = pl.when("stays").then(pl.coalesce("was", "reason")).otherwise("reason")
        return told.with_columns(reason=reason).select(mine.columns), before

    @property
    def _was(self) -> pl.DataFrame:
        """system, stream, record_key, entity_key, link_kind before, of all that was read and of what vanished."""
        columns = [*RECORD, "entity_key", "link_kind"]
        return pl.concat([self.part.was.select(columns), self.held.select(columns)]).unique(RECORD)

    def reassigned(
        self, conn: psycopg.Connection, then: Mapping[str, Any] | None, now: Mapping[str, Any]
    ) -> pl.DataFrame | None:
        """system, stream, record_key of records that are another person's now."""
        was = self.part.was.with_columns(number=pl.when(~pl.col("borrowed")).then("number"))
        people = pl.concat([self.part.rows.select(RECORD), self.part.people.select("name", "number")], how="horizontal")
        return reassigned.between(was, people)

    def totals(self, before: pl.DataFrame, after: pl.DataFrame) -> Totals:
        """Of the whole ledger, where these memberships were and are."""
        return self.last - Totals.of(before) + Totals.of(after)

    @property
    def settled(self) -> pl.DataFrame:
        """system, stream, record_key of which all doubts are told: what is fresh, what is gone, and what was linked
        again and has no number. Of a number of which nothing new is told, neither are its doubts."""
        stands = pl.col("row").is_in(self.part.standing["row"].implode())
        again = ~stands | pl.col("row").is_in(self.asked.implode())
        told = self.part.rows.filter(pl.col("fresh") | (again & pl.col("number").is_null()))
        return pl.concat([told.select(RECORD), self.held.select(RECORD)]).unique()

    def keep(self, conn: psycopg.Connection, before: pl.DataFrame, after: pl.DataFrame) -> None:
        """Write the state of the entities of which these were and are the memberships."""
        keys = before.select("entity_key").unique()
        was = self.part.was.join(keys, on="entity_key", how="semi")
        now = resident_state.rows_of(self.part.rows, self.part.borrowed["row"], after)
        purged = self.held.join(self.part.was, on=RECORD, how="anti")["entity_key"]
        resident_state.replace(conn, was, now, unmet=purged)


def by_changes(
    conn: psycopg.Connection, last: Totals, then: Mapping[str, Any], now: Mapping[str, Any]
) -> ByChanges | None:
    """Link what changed since the last run; None where all must be linked anew.

    `last` are the totals that the last run came to, `then` and `now` its fingerprint (`sources.fingerprint`) and this
    run's.
    """
    told = None if resident_state.lost(conn) else carried.news_since(conn, "residents", then, now)
    if told is None:
        return None
    # Decisions are applied to what the rules find, so what a steward joined or parted is found anew each time.
    anew = pl.concat([told.held["entity_key"], stand_ins.entities(conn, _ENTITY)])
    part = Part.of(conn, told.records, told.held.select(RECORD), anew)
    if part.rows["fresh"].sum() > carried.MOST * last.records:
        return None
    trained = model.load()
    moved, left = changes.moved(part.people, part.standing), part.left()
    part = part.near(conn, part.some(moved)).near(conn, left)
    other = pl.concat([part.some(moved), left], how="diagonal")
    part = part.beside(conn, other, loose=True)
    namesakes = household.free(part.people, part.standing).join(other.select("name"), on="name", how="semi")
    part = part.beside(conn, namesakes)
    counts = resident_state.Counts(conn)
    elsewhere = part.elsewhere(counts, last.entities)
    asked = changes.asked(part.people, part.standing, moved, left, trained, elsewhere)
    asked = pl.concat([asked, household.touched(part.people, part.standing, other)]).unique()
    part = part.near(conn, part.some(asked))
    part, place = part.beside(conn, household.free(part.people, part.standing, pl.concat([moved, asked]))).ordered()
    moved, asked = (place.gather(rows).rename("row") for rows in (moved, asked))
    found = residents.cluster_part(
        part.people, part.borrowed, part.standing, moved=moved, asked=asked,
        elsewhere=part.elsewhere(counts, last.entities),
    )  # fmt: skip
    return ByChanges(part, found, told.held, last, asked)
