"""The part of the town that a run by changes looks at: records that changed, and whole entities that they may touch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl
import psycopg

from resolution.residents import state as resident_state
from resolution.residents.exact import borrowed_numbers
from resolution.residents.features import features, with_births, without_number
from resolution.residents.keys import household_keys, meetings, number_keys
from resolution.residents.town import Elsewhere
from resolution.restoring import RECORD


@dataclass(frozen=True)
class Part:
    """`rows` (`state.SCHEMA`, row, fresh) are the records as they are now, with births and sexes; `fresh` ones are to
    be linked. `was` (`state.SCHEMA`) are the entities read so far as the last run left them.

    `borrowed` has row, reason of numbers that are likely another's, no reason where nothing new is told of the number;
    `people` are `features` of the rows without these; `standing` has row, cluster, probable of the entities that stay
    as they are unless what is new says otherwise. `held` has key, entities of the values that count of `was`, `crowded`
    the keys of blocks that are too large to be read.
    """

    rows: pl.DataFrame
    was: pl.DataFrame
    borrowed: pl.DataFrame
    people: pl.DataFrame
    standing: pl.DataFrame
    held: pl.DataFrame
    crowded: pl.Series

    @classmethod
    def of(cls, conn: psycopg.Connection, records: pl.DataFrame, held: pl.DataFrame, entities: pl.Series) -> Part:
        """New and changed `records` (RESIDENT_SCHEMA), those that are left of `entities`, and who has their numbers.

        `held`: system, stream, record_key of records that changed or vanished.
        """
        entities = entities.unique()
        was = resident_state.read(conn, entities)
        left = was.join(held, on=RECORD, how="anti")
        nobody = {name: pl.lit(None, dtype=pl.String) for name in ("entity_key", "link_kind")}
        new = pl.concat([features(records), records.select(RECORD)], how="horizontal")
        new = new.with_columns(**nobody, borrowed=pl.lit(False))
        rows = pl.concat([frame.select(list(resident_state.SCHEMA)) for frame in (new, left)])
        rows = rows.with_columns(fresh=pl.lit(True))
        told = told_numbers(rows, was)
        met = resident_state.having(conn, number_keys(told.to_frame().with_row_index("row"))["key"])
        more = resident_state.read(conn, met.filter(~met.is_in(entities.implode())))
        return cls.among(pl.concat([rows, more.with_columns(fresh=pl.lit(False))]), pl.concat([was, more]), told)

    @classmethod
    def among(cls, rows: pl.DataFrame, was: pl.DataFrame, told: pl.Series) -> Part:
        """Records (`state.SCHEMA`, fresh), what `was` before, and the numbers of which something is told."""
        rows = with_births(rows).with_columns(row=pl.int_range(pl.len()))
        borrowed = _borrowed(rows, told)
        held = resident_state.counted(was, resident_state.people_of(was))
        people, standing = without_number(rows, borrowed), _standing(rows, borrowed)
        return cls(rows, was, borrowed, people, standing, held, pl.Series("key", [], dtype=pl.Int64))

    def near(self, conn: psycopg.Connection, people: pl.DataFrame) -> Part:
        """All entities besides that may have records of these people (`features`)."""
        entities, crowded = resident_state.near(conn, meetings(people))
        return replace(self._with(conn, entities), crowded=pl.concat([self.crowded, crowded]).unique())

    def beside(self, conn: psycopg.Connection, people: pl.DataFrame, *, loose: bool = False) -> Part:
        """All entities besides that share a telephone or door with these people; with `loose` those alone that do so by
        a record without number and birth."""
        return self._with(conn, resident_state.beside(conn, household_keys(people), loose=loose))

    def _with(self, conn: psycopg.Connection, entities: pl.Series) -> Part:
        """Nothing new is told of a number of theirs, so all of them stand as the last run left them."""
        missing = entities.filter(~entities.is_in(self.was["entity_key"].unique().implode()))
        if missing.is_empty():
            return self
        read = resident_state.read(conn, missing)
        more = with_births(read.with_columns(fresh=pl.lit(False)))
        more = more.with_columns(row=pl.int_range(pl.len()) + self.rows.height)
        known = more.filter("borrowed").select("row", reason=pl.lit(None, dtype=pl.String))
        people = without_number(more, known)
        return replace(
            self,
            rows=pl.concat([self.rows, more]),
            was=pl.concat([self.was, read]),
            borrowed=pl.concat([self.borrowed, known]),
            people=pl.concat([self.people, people]),
            standing=pl.concat([self.standing, _standing(more, known)]),
            held=pl.concat([self.held, resident_state.counted(read, people)]),
        )

    def ordered(self) -> tuple[Part, pl.Series]:
        """Rows numbered in the order of their keys, as in a full run: ties are broken by it. Beside it the number of
        each row, in the order that they had."""
        rows = self.rows.sort(RECORD)
        order = rows["row"]
        place = order.arg_sort().cast(pl.Int64)

        def told(frame: pl.DataFrame) -> pl.DataFrame:
            return frame.with_columns(row=place.gather(frame["row"])).sort("row")

        numbered = pl.int_range(pl.len()).alias("row")
        part = replace(
            self,
            rows=rows.with_columns(numbered),
            people=self.people.rechunk()[order].with_columns(numbered),
            borrowed=told(self.borrowed),
            standing=told(self.standing).with_columns(cluster=pl.col("row").min().over("cluster")),
        )
        return part, place

    def some(self, rows: pl.Series) -> pl.DataFrame:
        """Of the people these rows."""
        return self.people.filter(pl.col("row").is_in(rows.implode()))

    def left(self) -> pl.DataFrame:
        """`features` and cluster of the entities that do not stand as they were: they may have stood in others' way.

        Rows and clusters are numbered below zero, for none of them is a row any more.
        """
        stand = self.rows.join(self.standing, on="row", how="semi").select("entity_key")
        before = self.was.join(stand, on="entity_key", how="anti").filter(pl.col("link_kind") != "probable")
        people = resident_state.people_of(before).with_columns(row=-1 - pl.col("row"))
        return people.with_columns(cluster=pl.col("row").max().over("entity_key"))

    def elsewhere(self, known: resident_state.Counts, entities: int) -> Elsewhere:
        """The rest of a town of so many entities."""
        mine = self.held.group_by("key").agg(mine=pl.col("entities").sum())

        def counts(keys: pl.Series) -> pl.DataFrame:
            found = known.of(keys.drop_nulls()).join(mine, on="key", how="left")
            return found.select("key", entities=(pl.col("entities") - pl.col("mine").fill_null(0)).clip(0))

        return Elsewhere(max(0, entities - self.was["entity_key"].n_unique()), counts, self.crowded)


def told_numbers(rows: pl.DataFrame, was: pl.DataFrame) -> pl.Series:
    """number: those of which something is told by fresh rows, or no more by what `was`."""
    gone = was.join(rows.filter(~pl.col("fresh")), on=RECORD, how="anti")
    return pl.concat([rows.filter("fresh")["number"], gone["number"]]).drop_nulls().unique()


def _borrowed(rows: pl.DataFrame, told: pl.Series) -> pl.DataFrame:
    """row, reason of numbers that are likely another's; of numbers of which nothing is `told` as it was known."""
    asked = rows["number"].is_in(told.implode()).fill_null(False)
    known = rows.filter(~asked & pl.col("borrowed"))
    found = borrowed_numbers(rows.filter(asked))
    return pl.concat([found, known.select("row", reason=pl.lit(None, dtype=pl.String))]).sort("row")


def _standing(rows: pl.DataFrame, borrowed: pl.DataFrame) -> pl.DataFrame:
    """row, cluster, probable of the entities of which no record is fresh, and none's number another's that was not."""
    now = rows["row"].is_in(borrowed["row"].implode())
    anew = rows.filter(pl.col("fresh") | (now != pl.col("borrowed"))).select("entity_key").drop_nulls()
    held = rows.filter(~pl.col("fresh")).join(anew, on="entity_key", how="anti")
    cluster = pl.col("row").min().over("entity_key")
    return held.select("row", cluster=cluster, probable=pl.col("link_kind") == "probable")
