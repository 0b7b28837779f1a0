"""The fifteen-minute circle: where residents find a doctor, a canteen, a market, a library within walking distance."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, dates, day_number, times
from simulator.world.facts.draws import chosen
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

SIZE = 1_200
"""Service points of a town of scale 1."""
KINDS: dict[str, tuple[float, str]] = {
    "clinic": (0.08, "社区卫生服务站"),
    "pharmacy": (0.12, "便民药房"),
    "elder_canteen": (0.06, "老年食堂"),
    "day_care": (0.05, "居家养老照料中心"),
    "market": (0.07, "农贸市场"),
    "convenience_store": (0.26, "便利店"),
    "parcel_station": (0.14, "快递驿站"),
    "kindergarten": (0.06, "幼儿园"),
    "library": (0.04, "社区书房"),
    "sports_ground": (0.06, "健身点"),
    "government_counter": (0.06, "便民服务中心"),
}
_CLOSED = 0.05


def service_points(world: World) -> pl.DataFrame:
    """One row per point: ``point_id``, ``name``, ``kind``, ``address_id``, ``lon``, ``lat``, ``community_id``,
    ``opened_on``, ``open`` and ``updated_at`` (when it opened, or closed for good)."""
    doors = world.addresses.filter(pl.col("kind").is_in(["shop", "office"]))
    size = min(len(doors), max(len(KINDS), round(SIZE * world.scale)))
    order = np.argsort(uniform(doors["address_id"].to_numpy(), world.seed, "service point"), kind="stable")[:size]
    places = doors[np.sort(order)]
    ids = np.arange(1, size + 1)
    # the first of each kind is certain: no circle is without a doctor
    kinds = pl.concat(
        [
            pl.Series(list(KINDS)),
            chosen(list(KINDS), ids[len(KINDS) :], world.seed, "kind", weights=[share for share, _ in KINDS.values()]),
        ]
    )
    today = day_number(world.today)
    opened = day_number(world.today.replace(year=2025, month=9, day=1)) - integers(ids, 0, 2_500, world.seed, "opened")
    closed = opened + integers(ids, 200, 4_000, world.seed, "closed")
    gone = (uniform(ids, world.seed, "closing") < _CLOSED) & (closed <= today)
    label = kinds.replace_strict({kind: text for kind, (_, text) in KINDS.items()})
    return pl.DataFrame(
        {
            "point_id": ids,
            "name": places["road"].fill_null("听澜") + label,
            "kind": kinds,
            "address_id": places["address_id"],
            "lon": places["lon"],
            "lat": places["lat"],
            "community_id": places["community_id"],
            "opened_on": dates(opened),
            "open": ~gone,
            "updated_at": times(np.where(gone, closed, opened) * DAY + 9 * HOUR),
        }
    )
