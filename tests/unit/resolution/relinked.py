"""Records of a town linked by changes alone, without a warehouse: the part at hand is the whole town."""

from __future__ import annotations

import polars as pl

from resolution import residents
from resolution.residents import Clusters, changes, cluster, household, model
from resolution.residents import state as resident_state
from resolution.residents.exact import borrowed_numbers
from resolution.residents.features import features
from resolution.residents.part import Part, told_numbers
from resolution.residents.town import NOWHERE
from resolution.restoring import RECORD


def relinked(old: pl.DataFrame, records: pl.DataFrame) -> Clusters:
    """Where `records` (in the order of their keys) belong, after a full run over the `old` ones."""
    before = cluster(old).assigned
    memberships = pl.concat([old.select(RECORD), before.select(pl.col("cluster").cast(pl.String).alias("entity_key"),
                                                               "link_kind")], how="horizontal")  # fmt: skip
    was = resident_state.rows_of(known(old), borrowed_numbers(features(old))["row"], memberships)
    gone = old.join(records, on=records.columns, how="anti", nulls_equal=True).select(RECORD)
    entities = was.join(gone, on=RECORD, how="semi").select("entity_key")
    fresh = pl.col("entity_key").is_in(entities["entity_key"].implode())
    stay = was.join(gone, on=RECORD, how="anti").with_columns(fresh=fresh)
    new = known(records.join(stay, on=RECORD, how="anti")).with_columns(
        entity_key=pl.lit(None, pl.String), link_kind=pl.lit(None, pl.String), borrowed=False, fresh=True
    )
    rows = pl.concat([new.select(stay.columns), stay])
    part, _ = Part.among(rows, was, told_numbers(rows, was)).ordered()
    moved, left = changes.moved(part.people, part.standing), part.left()
    asked = changes.asked(part.people, part.standing, moved, left, model.load(), NOWHERE)
    other = pl.concat([part.some(moved), left], how="diagonal")
    asked = pl.concat([asked, household.touched(part.people, part.standing, other)]).unique()
    return residents.cluster_part(
        part.people, part.borrowed, part.standing, moved=moved, asked=asked, elsewhere=NOWHERE
    )


def known(records: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([features(records), records.select(RECORD)], how="horizontal")
