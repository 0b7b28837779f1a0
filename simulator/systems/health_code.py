"""省市健康码: a synthetic fixture for a connector that is shipped disabled; one person has rows of several cities."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views.base import Served, draft, one_of
from simulator.world import hashing
from simulator.world.model import World

STREAMS = {
    "lookups": {
        "resident_id": "sfzh",
        "issuing_city": "mffd",
        "name": "xm",
        "colour": "mzt",
        "updated_at": "zjgxsj",
    }
}
SERVED_BY = {"lookups": GatewayInterface("wjw/healthCode", lookup="sfzh")}
_PEOPLE = 200
_CITIES = ("本市", "邻市", "外省")
_COLOURS = ("绿码", "黄码", "红码")


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`lookups`: what the platform answers for at most 200 people."""
    people = world.residents.head(_PEOPLE).select("name", _resident_id="resident_id", resident_id="id_no")
    cities = pl.DataFrame({"issuing_city": _CITIES, "_city": range(len(_CITIES))})
    rows = people.join(cities, how="cross", maintain_order="left").with_columns(
        _row=pl.col("_resident_id") * 10 + pl.col("_city")
    )
    ids = rows["_row"].to_numpy()
    luck = hashing.uniform(ids, seed, "health_code", "colour")
    hours = hashing.integers(ids, 0, 24 * 90, seed, "health_code", "updated")
    colour = np.searchsorted(np.array([0.96, 0.99]), luck, side="right").astype(np.uint32)
    rows = rows.with_columns(
        colour=pl.Series(_COLOURS).gather(pl.Series(colour)),
        updated_at=pl.datetime(2022, 9, 1) + pl.duration(hours=pl.lit(pl.Series(hours))),
    ).filter((pl.col("_city") == 0) | pl.Series(hashing.uniform(ids, seed, "health_code", "city") < 0.2))
    out = draft(seed, "health_code", "lookups", rows, "_row")
    out.spoil("colour", 0.01, "code", one_of("蓝码"), defect="unknown_code")
    return {
        "lookups": out.served(
            STREAMS["lookups"], ["resident_id", "issuing_city"], changed_at="updated_at",
            text_times="%Y-%m-%d %H:%M:%S", people="_resident_id",
        )
    }  # fmt: skip
