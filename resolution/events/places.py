"""Where an event was, in the words of its report: estate, lane or road, number, building, unit and room.

Callers name a door, a building (宏泰科技园1幢附近) or a place alone (锦绣花园附近); what has no door is
told as a grid at the roadside (网格025002路边). The words stand in the field for the address, in the text, or in both.
"""

from __future__ import annotations

import re

import polars as pl
from scipy.spatial import cKDTree

from connectors.standards import address
from connectors.standards.once import once_each
from resolution.doors import BESIDE

PARTS = ("place", "number", "building", "unit", "room")
NEIGHBOUR_METRES = 60.0
SQUARE_METRES = 10.0
MIN_NAMED = 2
"""A place that fewer addresses name is not looked for in texts."""
_ROADSIDE = r"^网格(\d{6})路边"
_SUFFIX = 6
_KIND_OF_ESTATE = r"^(.{2,}?)(?:小区|花园|花苑|家园|公寓|新村|名邸|雅居|苑|府|庭|里|庄)$"
_INSIDE = r"(?:\d+号(?:-\d+)?(?:地块)?)?"
_WITHIN = r"(?:[A-Z]?\d+幢)?(?:\d+单元)?(?:\d+室)?"


def stated(addresses: pl.Series) -> pl.DataFrame:
    """`PARTS` and road as addresses say them; a roadside has none."""
    return _parts(pl.select(pl.when(~_roadside(addresses)).then(addresses.str.replace(BESIDE, ""))).to_series())


def names(stated: pl.DataFrame) -> list[str]:
    """Places that addresses name, the longest first, so that 锦绣花园 is found before 锦绣."""
    counts = pl.concat([stated["place"], stated["road"]]).drop_nulls().value_counts()
    often = counts.filter(pl.col("count") >= MIN_NAMED).to_series()
    return sorted((name for name in often if len(name) >= 2), key=lambda name: (-len(name), name))


def places(records: pl.DataFrame, stated: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """For `records` with address, text and grid_code: place, stem (of the place's name), number, building, unit, room,
    grid (the last six digits of its code), roadside (told as a grid, without a door) and told (an address is given).

    Of a part that the address leaves out (`stated`) the text may speak, where it names one of the `names`.
    """
    roadside = _roadside(records["address"])
    told = _parts(_mention(records["text"], names))
    both = [pl.coalesce(stated[part], told[part]).alias(part) for part in PARTS]
    frame = records.select(
        grid=pl.coalesce(pl.col("grid_code").str.slice(-_SUFFIX), pl.col("address").str.extract(_ROADSIDE)),
        roadside=roadside,
        told=pl.col("address").is_not_null(),
    ).with_columns(both)
    return frame.with_columns(stem=pl.col("place").str.replace(_KIND_OF_ESTATE, "${1}"))


def ground(reports: pl.DataFrame) -> pl.DataFrame:
    """east, north, grid: of which grid most reports in a square of the map say that they are.

    Squares are of `SQUARE_METRES`, counted from where x and y are 0; which report said so is not told.
    """
    squares = [(pl.col(name) / SQUARE_METRES).floor().cast(pl.Int64) for name in ("x", "y")]
    known = reports.filter(_there() & pl.col("grid").is_not_null()).select("grid", east=squares[0], north=squares[1])
    often = known.group_by("east", "north", "grid").len().sort("len", "grid", descending=[True, False])
    return often.unique(["east", "north"], keep="first", maintain_order=True).drop("len").sort("east", "north")


def with_near_grids(reports: pl.DataFrame, ground: pl.DataFrame) -> pl.DataFrame:
    """`reports` of which those with a place on the map (x, y, metres) but no grid have the grid of the nearest square
    of the `ground`, if its middle is within `NEIGHBOUR_METRES`."""
    asking = reports.filter(_there() & pl.col("grid").is_null())
    if ground.is_empty() or asking.is_empty():
        return reports
    middles = (ground.select("east", "north").to_numpy() + 0.5) * SQUARE_METRES
    metres, nearest = cKDTree(middles).query(asking.select("x", "y").to_numpy())
    found = asking.select("row", near=ground["grid"].gather(nearest), metres_off=metres)
    found = found.filter(pl.col("metres_off") <= NEIGHBOUR_METRES).drop("metres_off")
    joined = reports.join(found, on="row", how="left", maintain_order="left")
    return joined.with_columns(grid=pl.coalesce("grid", "near")).drop("near")


def _there() -> pl.Expr:
    return pl.col("x").is_not_null() & (pl.col("metres") <= NEIGHBOUR_METRES)


def _roadside(addresses: pl.Series) -> pl.Series:
    return addresses.str.contains(_ROADSIDE).fill_null(False)


def _parts(texts: pl.Series) -> pl.DataFrame:
    def parsed(distinct: pl.Series) -> pl.DataFrame:
        parts = address.parse(distinct).with_columns(estate=address.estate_name())
        named = pl.coalesce(pl.when(pl.col("estate") != "").then("estate"), "lane", "road")
        return parts.select(named.alias("place"), "road", *PARTS[1:])

    return once_each(texts, parsed)


def _mention(texts: pl.Series, names: list[str]) -> pl.Series:
    """The part of a text that names a place with what is written behind it; null where none is named."""
    if not names:
        return pl.Series(texts.name, [None] * len(texts), dtype=pl.String)
    known = "|".join(map(re.escape, names))
    pattern = rf"((?:{known})(?:小区)?{_INSIDE}(?:{known})?{_WITHIN})"
    found = once_each(texts, lambda distinct: address.normalise(distinct).str.extract(pattern).to_frame("mention"))
    return found["mention"]
