"""Some of the events' records as they are staged now, by key, by number or by the half of a day that they are in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import polars as pl
import psycopg
from psycopg import sql

from resolution import sources
from resolution.events import town as event_town
from resolution.events.blocks import HALF_HOURS, half_of
from resolution.events.town import Town
from resolution.restoring import RECORD
from resolution.sources import EVENT_SCHEMA
from resolution.things import SOURCES

WINDOWS: dict[str, pl.DataType] = {"kind": pl.String(), "half": pl.Int64()}
"""The reports of one kind in one half of a day (`events.blocks.half_of`)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Reading:
    """What was read so far of a town: all records of the `windows` (`WINDOWS`), and those that were asked for."""

    conn: psycopg.Connection
    town: Town
    windows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=WINDOWS))
    records: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EVENT_SCHEMA))
    _reports: list[pl.DataFrame] = field(default_factory=list)
    _halves: set[int] = field(default_factory=set)
    _pool: list[pl.DataFrame] = field(default_factory=list)

    @property
    def reports(self) -> pl.DataFrame:
        """`events.town.reports` of the records with their keys, numbered in the order of the keys, as in a full run."""
        told = pl.concat(self._reports).sort(RECORD)
        return told.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))

    def add_windows(self, windows: pl.DataFrame) -> None:
        """All records of these windows; a scan reads all kinds of a half."""
        halves = set(windows["half"]) - self._halves
        if halves:
            self._halves |= halves
            self._pool.append(of_halves(self.conn, halves))
        self.windows = pl.concat([self.windows, windows.select(list(WINDOWS))]).unique()
        for records in self._pool:
            self.add(with_windows(records).join(windows, on=list(WINDOWS), how="semi"))

    def add(self, records: pl.DataFrame) -> None:
        """These records (`EVENT_SCHEMA`) too."""
        new = records.select(list(EVENT_SCHEMA)).unique(RECORD).join(self.records, on=RECORD, how="anti").sort(RECORD)
        told = event_town.reports(new, self.town)
        self._reports.append(pl.concat([told, new.select("stream", "record_key")], how="horizontal"))
        self.records = pl.concat([self.records, new]).sort(RECORD)


def with_windows(records: pl.DataFrame) -> pl.DataFrame:
    """`records`, or reports of them, with kind and half; null where they have none."""
    told = records if "kind" in records.columns else records.with_columns(event_town.kind_of(records))
    return told.with_columns(half=half_of(pl.col("at")))


def with_keys(conn: psycopg.Connection, records: pl.DataFrame) -> pl.DataFrame:
    """Those of these records (system, stream, record_key) that are there (`EVENT_SCHEMA`)."""
    found = [pl.DataFrame(schema=EVENT_SCHEMA)]
    for source in SOURCES["events"]:
        mine = records.filter(pl.col("system") == source.system, pl.col("stream") == source.stream)
        if mine.height:
            found.append(sources.read_some(conn, source, EVENT_SCHEMA, mine["record_key"]))
    return pl.concat(found)


def with_numbers(conn: psycopg.Connection, records: pl.DataFrame) -> pl.DataFrame:
    """All that have the number of one of these records (`EVENT_SCHEMA`) in its own system."""
    found = [pl.DataFrame(schema=EVENT_SCHEMA)]
    for source in SOURCES["events"]:
        numbers = records.filter(pl.col("system") == source.system)["number"].drop_nulls().unique()
        if numbers.len() and "number" in source.fields:
            numbered = sources.having(source.fields["number"], numbers)
            found.append(sources.read_one(conn, source, EVENT_SCHEMA, numbered))
    return pl.concat(found)


def of_halves(conn: psycopg.Connection, halves: Iterable[int]) -> pl.DataFrame:
    """All of these halves of days (`events.blocks.half_of`)."""
    spans = _spans(sorted(halves))
    found = [pl.DataFrame(schema=EVENT_SCHEMA)]
    for source in SOURCES["events"] if spans else ():
        at = sql.SQL("({})::timestamptz").format(sql.SQL(source.fields["at"]))
        within = [sql.SQL("{0} >= {1} AND {0} < {2}").format(at, *map(sql.Literal, span)) for span in spans]
        found.append(sources.read_one(conn, source, EVENT_SCHEMA, sql.SQL(" OR ").join(within)))
    return pl.concat(found)


def _spans(halves: list[int]) -> list[tuple[datetime, datetime]]:
    """Times (from, before) of numbered halves, those that follow each other as one."""
    ends: list[list[int]] = []
    for half in halves:
        if ends and ends[-1][1] == half:
            ends[-1][1] = half + 1
        else:
            ends.append([half, half + 1])
    return [(_time(first), _time(after)) for first, after in ends]


def _time(half: int) -> datetime:
    return _EPOCH + timedelta(hours=HALF_HOURS * half)
