"""标准地址/门牌: the door register; other spellings, aliases of estates, bytes of no encoding."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import FileDrop
from simulator.views import dirt, places
from simulator.views.base import UNDECODABLE, Floats, Served, constant, draft, look_up
from simulator.world.model import World

STREAMS = {
    "addresses": {
        "address_code": "地址编码",
        "community_code": "社区编码",
        "grid_code": "网格编码",
        "kind": "类型",
        "full_address": "标准地址",
        "estate": "小区",
        "road": "道路",
        "lane": "弄",
        "number": "号",
        "building": "幢",
        "unit": "单元",
        "room": "室",
        "longitude": "经度",
        "latitude": "纬度",
    },
}
SERVED_BY = {
    "addresses": FileDrop("addresses_*.csv", every=7, encoding="utf-8-sig"),
}
_KINDS = {"residential": "住宅", "shop": "商铺", "factory": "厂房", "office": "写字楼", "site": "工地"}


def _broken(values: pl.Series, luck: Floats) -> pl.Series:
    """Bytes that no encoding knows, in the middle of the text."""
    return values.str.slice(0, 6) + UNDECODABLE + values.str.slice(6)


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`addresses`: one row per door."""
    return {"addresses": _addresses(world, seed)}


def _addresses(world: World, seed: int) -> Served:
    communities = world.communities.select("community_id", community_code="code")
    doors = look_up(world.addresses, communities, "community_id")
    doors = look_up(doors, world.grids.select("grid_id", grid_code="code"), "grid_id")
    doors = doors.with_columns(
        address_code="code",
        kind=pl.col("kind").replace_strict(_KINDS, default="其他", return_dtype=pl.String),
        full_address="full_text",
        longitude="lon",
        latitude="lat",
        _row=pl.col("address_id"),
    )
    rows = draft(seed, "standard_address", "addresses", doors, "_row")
    places.faults(rows, share=0.002)
    rows.spoil("full_address", 0.0003, "undecodable", _broken, defect="undecodable_text")
    rows.spoil("full_address", 0.06, "spelling", dirt.respelt)
    rows.spoil("community_code", 0.0004, "missing", constant(None), defect="missing_required")
    rows.spoil("estate", 0.01, "alias", dirt.alias)
    return rows.served(STREAMS["addresses"], ["address_code"], repeated=0.0005)
