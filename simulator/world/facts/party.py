"""Party organisations of the communities: how many members, where their service points are, what they did."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START, TOWN_NAME
from simulator.world.columns import count, dates, day_number, digits, texts, words
from simulator.world.facts.draws import last_month_end, months, strangers
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

_MEMBERS = 210
ACTIVITIES = words("主题党日 三会一课 志愿服务 微心愿")
_POINTS = ("党群服务中心", "红色驿站")


def organisations(world: World) -> pl.DataFrame:
    """One row per community's organisation, as of the last whole month.

    ``org_id`` (the community's), code, name, community_id, founded_on, branches, members, women, under_35, over_60,
    secretary, phone, month (its first day).
    """
    ids = world.communities["community_id"].to_numpy()
    month = last_month_end(world.today).replace(day=1)
    size = np.array(
        [count(world.scale, _MEMBERS * (0.4 + 1.2 * luck), 8) for luck in uniform(ids, world.seed, "members")]
    )
    grown = integers(ids * 1000 + _months_since(HISTORY_START, month), 0, 4, world.seed, "members now")
    members = size + grown
    people = strangers(ids, world.seed, "secretary")
    return pl.DataFrame(
        {
            "org_id": ids,
            "code": "DZZ" + world.communities["code"],
            "name": TOWN_NAME + world.communities["name"] + "党委",
            "community_id": ids,
            "founded_on": dates(
                integers(ids, day_number(date(1998, 1, 1)), day_number(date(2022, 1, 1)), world.seed, "founded")
            ),
            "branches": integers(ids, 1, 9, world.seed, "branches"),
            "members": members,
            "women": _part(members, ids, world.seed, "women", 0.3, 0.5),
            "under_35": _part(members, ids, world.seed, "young", 0.08, 0.2),
            "over_60": _part(members, ids, world.seed, "old", 0.3, 0.6),
            "secretary": people["name"],
            "phone": people["phone"],
            "month": pl.Series([month] * len(ids), dtype=pl.Date),
        }
    )


def members(ids: pl.Series, sizes: pl.Series) -> pl.DataFrame:
    """The members of organisations of these sizes: org_id, name, id_no, phone, joined_on. They are on the upstream's
    roster and never come to the hub."""
    org = np.repeat(ids.to_numpy(), sizes.to_numpy())
    key = org * 10_000 + np.concatenate([np.arange(size) for size in sizes.to_list()])
    joined = dates(integers(key, day_number(date(1965, 7, 1)), day_number(date(2025, 7, 1)), "joined"))
    return strangers(key, "party member").with_columns(pl.Series("org_id", org), joined.alias("joined_on"))


def service_points(world: World) -> pl.DataFrame:
    """One row per service point, one or two to an organisation.

    ``point_id``, code, name, org_id, address_id, opens, closes (hours), contact, phone.
    """
    org = world.communities["community_id"].to_numpy()
    ids = np.concatenate([org * 10 + 1, org[uniform(org, world.seed, "second point") < 0.5] * 10 + 2])
    # At a shop or an office where the community has any, else at somebody's door.
    door = (
        world.addresses.sort(~pl.col("kind").is_in(["shop", "office"]), "address_id")
        .group_by("community_id", maintain_order=True)
        .agg(pl.col("address_id").first().alias("first"), pl.col("address_id").head(2).last().alias("second"))
    )
    people = strangers(ids, world.seed, "point contact")
    found = pl.DataFrame(
        {
            "point_id": ids,
            "community_id": ids // 10,
            "org_id": ids // 10,
            "code": "FWD" + digits(ids, 5),
            "kind": pl.Series(np.array(_POINTS)[ids % 10 - 1]),
            "opens": integers(ids, 8, 10, world.seed, "opens"),
            "closes": integers(ids, 17, 22, world.seed, "closes"),
            "contact": people["name"],
            "phone": people["phone"],
        }
    )
    found = found.join(door, on="community_id", how="inner", maintain_order="left")
    names = world.communities.select("community_id", community="name")
    found = found.join(names, on="community_id", how="left", maintain_order="left")
    return found.select(
        pl.all().exclude("first", "second", "community"),
        pl.when(pl.col("point_id") % 10 == 1).then("first").otherwise("second").alias("address_id"),
        (pl.col("community") + pl.col("kind")).alias("name"),
    )


def activities(world: World) -> pl.DataFrame:
    """One row per organisation, whole month and kind of activity: ``activity_id``, org_id, month, kind, times,
    participants, names (of some who took part)."""
    every = months(HISTORY_START, last_month_end(world.today))
    org, nth, number = (
        axis.ravel()
        for axis in np.meshgrid(
            world.communities["community_id"].to_numpy(),
            np.arange(len(every)),
            np.arange(len(ACTIVITIES)),
            indexing="ij",
        )
    )
    key = (org * 1000 + nth) * 10 + number
    times = integers(key, 0, 6, world.seed, "activity times")
    names = [strangers(key, world.seed, who)["name"] for who in ("one", "another")]
    found = pl.DataFrame(
        {
            "activity_id": key,
            "org_id": org,
            "month": pl.Series(every, dtype=pl.Date).gather(nth),
            "kind": texts(ACTIVITIES, number),
            "times": times,
            "participants": times * integers(key, 8, 40, world.seed, "activity heads"),
            "names": names[0] + "、" + names[1],
        }
    )
    return found.filter(pl.col("times") > 0)


def _months_since(start: date, month: date) -> int:
    return (month.year - start.year) * 12 + month.month - start.month


def _part(whole: np.ndarray, ids: np.ndarray, seed: int, what: str, low: float, high: float) -> np.ndarray:
    return np.floor(whole * (low + (high - low) * uniform(ids, seed, what))).astype(np.int64)
