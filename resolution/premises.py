"""Which records are one premises: the place code, then the name with the door, the building or the spot on the map.

A premises is a firm, a home that is let or a building site at a door: one door may hold several (firms at one desk),
and one sign may hang twice in town. Two place codes are two premises, unless one is the other with a number behind it
(a second code of one place). Homes that are let and building sites are the only one of their kind at their door.
"""

from __future__ import annotations

import polars as pl

from resolution.attach import Rule, alone, attached, joined, named
from resolution.firm_names import plain_name, region_stems
from resolution.residents import Clusters

SEVERAL = "the name or door of several premises"
RULES = (
    Rule("name and door", ("plain", "door"), among=True),
    Rule("name and building", ("plain", "building")),
    Rule("name and place on the map", ("plain", "spot"), among=True),
    Rule("only one of its kind at the door", ("use", "door"), among=True),
)
_SECOND_CODE = r"-\d+$"
_USE = {"rental_housing": r"出租[房屋]$", "construction_site": r"(?:项目|工地|工程)$"}
_PLOT = r"号地块"
_SHOP = r"^(.{2,})店$"
"""Who knows a shop leaves out that it is one."""


def cluster(records: pl.DataFrame) -> Clusters:
    """Cluster records of `resolution.sources.PREMISES_SCHEMA` with the columns of `doors.located`; a cluster's label is
    its first row.

    Doubtful are records whose name stands at their building more than once.
    """
    places = _prepared(records)
    coded = places.filter(pl.col("code").is_not_null())
    assigned = coded.select(
        "row", cluster=pl.col("row").min().over("code"), link_kind=pl.lit("exact"), reason=pl.lit("place code")
    )
    assigned = attached(places, places, assigned, RULES)
    assigned = attached(places, places, joined(places, places, assigned, RULES), RULES)
    # A record that tells the building alone is attached to one that knows the door, never the other way round.
    assigned = alone(places.drop_nulls("door"), assigned)
    assigned = attached(places, places, assigned, RULES)
    assigned = named(alone(places, assigned))
    lonely = places.join(assigned.filter(pl.col("link_kind") == "single"), on="row", how="semi")
    named_there = places.drop_nulls(["plain", "building"]).filter(pl.len().over("plain", "building") > 1)
    doubtful = lonely.filter(pl.col("code").is_null()).join(named_there, on="row", how="semi")
    return Clusters(assigned, doubtful.sort("row").select("row", reason=pl.lit(SEVERAL)))


def _prepared(records: pl.DataFrame) -> pl.DataFrame:
    """row, code (without the number of a second one), plain, door, building, spot (about 10 m), use, register."""
    name, category = pl.col("name"), pl.col("category")
    known = pl.when(category.is_in(list(_USE))).then(category)
    by_name = [pl.when(category.is_null() & name.str.contains(words)).then(pl.lit(use)) for use, words in _USE.items()]
    plot = category.is_null() & pl.col("address").str.contains(_PLOT)
    use = pl.coalesce(known, *by_name, pl.when(plot).then(pl.lit("construction_site")))
    return records.with_row_index("row").select(
        pl.col("row").cast(pl.Int64),
        code=pl.col("code").str.replace(_SECOND_CODE, ""),
        plain=plain_name(records["name"], region_stems(records)).str.replace(_SHOP, "${1}"),
        door="door",
        building="building",
        spot=pl.concat_str(pl.col("longitude").round(4), pl.lit(" "), pl.col("latitude").round(4)),
        use=use,
        register=pl.lit(None, pl.String),
    )
