"""A full run: every record of a kind is read and linked anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl
import psycopg

from resolution import enterprises, events, ledger, premises, residents, sources
from resolution.content import Totals
from resolution.events import chance as event_chance
from resolution.events import lesson as event_lesson
from resolution.events import state as event_state
from resolution.events import town as event_town
from resolution.residents import Clusters
from resolution.residents import reassigned as resident_reassigned
from resolution.residents import state as resident_state
from resolution.residents.exact import borrowed_numbers
from resolution.residents.features import features
from resolution.restoring import RECORD
from resolution.things import Kind


class State(Protocol):
    """What a run by changes needs to know of all records."""

    def write(self, conn: psycopg.Connection, memberships: pl.DataFrame) -> None:
        """Write it, with the memberships that this run leaves, in place of what the last run kept."""


@dataclass(frozen=True)
class Whole:
    """All `records` of a kind, where they belong, and the state that is kept of kinds that are run by changes."""

    kind: Kind
    records: pl.DataFrame
    found: Clusters
    state: State | None = None

    def concerned(
        self, conn: psycopg.Connection, clusters: pl.DataFrame, former: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(clusters, memberships in force): all of them."""
        return clusters, ledger.current(conn, sources.entity_kind(self.kind))

    def reassigned(
        self, conn: psycopg.Connection, then: Mapping[str, Any] | None, now: Mapping[str, Any]
    ) -> pl.DataFrame | None:
        """system, stream, record_key of records that are another person's since the run of the fingerprint `then`."""
        if then is None or not isinstance(self.state, _Residents):
            return None
        return resident_reassigned.since(conn, then, now, self.state.numbered)

    def totals(self, before: pl.DataFrame, after: pl.DataFrame) -> Totals:
        """Of the whole ledger, where these memberships were and are."""
        return Totals.of(after)

    def keep(self, conn: psycopg.Connection, before: pl.DataFrame, after: pl.DataFrame) -> None:
        """Write what a run by changes needs to know of all records."""
        if self.state is not None:
            self.state.write(conn, after)

    @property
    def settled(self) -> None:
        """The doubts of all records are told."""


@dataclass(frozen=True)
class _Residents:
    """`features` of all residents' records with their keys, and the rows whose number is another's."""

    people: pl.DataFrame
    borrowed: pl.Series

    @property
    def numbered(self) -> pl.DataFrame:
        """system, stream, record_key, name, number (null where it is likely another's)."""
        own = ~pl.col("row").is_in(self.borrowed.implode())
        return self.people.select(*RECORD, "name", number=pl.when(own).then("number"))

    def write(self, conn: psycopg.Connection, memberships: pl.DataFrame) -> None:
        resident_state.rewrite(conn, resident_state.rows_of(self.people, self.borrowed, memberships))


@dataclass(frozen=True)
class _Events:
    """`events.state.SCHEMA` of all reports; the town, if it was learned anew from sources of the fingerprint `now`."""

    rows: pl.DataFrame
    lesson: event_town.Town | None
    now: Mapping[str, Any]

    def write(self, conn: psycopg.Connection, memberships: pl.DataFrame) -> None:
        event_state.rewrite(conn, self.rows)
        if self.lesson is not None:
            event_lesson.keep(conn, self.lesson, self.now)


def whole(conn: psycopg.Connection, kind: Kind, now: Mapping[str, Any]) -> Whole:
    """Read all current records of a kind and link them; `now` is their fingerprint (`sources.fingerprint`)."""
    records = sources.read(conn, kind)
    match kind:
        case "residents":
            return _residents(records)
        case "enterprises":
            return Whole(kind, records, enterprises.cluster(records))
        case "premises":
            return Whole(kind, records, premises.cluster(records))
        case "events":
            return _events(conn, records, now)


def _residents(records: pl.DataFrame) -> Whole:
    people = features(records)
    borrowed = borrowed_numbers(people)
    people_of_record = pl.concat([people, records.select(RECORD)], how="horizontal")
    records = records.select(RECORD)  # the rest is in `people`
    found = residents.cluster_all(people, borrowed)
    return Whole("residents", records, found, _Residents(people_of_record, borrowed["row"]))


def _events(conn: psycopg.Connection, records: pl.DataFrame, now: Mapping[str, Any]) -> Whole:
    town, lesson = event_lesson.kept(conn, now), None
    if town is None:
        town, reports, pairs = event_town.learned(records, sources.register(conn))
        lesson = town
    else:
        reports = event_town.reports(records, town)
        pairs = event_chance.pairs(reports.drop_nulls(["kind", "at"]))
    found = events.clustered(reports, event_chance.judged(pairs, town.figures))
    return Whole("events", records.select(RECORD), found, _Events(event_state.rows_of(records), lesson, now))
