"""The door that a record's address means: the code of the town's register of doors, else the spelling's own key."""

from __future__ import annotations

import polars as pl

from connectors.standards import address, address_register
from connectors.standards.once import once_each

BESIDE = r"(?:门口|附近|对面|旁边|路边)+$"
"""What callers say of a place that is not quite theirs."""


def located(records: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """`records` with `door` and `building` made from `address`, null where the address goes not so far, and
    the `district` and `town` that it names.

    `register` has address_code and full_address. A code is taken where exactly one door of the register is meant, an
    estate's everyday name included; where the register has no such door, the address's own key stands for it.
    """
    texts = records["address"]
    parts = once_each(texts, address.parse)
    whole = parts.select(pl.col("room").is_not_null() | pl.col("building").is_null()).to_series()
    door = address.key_of(parts)
    building = address.key_of(parts.with_columns(unit=pl.lit(None, pl.String), room=pl.lit(None, pl.String)))
    if not register.is_empty():
        code = address_register.match(texts, register.select("address_code", "full_address"))[address_register.CODE]
        door = code.fill_null(door)
    # A building is no door where rooms are let or rented one by one.
    door = pl.select(pl.when(whole).then(door)).to_series()
    return records.with_columns(parts["district"], parts["town"], door=door, building=building)


def buildings(register: pl.DataFrame) -> pl.DataFrame:
    """Where the buildings of a register stand, for `placed`: building, estate, door_longitude, door_latitude.

    `register` has address_code, full_address, longitude and latitude. Doors of one building share a place.
    """
    doors = register.with_columns(spot=pl.struct(door_longitude="longitude", door_latitude="latitude"))
    return address_register.buildings(doors.select("address_code", "full_address", "spot")).unnest("spot")


def placed(records: pl.DataFrame, buildings: pl.DataFrame, *, metres: float) -> pl.DataFrame:
    """`records` whose address is of a door or building that is known, but without a place on the map, with that of
    the building: longitude, latitude, and `metres` as how far the place may be from what happened there."""
    if buildings.is_empty():
        return records
    texts = pl.col("address").str.replace(BESIDE, "").alias("said")
    asked = records.filter(pl.col("longitude").is_null() & pl.col("address").is_not_null()).select(texts.unique())
    found = address_register.match_buildings(asked["said"], buildings).drop("building")
    at = pl.concat([asked, found], how="horizontal").drop_nulls("door_longitude")
    known = records.with_columns(texts).join(at, on="said", how="left", maintain_order="left")
    missing = pl.col("longitude").is_null() & pl.col("door_longitude").is_not_null()
    moved = {"longitude": pl.col("door_longitude"), "latitude": pl.col("door_latitude"), "metres": pl.lit(metres)}
    return known.with_columns(
        pl.when(missing).then(value).otherwise(name).alias(name) for name, value in moved.items()
    ).select(records.columns)
