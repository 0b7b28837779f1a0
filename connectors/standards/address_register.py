"""Addresses as people write them against the town's own register of doors (标准地址, 门牌).

No province-wide address code is at hand, so the register's code is the address code. A text is matched by the key of
its door, never by likeness: a code is given only where exactly one door of the register can be meant. Where the door
is not found the building or the place may be, which is enough for a community or a grid, and no code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from connectors.standards import address
from connectors.standards.once import once_each

DOOR, ALIAS, WITHOUT_UNIT, BUILDING, PLACE = "door", "door_by_alias", "door_without_unit", "building", "place"
_OF_DOORS: Final = (DOOR, ALIAS, WITHOUT_UNIT)
LEVELS: Final = (*_OF_DOORS, BUILDING, PLACE)
CODE: Final = "address_code"

# What an estate is called is its own; of what kind it is, people leave out.
_ESTATE_KIND: Final = r"^(.{2,}?)(?:小区|花园|花苑|家园|公寓|新村|名邸|雅居|苑|府|庭|里|庄)$"
_KEYS: Final = {DOOR: DOOR, ALIAS: DOOR, WITHOUT_UNIT: WITHOUT_UNIT, BUILDING: BUILDING, PLACE: PLACE}


def match(s: pl.Series, register: pl.DataFrame, *, text_column: str = "full_address") -> pl.DataFrame:
    """DataFrame(address_code, match_level, candidates, …) with a row per value of ``s``.

    ``register`` has ``address_code``, the standard address in ``text_column``, and any other columns, such as
    community_code and grid_code, which are given where all candidates agree on them. ``match_level`` is the first of

    - 'door': the key of the door, whatever its spelling;
    - 'door_by_alias': the same with the estate's everyday name (锦绣小区 for 锦绣花园), if only one estate has it;
    - 'door_without_unit': the text names no unit, and the building has one such room;
    - 'building': the building, or the house with its number; 'place': the estate or the street;

    or null. ``candidates`` are the register's doors on that level. The code is null unless the level is a door's and
    there is one candidate. Raises ValueError if the register lacks a column that is needed.
    """
    lacking = {CODE, text_column} - set(register.columns)
    if lacking:
        raise ValueError(
            f"the address register lacks {', '.join(sorted(lacking))}: give its code as {CODE} and name the column "
            "with the standard address in text_column"
        )
    doors = register.unique(CODE, keep="last", maintain_order=True)
    parts = _parts(doors[text_column])
    others = [name for name in doors.columns if name not in (CODE, text_column)]
    keyed = pl.concat([_keys(parts), doors.select(CODE, *others)], how="horizontal")

    return once_each(s, lambda texts: _matched(texts, parts, keyed, others))


def _matched(texts: pl.Series, parts: pl.DataFrame, keyed: pl.DataFrame, others: list[str]) -> pl.DataFrame:
    """``match`` of each text with doors: their parts, and these keyed."""
    asked = _parts(texts)
    known = asked.join(_aliases(parts["estate"]), on="estate", how="left", maintain_order="left")
    by_alias = _keys(known.with_columns(pl.coalesce("named", "estate").alias("estate")))
    exact, aliased = _keys(asked), known["named"].is_not_null()
    wanted = by_alias.with_columns(
        pl.Series(DOOR, exact[DOOR]),
        pl.when(aliased).then(pl.col(DOOR)).alias(ALIAS),
        # A text that names another unit does not mean this one.
        pl.when(asked["unit"].is_null()).then(pl.col(WITHOUT_UNIT)).alias(WITHOUT_UNIT),
    )
    return _first_found(wanted, keyed, others)


def buildings(register: pl.DataFrame, *, text_column: str = "full_address") -> pl.DataFrame:
    """The buildings of a register, a small part of its rows: building (key), estate, and the other columns but
    ``address_code`` as more than half of the building's doors have them together, else null.

    An estate is there also without a building, for it may be one of two with one everyday name.
    """
    doors = register.unique(CODE, keep="last", maintain_order=True)
    parts = _parts(doors[text_column])
    others = [name for name in doors.columns if name not in (CODE, text_column)]
    keyed = pl.concat([_keys(parts).select(BUILDING), parts.select("estate"), doors.select(others)], how="horizontal")
    alike = keyed.group_by(BUILDING, "estate", *others).len("doors")
    most = pl.col("doors") * 2 > pl.col("doors").sum().over(BUILDING)
    named = pl.col(BUILDING).is_not_null()
    agreed = [pl.when(most & named).then(name).alias(name) for name in others]
    told = alike.select(BUILDING, "estate", *agreed).unique()
    whole = pl.any_horizontal(pl.col(name).is_not_null() for name in others)
    first = told.sort(BUILDING, "estate", whole, descending=[False, False, True], nulls_last=True)
    return first.unique([BUILDING, "estate"], keep="first", maintain_order=True)


def match_buildings(s: pl.Series, known: pl.DataFrame) -> pl.DataFrame:
    """DataFrame of the columns of ``known`` (``buildings``) but its estate: a row per value of ``s``, null where it
    means no building of these. Estates have their everyday names, as in ``match``."""
    others = [name for name in known.columns if name not in ("estate", BUILDING)]
    told = known.filter(pl.any_horizontal(pl.col(name).is_not_null() for name in others))
    places = told.drop("estate").drop_nulls(BUILDING).unique(BUILDING, maintain_order=True)

    def matched(texts: pl.Series) -> pl.DataFrame:
        asked = _parts(texts).join(_aliases(known["estate"]), on="estate", how="left", maintain_order="left")
        key = _keys(asked.with_columns(pl.coalesce("named", "estate").alias("estate"))).select(BUILDING)
        return key.join(places, on=BUILDING, how="left", maintain_order="left")

    return once_each(s, matched)


def _parts(texts: pl.Series) -> pl.DataFrame:
    return address.parse(texts).with_columns(address.estate_name().alias("estate"))


def _keys(parts: pl.DataFrame) -> pl.DataFrame:
    """Of parsed addresses the key on each level, null where the text does not go so far."""
    estate, street = pl.col("estate").fill_null(""), address.street_name()
    house = pl.when(street != "").then(street).when(estate != "").then(estate)
    building = (
        pl.when((estate != "") & pl.col("building").is_not_null())
        .then(pl.concat_str(estate, pl.lit("|"), pl.col("building"), pl.lit("幢")))
        .otherwise(pl.concat_str(house, pl.lit("|"), pl.col("number"), pl.lit("号")))
    )
    place = pl.when(estate != "").then(estate).when(street != "").then(street)
    return parts.select(building.alias(BUILDING), place.alias(PLACE), "room").select(
        address.key_of(parts).alias(DOOR),
        pl.concat_str(BUILDING, pl.lit("|"), "room").alias(WITHOUT_UNIT),
        BUILDING,
        PLACE,
    )


def _aliases(estates: pl.Series) -> pl.DataFrame:
    """Everyday names (``estate``) → the one estate (``named``) of the register that is called so."""
    names = pl.DataFrame({"named": estates.filter(estates != "").unique()})
    short = names.with_columns(estate=pl.col("named").str.replace(_ESTATE_KIND, "${1}"))
    clear = short.filter(pl.col("estate").is_unique() & (pl.col("estate") != pl.col("named")))
    return clear.filter(~pl.col("estate").is_in(names["named"].implode()))


def _first_found(wanted: pl.DataFrame, keyed: pl.DataFrame, others: Sequence[str]) -> pl.DataFrame:
    """Level by level what the register has under the wanted key; the first level that has anything counts."""
    given = [CODE, "match_level", "candidates", *others]
    schema = {CODE: keyed.schema[CODE], "match_level": pl.String(), "candidates": pl.UInt32()}
    schema |= {name: keyed.schema[name] for name in others}
    rows = wanted.with_row_index("row")
    answers = [pl.DataFrame(schema={"row": rows.schema["row"]} | schema)]
    for level in LEVELS:
        table = _of_level(keyed, _KEYS[level], others)
        hits = rows.select("row", key=level).drop_nulls().join(table, on="key", how="inner")
        one_door = pl.lit(level in _OF_DOORS) & (pl.col("candidates") == 1)
        hits = hits.with_columns(pl.when(one_door).then(pl.col(CODE)).alias(CODE), match_level=pl.lit(level))
        answers.append(hits.select("row", *given))
        rows = rows.join(hits, on="row", how="anti")
    found = pl.concat(answers)
    return (
        wanted.with_row_index("row").select("row").join(found, on="row", how="left", maintain_order="left").drop("row")
    )


def _of_level(keyed: pl.DataFrame, key: str, others: Sequence[str]) -> pl.DataFrame:
    """Per key: how many doors, one of their codes, and the other columns where all doors agree."""
    counted = keyed.drop_nulls(key).group_by(pl.col(key).alias("key"))
    return counted.agg(pl.len().cast(pl.UInt32).alias("candidates"), pl.col(CODE).first(), *_agreed(others))


def _agreed(names: Sequence[str]) -> list[pl.Expr]:
    return [pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(name) for name in names]
