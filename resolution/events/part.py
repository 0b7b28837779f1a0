"""The part of the reports that a run by changes looks at: what changed, and all that this may touch.

A pair hangs on its two reports and on how many share a block with them in the half of a day that each is in, and no two
reports of a pair are further apart than such a half. So a report that changed touches those of its kind in its own half
and the ones beside it, before and now. What these are joined to, however far a chain of sure pairs, a number, an
identity or a steward's decision leads, is read until nothing leads out of what was read.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import psycopg

from resolution import decisions, events, ledger
from resolution.events import chance as event_chance
from resolution.events.reading import Reading, with_keys, with_numbers, with_windows
from resolution.events.town import Town
from resolution.restoring import RECORD
from resolution.union import components

MARGIN = 4
"""So many halves of a day before and after are read at once: most chains end there, and each reading costs a scan."""
WINDOW = ["kind", "half"]
_ENTITY = "event"


@dataclass(frozen=True)
class Part:
    """`records` (`EVENT_SCHEMA`) in the order of their keys; `reports` and `judged` are theirs; `concerned`: rows of
    those that may belong elsewhere than before, whole components; `was`: these and what vanished in the ledger."""

    records: pl.DataFrame
    reports: pl.DataFrame
    judged: pl.DataFrame
    concerned: pl.Series
    was: pl.DataFrame


def around(
    conn: psycopg.Connection, town: Town, fresh: pl.DataFrame, gone: pl.DataFrame, before: pl.DataFrame, *, most: float
) -> Part | None:
    """What `fresh` records (`EVENT_SCHEMA`), new or changed, may touch, and `gone` ones (system, stream, record_key),
    changed or vanished, of which `before` (kind, half) tells where they were.

    None where it comes to more than `most` records.
    """
    held = ledger.current(conn, _ENTITY, ledger.holders(conn, _ENTITY, gone))
    left = held.join(gone, on=RECORD, how="anti").select(RECORD)
    near = beside(pl.concat([frame.select(WINDOW) for frame in (with_windows(fresh), before)]), 1)
    reading = Reading(conn, town)
    reading.add_windows(beside(near, MARGIN - 1))
    for records in (fresh, with_numbers(conn, fresh), with_keys(conn, left)):
        reading.add(records)
    asked = pl.concat([fresh.select(RECORD), left])
    decided = decisions.in_force(conn, _ENTITY)
    # What is decided is whole entities, or the rest of an entity would be taken for gone.
    while reading.records.height <= most:
        reports = reading.reports
        judged = event_chance.judged(event_chance.pairs(reports.drop_nulls(["kind", "at"])), town.figures)
        keys = ledger.entities(conn, _ENTITY, reports)
        windows = with_windows(reports)
        first = [windows.join(near, on=WINDOW, how="semi"), reports.join(asked, on=RECORD, how="semi")]
        links = [events.surest(judged).select("row", "row_2"), events.same_number(reports),
                 _one_identity(reports, keys), _decided(reports, decided)]  # fmt: skip
        rows = _reached(reports.height, pl.concat([some["row"] for some in first]), links)
        mine = reports.filter(pl.col("row").is_in(rows.implode()))
        known = keys.join(mine, on=RECORD, how="semi")["entity_key"]
        was = ledger.current(conn, _ENTITY, pl.concat([known, held["entity_key"]]).unique())
        others = pl.concat([was.select(RECORD), _partners(mine, decided)]).unique()
        missing = beside(with_windows(mine), 1).join(reading.windows, on=WINDOW, how="anti")
        before_this = reading.records.height
        reading.add_windows(missing)
        reading.add(with_keys(conn, others.join(reports, on=RECORD, how="anti").join(gone, on=RECORD, how="anti")))
        if missing.is_empty() and reading.records.height == before_this:
            return Part(reading.records, reports, judged, rows, was)
    return None


def beside(windows: pl.DataFrame, halves: int) -> pl.DataFrame:
    """kind, half of these windows and of so many halves before and after; records without a kind or time have none."""
    steps = pl.DataFrame({"step": range(-halves, halves + 1)}, schema={"step": pl.Int64})
    near = windows.select(WINDOW).drop_nulls().unique().join(steps, how="cross")
    return near.select("kind", half=pl.col("half") + pl.col("step")).unique()


def _reached(count: int, rows: pl.Series, links: list[pl.DataFrame]) -> pl.Series:
    """Rows, of so many, that links lead to from some rows, these included; the two columns of a link are rows."""
    edges = pl.concat([link.select(a=pl.nth(0), b=pl.nth(1)) for link in links])
    group = pl.Series("row", components(count, edges["a"], edges["b"]))
    return group.is_in(group.gather(rows).unique().implode()).arg_true().cast(pl.Int64)


def _one_identity(reports: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """row, first: of reports that the ledger has as one incident now (`keys`)."""
    of = reports.select(*RECORD, "row").join(keys, on=RECORD)
    return of.select("row", first=pl.col("row").min().over("entity_key"))


def _decided(reports: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """row, row_2 of which a steward decided (`decisions.in_force`)."""
    return decisions.rows_of(decided, reports).select("a", "b")


def _partners(reports: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """system, stream, record_key of what a steward decided about together with one of the reports."""
    a, b = ([f"{side}_{name}" for name in RECORD] for side in ("a", "b"))
    pairs = [(a, b), (b, a)]
    found = [decided.join(reports, left_on=one, right_on=RECORD, how="semi").select(other) for one, other in pairs]
    return pl.concat([frame.rename(dict(zip(frame.columns, RECORD, strict=True))) for frame in found])
