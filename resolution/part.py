"""The part of the town that a run by changes looks at: records that changed, and whole entities that they may touch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl
import psycopg

from resolution import resident_state
from resolution.residents.exact import borrowed_numbers
from resolution.residents.features import features, with_births, without_number
from resolution.residents.keys import meetings, number_keys
from resolution.residents.town import Elsewhere
from resolution.restoring import RECORD


@dataclass(frozen=True)
class Part:
    """`rows` (`resident_state.SCHEMA`, row, fresh) are the records as they are now, with births and sexes; `fresh` ones
    are to be linked.

    `was` (`resident_state.SCHEMA`) are the entities read so far as the last run left them, `crowded` the keys of blocks
    that are too large to be read.
    """

    rows: pl.DataFrame
    was: pl.DataFrame
    crowded: pl.Series

    @classmethod
    def of(cls, conn: psycopg.Connection, records: pl.DataFrame, held: pl.DataFrame, entities: pl.Series) -> Part:
        """New and changed `records` (RESIDENT_SCHEMA), those that are left of `entities`, and who has their numbers.

        `held`: system, stream, record_key of records that changed or vanished.
        """
        was = resident_state.read(conn, entities.unique())
        left = was.join(held, on=RECORD, how="anti")
        nobody = {name: pl.lit(None, dtype=pl.String) for name in ("entity_key", "link_kind")}
        new = pl.concat([features(records), records.select(RECORD)], how="horizontal")
        new = new.with_columns(**nobody, borrowed=pl.lit(False))
        rows = pl.concat([frame.select(list(resident_state.SCHEMA)) for frame in (new, left)])
        fresh = with_births(rows).with_columns(row=pl.int_range(pl.len()), fresh=pl.lit(True))
        part = cls(fresh, was, pl.Series("key", [], dtype=pl.Int64))
        numbers = part.told.with_columns(row=pl.int_range(pl.len()))
        return part._with(conn, resident_state.having(conn, number_keys(numbers)["key"]))

    def near(self, conn: psycopg.Connection, people: pl.DataFrame) -> Part:
        """All entities besides that may have records of these people (`features`)."""
        entities, crowded = resident_state.near(conn, meetings(people))
        return replace(self._with(conn, entities), crowded=pl.concat([self.crowded, crowded]).unique())

    def _with(self, conn: psycopg.Connection, entities: pl.Series) -> Part:
        missing = entities.filter(~entities.is_in(self.was["entity_key"].unique().implode()))
        if missing.is_empty():
            return self
        read = resident_state.read(conn, missing)
        more = with_births(read).with_columns(row=pl.int_range(pl.len()) + self.rows.height, fresh=pl.lit(False))
        return replace(self, rows=pl.concat([self.rows, more]), was=pl.concat([self.was, read]))

    def ordered(self) -> Part:
        """Rows numbered in the order of their keys, as in a full run: ties are broken by it."""
        return replace(self, rows=self.rows.sort(RECORD).with_columns(row=pl.int_range(pl.len())))

    def some(self, rows: pl.Series) -> pl.DataFrame:
        """Of the people these rows."""
        return self.people.filter(pl.col("row").is_in(rows.implode()))

    @cached_property
    def left(self) -> pl.DataFrame:
        """`features` and cluster of the entities that do not stand as they were: they may have stood in others' way.

        Rows and clusters are numbered below zero, for none of them is a row any more.
        """
        stand = self.rows.join(self.standing, on="row", how="semi").select("entity_key")
        before = self.was.join(stand, on="entity_key", how="anti").filter(pl.col("link_kind") != "probable")
        people = resident_state.people_of(before).with_columns(row=-1 - pl.col("row"))
        return people.with_columns(cluster=pl.col("row").max().over("entity_key"))

    @cached_property
    def told(self) -> pl.DataFrame:
        """number: those of which something is told now, or no more."""
        gone = self.was.join(self.rows.filter(~pl.col("fresh")), on=RECORD, how="anti")
        return pl.concat([self.rows.filter("fresh").select("number"), gone.select("number")]).drop_nulls().unique()

    @cached_property
    def borrowed(self) -> pl.DataFrame:
        """row, reason of numbers that are likely another's; no reason where nothing new is told of the number."""
        asked = self.rows["number"].is_in(self.told["number"].implode()).fill_null(False)
        known = self.rows.filter(~asked & pl.col("borrowed"))
        found = borrowed_numbers(self.rows.filter(asked))
        return pl.concat([found, known.select("row", reason=pl.lit(None, dtype=pl.String))]).sort("row")

    @cached_property
    def people(self) -> pl.DataFrame:
        """`features` of the rows, without the numbers that are borrowed."""
        return without_number(self.rows, self.borrowed)

    @cached_property
    def standing(self) -> pl.DataFrame:
        """row, cluster, probable of the entities that stay as they are unless what is new says otherwise."""
        now = self.rows["row"].is_in(self.borrowed["row"].implode())
        anew = self.rows.filter(pl.col("fresh") | (now != pl.col("borrowed"))).select("entity_key").drop_nulls()
        held = self.rows.filter(~pl.col("fresh")).join(anew, on="entity_key", how="anti")
        cluster = pl.col("row").min().over("entity_key")
        return held.select("row", cluster=cluster, probable=pl.col("link_kind") == "probable")

    def elsewhere(self, known: resident_state.Counts, entities: int) -> Elsewhere:
        """The rest of a town of so many entities."""
        mine = resident_state.counted(self.was).select("key", mine="entities")

        def counts(keys: pl.Series) -> pl.DataFrame:
            found = known.of(keys.drop_nulls()).join(mine, on="key", how="left")
            return found.select("key", entities=(pl.col("entities") - pl.col("mine").fill_null(0)).clip(0))

        return Elsewhere(max(0, entities - self.was["entity_key"].n_unique()), counts, self.crowded)
