"""Where an event was, in the words of its report: estate, lane or road, number, building, unit and room.

Callers name a door, a building (宏泰科技园1幢附近) or a place alone (锦绣花园附近); what has no door is
told as a grid at the roadside (网格025002路边). The words stand in the field for the address, in the text, or in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl
from scipy.spatial import cKDTree

from connectors.standards import address
from resolution.doors import BESIDE

PARTS = ("place", "number", "building", "unit", "room")
NEIGHBOUR_METRES = 60.0
MIN_NAMED = 2
"""A place that fewer addresses name is not looked for in texts."""
_ROADSIDE = r"^网格(\d{6})路边"
_SUFFIX = 6
_KIND_OF_ESTATE = r"^(.{2,}?)(?:小区|花园|花苑|家园|公寓|新村|名邸|雅居|苑|府|庭|里|庄)$"
_INSIDE = r"(?:\d+号(?:-\d+)?(?:地块)?)?"
_WITHIN = r"(?:[A-Z]?\d+幢)?(?:\d+单元)?(?:\d+室)?"


def places(records: pl.DataFrame) -> pl.DataFrame:
    """For `records` with address, text and grid_code: place, stem (of the place's name), number, building, unit, room,
    grid (the last six digits of its code), roadside (told as a grid, without a door) and told (an address is given).

    Of a part that the address leaves out the text may speak.
    """
    roadside = records["address"].str.contains(_ROADSIDE).fill_null(False)
    words = pl.select(pl.when(~roadside).then(records["address"].str.replace(BESIDE, ""))).to_series()
    stated = _parts(words)
    told = _parts(_mention(records["text"], _names(stated)))
    both = [pl.coalesce(stated[part], told[part]).alias(part) for part in PARTS]
    frame = records.select(
        grid=pl.coalesce(pl.col("grid_code").str.slice(-_SUFFIX), pl.col("address").str.extract(_ROADSIDE)),
        roadside=roadside,
        told=pl.col("address").is_not_null(),
    ).with_columns(both)
    return frame.with_columns(stem=pl.col("place").str.replace(_KIND_OF_ESTATE, "${1}"))


def with_near_grids(reports: pl.DataFrame) -> pl.DataFrame:
    """`reports` of which those with a place on the map (x, y, metres) but no grid have the grid of the nearest report
    that has both, if one is within `NEIGHBOUR_METRES`."""
    there = pl.col("x").is_not_null() & (pl.col("metres") <= NEIGHBOUR_METRES)
    known = reports.filter(there & pl.col("grid").is_not_null()).sort("x", "y", "grid")
    asking = reports.filter(there & pl.col("grid").is_null())
    if known.is_empty() or asking.is_empty():
        return reports
    metres, nearest = cKDTree(known.select("x", "y").to_numpy()).query(asking.select("x", "y").to_numpy())
    found = asking.select("row", near=known["grid"].gather(nearest), metres_off=metres)
    found = found.filter(pl.col("metres_off") <= NEIGHBOUR_METRES).drop("metres_off")
    joined = reports.join(found, on="row", how="left", maintain_order="left")
    return joined.with_columns(grid=pl.coalesce("grid", "near")).drop("near")


def _parts(texts: pl.Series) -> pl.DataFrame:
    def parsed(distinct: pl.Series) -> pl.DataFrame:
        parts = address.parse(distinct).with_columns(estate=address.estate_name())
        named = pl.coalesce(pl.when(pl.col("estate") != "").then("estate"), "lane", "road")
        return parts.select(named.alias("place"), "road", *PARTS[1:])

    return _once_each(texts, parsed)


def _once_each(texts: pl.Series, read: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """What `read` makes of each text, read once however many reports say it: many tell of one door."""
    distinct = texts.unique().alias("said")
    table = read(distinct).with_columns(distinct)
    return (
        texts.to_frame("said").join(table, on="said", how="left", nulls_equal=True, maintain_order="left").drop("said")
    )


def _names(stated: pl.DataFrame) -> list[str]:
    """Places that addresses name, the longest first, so that 锦绣花园 is found before 锦绣."""
    counts = pl.concat([stated["place"], stated["road"]]).drop_nulls().value_counts()
    often = counts.filter(pl.col("count") >= MIN_NAMED).to_series()
    return sorted((name for name in often if len(name) >= 2), key=lambda name: (-len(name), name))


def _mention(texts: pl.Series, names: list[str]) -> pl.Series:
    """The part of a text that names a place with what is written behind it; null where none is named."""
    if not names:
        return pl.Series(texts.name, [None] * len(texts), dtype=pl.String)
    known = "|".join(map(re.escape, names))
    pattern = rf"((?:{known})(?:小区)?{_INSIDE}(?:{known})?{_WITHIN})"
    found = _once_each(texts, lambda distinct: address.normalise(distinct).str.extract(pattern).to_frame("mention"))
    return found["mention"]
