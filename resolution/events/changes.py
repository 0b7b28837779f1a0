"""A run of events by changes alone: what it reads are the reports near to what changed, not the history.

Reports that landed, changed or vanished are held against what the last run kept of them (`events.state`). Where what
resolution reads of one changed, the reports that this may touch (`events.part`) are judged by what is known of the town
(`events.lesson`) and put together anew. A run by changes comes to what a full one gives
(tests/unit/resolution/test_event_changes.py), for both rest on the same lesson.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import psycopg

from resolution import carried, events
from resolution.content import Totals
from resolution.events import lesson as event_lesson
from resolution.events import state as event_state
from resolution.events.part import Part, around
from resolution.residents import Clusters
from resolution.restoring import RECORD

MOST_READ = 0.5
"""Above this share of all records a full run costs little more."""
_ENTITY = "event"


@dataclass(frozen=True)
class EventsByChanges:
    """The `part` that was looked at and where its concerned records belong; `gone` changed or vanished, `state`
    (`events.state.SCHEMA`) is of new and changed records; `last` is the last run."""

    part: Part
    found: Clusters
    gone: pl.DataFrame
    state: pl.DataFrame
    last: Totals

    @property
    def records(self) -> pl.DataFrame:
        """system, stream, record_key in the order of the rows of `found`."""
        return self.part.records[self.part.concerned].select(RECORD)

    def concerned(
        self, conn: psycopg.Connection, clusters: pl.DataFrame, former: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(clusters, memberships in force) without the entities of which nothing changed: `carried.concerned`."""
        told = ["link_kind", "reason"]
        return carried.concerned(conn, _ENTITY, clusters, self.part.was, former, stands=clusters, told=told)

    def reassigned(
        self, conn: psycopg.Connection, then: Mapping[str, Any] | None, now: Mapping[str, Any]
    ) -> pl.DataFrame | None:
        """None: a report is nobody's."""
        return None

    def totals(self, before: pl.DataFrame, after: pl.DataFrame) -> Totals:
        """Of the whole ledger, where these memberships were and are."""
        return self.last - Totals.of(before) + Totals.of(after)

    def keep(self, conn: psycopg.Connection, before: pl.DataFrame, after: pl.DataFrame) -> None:
        """Write what the next run needs to know of the records that changed."""
        event_state.replace(conn, self.gone, self.state)

    @property
    def settled(self) -> pl.DataFrame:
        """system, stream, record_key of which all doubts are told."""
        return pl.concat([self.records, self.gone]).unique()


def by_changes(
    conn: psycopg.Connection, last: Totals, then: Mapping[str, Any], now: Mapping[str, Any]
) -> EventsByChanges | None:
    """Put together what changed since the last run; None where all must be put together anew.

    `last` are the totals that the last run came to, `then` and `now` its fingerprint (`sources.fingerprint`) and this
    run's.
    """
    town = event_lesson.kept(conn, now)
    told = None if town is None else carried.news_since(conn, "events", then, now)
    if town is None or told is None:
        return None
    now_staged = event_state.rows_of(told.records)
    known = event_state.read(conn, pl.concat([told.records.select(RECORD), told.held.select(RECORD)]).unique())
    changed = now_staged.join(known, on=now_staged.columns, how="anti", nulls_equal=True)
    vanished = told.held.join(now_staged, on=RECORD, how="anti").select(RECORD)
    gone = pl.concat([told.held.join(changed, on=RECORD, how="semi").select(RECORD), vanished])
    before = known.join(gone, on=RECORD, how="semi")
    # Retention leaves nothing of a record that it purged: where it was is not known any more.
    if changed.height > carried.MOST * last.records or before.height < gone.height:
        return None
    fresh = told.records.join(changed, on=RECORD, how="semi")
    part = around(conn, town, fresh, gone, before, most=MOST_READ * last.records)
    if part is None:
        return None
    found = _only(events.clustered(part.reports, part.judged), part.concerned)
    return EventsByChanges(part, found, gone, changed, last)


def _only(found: Clusters, rows: pl.Series) -> Clusters:
    """Of the clusters those of some rows, whole clusters, the rows numbered anew."""
    to = pl.DataFrame({"row": rows, "to": range(len(rows))}, schema={"row": pl.Int64, "to": pl.Int64})
    cluster = to.rename({"row": "cluster", "to": "label"})
    assigned = found.assigned.join(to, on="row").join(cluster, on="cluster")
    assigned = assigned.select("to", "label", "link_kind", "reason").rename({"to": "row", "label": "cluster"})
    doubtful = found.doubtful.join(to, on="row").select(row="to", reason="reason")
    return Clusters(assigned.sort("row"), doubtful.sort("row"))
