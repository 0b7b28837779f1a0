"""Licences for hazardous chemicals: where they are stored is seldom where the firm has its office."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.columns import count, dates, day_number, digits
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.draws import chosen
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

KINDS = ("production", "trade", "storage", "use")
_GOODS = ("汽油、柴油", "甲醇、乙醇", "液氨", "丙酮、甲苯", "盐酸、硫酸", "液化石油气", "次氯酸钠", "乙炔、氧气")
_TERM = 3 * 365
_OTHERS = 12
"""Licensed firms at scale 1 beside the coded producers: petrol stations, paint dealers, stores."""


def licences(world: World) -> pl.DataFrame:
    """One row per licence: the producers among the premises and a dozen other firms, gone ones included.

    ``licence_id``, enterprise_id, premises_id (null for the others), licence_no, kind (of ``KINDS``), goods, level
    (重大危险源: 1 is the worst, 4 the least, 0 none), storage_address_id, office_address_id, valid_from, valid_to.
    """
    makers = world.premises.filter(pl.col("category") == "hazmat_producer").select(
        "premises_id", "enterprise_id", "address_id", since="opened_on"
    )
    found = pl.concat([makers, _others(world, makers["enterprise_id"])], how="diagonal")
    found = found.sort("enterprise_id", "premises_id")
    ids = found["enterprise_id"].to_numpy()
    factories = np.sort(world.addresses.filter(pl.col("kind") == "factory")["address_id"].to_numpy())
    offices = np.sort(world.addresses.filter(pl.col("kind") == "office")["address_id"].to_numpy())
    here = found["address_id"].to_numpy()
    apart = uniform(ids, world.seed, "storage apart") < 0.6
    producer = found["premises_id"].is_not_null().to_numpy()
    licence = np.where(producer, as_numbers(found["premises_id"]) * 2, ids * 2 + 1)
    # a producer stores where it produces and has its office elsewhere; a dealer has its store elsewhere
    store = np.where(producer | ~apart, here, factories[integers(ids, 0, len(factories), world.seed, "store")])
    desk = np.where(producer & apart, offices[integers(ids, 0, len(offices), world.seed, "desk")], here)
    start = np.maximum(as_numbers(found["since"]) + 40, 0)
    # three years each and renewed in time, but for a few that have lapsed
    turns = (day_number(world.today) - start) // _TERM - (uniform(ids, world.seed, "lapsed") < 0.12)
    start = start + np.maximum(turns, 0) * _TERM
    kind = np.where(producer, "production", chosen(KINDS[1:], ids, world.seed, "licence kind").to_numpy())
    level = np.where(producer, integers(ids, 1, 5, world.seed, "level"), integers(ids, 0, 3, world.seed, "level") * 2)
    year = dates(start).dt.strftime("%Y")
    return found.select(
        "enterprise_id",
        "premises_id",
        pl.Series("licence_id", licence),
        (pl.lit("安AQ许证字") + year + pl.Series(digits(licence, 6)) + pl.lit("号")).alias("licence_no"),
        pl.Series("kind", kind),
        chosen(_GOODS, ids, world.seed, "goods").alias("goods"),
        pl.Series("level", level),
        pl.Series("storage_address_id", store),
        pl.Series("office_address_id", desk),
        pl.Series("valid_from", dates(start)),
        pl.Series("valid_to", dates(start + _TERM - 1)),
    ).filter(pl.col("valid_from") <= world.today)


def _others(world: World, makers: pl.Series) -> pl.DataFrame:
    """Old firms that make, sell or carry things."""
    firms = world.enterprises.filter(
        (pl.col("kind") == "firm")
        & pl.col("industry").is_in(["C", "F", "G"])
        & (pl.col("registered_on") < pl.date(2024, 1, 1))
        & ~pl.col("enterprise_id").is_in(makers.implode())
    )
    luck = uniform(firms["enterprise_id"].to_numpy(), world.seed, "licensed")
    few = np.argsort(luck, kind="stable")[: count(world.scale, _OTHERS, 2)]
    return firms[np.sort(few)].select("enterprise_id", "address_id", since="registered_on")
