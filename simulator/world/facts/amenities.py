"""Places that serve people within a quarter of an hour: care, schools, doctors, markets, culture."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, count, day_number, digits, times
from simulator.world.facts.draws import chosen, strangers, told
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

PLACES = 1_200
_NAMES = {
    "elder_care": ("居家养老服务中心", "老年食堂", "助浴点"),
    "child_care": ("婴幼儿照护驿站", "托育园", "儿童之家"),
    "health": ("社区卫生服务站", "便民药房", "康复站"),
    "market": ("农贸市场", "便民菜店", "放心早餐点"),
    "culture": ("社区书屋", "文化家园", "文体活动室"),
    "sport": ("健身苑点", "笼式足球场", "乒乓球室"),
    "daily_service": ("便民维修点", "理发店", "快递驿站"),
    "public_office": ("便民服务中心", "警务室", "社区矫正点"),
}
KINDS = tuple(_NAMES)


def places(world: World) -> pl.DataFrame:
    """One row per place: ``place_id`` (an address's), code, name, kind, service, address_id, community_id, address,
    lon, lat, opens, closes (hours), contact, phone, open, updated_at."""
    shops = world.addresses.filter(pl.col("kind").is_in(["shop", "office"])).sort("address_id")
    order = np.argsort(uniform(shops["address_id"].to_numpy(), world.seed, "place"), kind="stable")
    chosen_ = shops[np.sort(order[: count(world.scale, PLACES, 60)]).tolist()]
    ids = chosen_["address_id"].to_numpy()
    kind = chosen(KINDS, ids, world.seed, "place kind", weights=(14, 10, 12, 18, 10, 12, 20, 4))
    service = told(kind, _NAMES, ids, world.seed, "place name")
    estates = chosen_["estate"].fill_null("")
    people = strangers(ids, world.seed, "place contact")
    began = day_number(HISTORY_START)
    changed = began - 400 + integers(ids, 0, 700, world.seed, "place changed")
    shut = (uniform(ids, world.seed, "place shut") < 0.06) & (changed > began)
    known = changed <= day_number(world.today)
    at = np.where(known, changed, began - 400) * DAY + 9 * HOUR
    return pl.DataFrame(
        {
            "place_id": ids,
            "code": "FWQ" + digits(ids, 7),
            "name": estates + service,
            "kind": kind,
            "service": service,
            "address_id": ids,
            "community_id": chosen_["community_id"],
            "address": chosen_["full_text"],
            "lon": chosen_["lon"],
            "lat": chosen_["lat"],
            "opens": integers(ids, 6, 10, world.seed, "place opens"),
            "closes": integers(ids, 17, 22, world.seed, "place closes"),
            "contact": people["name"],
            "phone": people["phone"],
            "open": ~(shut & known),
            "updated_at": times(at),
        }
    )
