"""Every door of the town with its standard address, and the grid it lies in.

Three fifths are homes (in estates 小区 or in village lanes 弄), the rest shops along roads, rooms in office
towers, factory lots and building sites. Doors of one building share a coordinate, as in the real door-plate
register.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl

from simulator.world.calibration import DISTRICT_NAME, START_DATE, TOWN_CODE, TOWN_NAME
from simulator.world.columns import (
    DAY,
    Bools,
    Floats,
    Ints,
    count,
    digits,
    masked,
    micros,
    stream,
    texts,
    times,
    words,
)
from simulator.world.geography import Ground, degrees, plane

HOMES, SHOPS, OFFICES, FACTORIES, SITES = 198_000, 30_000, 26_000, 5_000, 160
_VILLAGE_SHARE = 0.27

_ESTATE_FIRST = words(
    "锦绣 阳光 金色 翠竹 碧水 紫荆 丹枫 云海 星河 月光 凤凰 玉兰 香樟 桂雨 荷塘 柳浪 松涛 梅林 晨曦 "
    "晓风 和睦 安居 康乐 永宁 瑞景 福源 嘉禾 逸景 名士 书香"
)
_ESTATE_LAST = words("花园 家园 公寓 新村 苑 府 名邸 雅居 里 庄")
_ROADS = words(
    "振兴 和平 建设 文化 学院 青年 胜利 新民 友谊 光明 丰收 创新 科技 兴业 望江 临湖 听雨 观山 迎春 "
    "长乐 安康 永福 育才 民生 长风 明珠 东升 西苑 南塘 北辰 金穗 银河 红叶 绿荫 白云 春晖 秋实 朝阳 "
    "晚霞 桃源 杏林"
)
_ROAD_KINDS = words("路 街 大道 巷")
_VILLAGES = words(
    "上塘 下塘 东畈 西畈 前村 后村 大桥头 小河沿 高桥 石桥 长埭 新埭 横塘 竹园 木桥 陈家 沈家 陆家 章家 杨家"
)
_TOWERS = words("同信 中和 润源 银江 天汇 广联 宏泰 金帆 海创 智慧 云谷 数源 同创 联合 启明")


def generate(seed: int, scale: float, land: Ground) -> pl.DataFrame:
    """The frame ``addresses``."""
    parts = [
        _homes(seed, count(scale, HOMES, 60), land),
        _along_roads(seed, count(scale, SHOPS, 30), land, "shop"),
        _offices(seed, count(scale, OFFICES, 20), land),
        _along_roads(seed, count(scale, FACTORIES, 8), land, "factory"),
        _sites(seed, count(scale, SITES, 4), land),
    ]
    frame = pl.concat(parts)
    rng = stream(seed, START_DATE, "addresses")
    frame = frame[rng.permutation(len(frame))]  # so that ids say nothing about kinds
    lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
    grid = land.grid_of(lon, lat)
    community = land.community_of(grid)
    registered = micros(datetime(2012, 1, 1)) + (rng.random(len(frame)) ** 2 * 5100 * DAY).astype(np.int64)
    ids = np.arange(1, len(frame) + 1)
    return frame.select(
        pl.Series("address_id", ids),
        pl.Series("code", TOWN_CODE + digits(community, 3) + digits(ids, 8)),
        pl.Series("community_id", community),
        pl.Series("grid_id", grid),
        "kind",
        "estate",
        "road",
        "lane",
        "number",
        "building",
        "unit",
        "room",
        pl.concat_str(
            pl.lit(DISTRICT_NAME + TOWN_NAME),
            pl.col("road").fill_null(""),
            pl.when(pl.col("road").is_not_null()).then(pl.col("number")).otherwise(pl.lit("")),
            pl.col("estate").fill_null(""),
            pl.col("lane").fill_null(""),
            pl.when(pl.col("lane").is_not_null()).then(pl.col("number")).otherwise(pl.lit("")),
            pl.when(pl.col("building").is_not_null()).then(pl.col("building") + "幢").otherwise(pl.lit("")),
            pl.when(pl.col("unit").is_not_null()).then(pl.col("unit") + "单元").otherwise(pl.lit("")),
            pl.when(pl.col("room").is_not_null()).then(pl.col("room") + "室").otherwise(pl.lit("")),
        ).alias("full_text"),
        "lon",
        "lat",
        pl.Series("updated_at", times(registered)),
    )


def _near(rng: np.random.Generator, land: Ground, lon: Floats, lat: Floats, metres: float) -> tuple[Floats, Floats]:
    """Places up to about ``metres`` away, but never outside the town."""
    x, y = plane(lon, lat)
    new_lon, new_lat = degrees(x + rng.normal(0, metres / 2, len(x)), y + rng.normal(0, metres / 2, len(y)))
    stays = land.inside(new_lon, new_lat)
    return np.where(stays, new_lon, lon), np.where(stays, new_lat, lat)


def _names(rng: np.random.Generator, first: list[str], last: list[str], size: int) -> list[str]:
    """Different names; numbered 二区, 三区 … when the combinations run out."""
    pairs = [a + b for a in first for b in last]
    order = rng.permutation(len(pairs))
    phases = ("", "二区", "三区", "四区", "五区", "六区")
    return [pairs[order[i % len(pairs)]] + phases[i // len(pairs)] for i in range(size)]


def _frame(kind: str, lon: Floats, lat: Floats, **parts: pl.Series) -> pl.DataFrame:
    columns = {
        name: parts.get(name, pl.lit(None, pl.String))
        for name in ("estate", "road", "lane", "number", "building", "unit", "room")
    }
    return pl.DataFrame({"lon": lon, "lat": lat}).with_columns(kind=pl.lit(kind), **columns)


def _blocks(
    rng: np.random.Generator, land: Ground, sizes: Ints, units: Ints, floors: Ints, doors: Ints, spread: float
) -> tuple[Ints, Ints, Ints, Ints, Floats, Floats]:
    """Rooms of estates: estate index, building, unit and room numbers, and the buildings' places."""
    estate = np.repeat(np.arange(len(sizes)), sizes)
    k = np.arange(len(estate)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    per_unit = (floors * doors)[estate]
    building = k // (per_unit * units[estate])
    unit = k // per_unit % units[estate]
    floor = k % per_unit // doors[estate]
    room = (floor + 1) * 100 + k % doors[estate] + 1
    buildings, which = np.unique(estate * 10_000 + building, return_inverse=True)
    lon, lat = land.places(rng, len(sizes))
    home = buildings // 10_000
    building_lon, building_lat = _near(rng, land, lon[home], lat[home], spread)
    return estate, building + 1, unit + 1, room, building_lon[which], building_lat[which]


def _sizes(rng: np.random.Generator, total: int, mean: float) -> Ints:
    """Random sizes that add up to ``total``."""
    parts = max(2, round(total / mean))
    return rng.multinomial(total, rng.dirichlet(np.full(parts, 3.0)))


def _homes(seed: int, total: int, land: Ground) -> pl.DataFrame:
    rng = stream(seed, START_DATE, "homes")
    village_total = round(total * _VILLAGE_SHARE)
    sizes = _sizes(rng, total - village_total, 620)
    n = len(sizes)
    floors = np.where(rng.random(n) < 0.45, 6, rng.integers(9, 26, n))
    estate, building, unit, room, lon, lat = _blocks(
        rng, land, sizes, rng.integers(1, 5, n), floors, rng.integers(2, 5, n), 160
    )
    estates = _frame(
        "residential",
        lon,
        lat,
        estate=texts(_names(rng, _ESTATE_FIRST, _ESTATE_LAST, n), estate),
        building=digits(building, 1),
        unit=digits(unit, 1),
        room=digits(room, 3),
    )
    # a village house has up to eight rooms that are let one by one
    sizes = _sizes(rng, village_total, 240)
    n = len(sizes)
    lane, house, _, room, lon, lat = _blocks(
        rng, land, sizes, np.ones(n, np.int64), rng.integers(2, 5, n), np.full(n, 2), 90
    )
    lane_names = _names(rng, _VILLAGES, ["东弄", "西弄", "一弄", "二弄", "三弄"], n)
    villages = _frame(
        "residential",
        lon,
        lat,
        lane=texts(lane_names, lane),
        number=digits(house, 1) + "号",
        room=digits(room, 3),
    )
    return pl.concat([estates, villages])


def _along_roads(seed: int, total: int, land: Ground, kind: str) -> pl.DataFrame:
    """Doors numbered along roads, odd and even alternating; a fifth of the shops are 之一, 之二 of one number."""
    rng = stream(seed, START_DATE, f"roads {kind}")
    sizes = _sizes(rng, total, 250 if kind == "shop" else 80)
    n = len(sizes)
    road = np.repeat(np.arange(n), sizes)
    k = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    start_lon, start_lat = land.places(rng, n)
    end_lon, end_lat = land.places(rng, n)
    share = k / np.maximum(sizes - 1, 1)[road]
    lon, lat = degrees(
        *plane(*(a[road] + (b - a)[road] * share for a, b in ((start_lon, end_lon), (start_lat, end_lat))))
    )
    ok: Bools = land.inside(lon, lat)  # the town is nearly convex: few doors fall outside
    lon, lat = np.where(ok, lon, start_lon[road]), np.where(ok, lat, start_lat[road])
    split = (rng.random(total) < 0.2) & (kind == "shop")
    suffix = texts(["号-1", "号-2", "号-3"], rng.integers(0, 3, total))
    number = digits(2 * k + 1 + (rng.random(n) < 0.5)[road], 1)
    plain = kind == "shop"
    names = _names(rng, _ROADS, _ROAD_KINDS if plain else ["工业路", "园区路"], n)
    whole = masked(number + "号", ~split)
    return _frame(kind, lon, lat, road=texts(names, road), number=whole.fill_null(number + suffix))


def _offices(seed: int, total: int, land: Ground) -> pl.DataFrame:
    rng = stream(seed, START_DATE, "offices")
    sizes = _sizes(rng, total, 260)
    n = len(sizes)
    tower, building, _, room, lon, lat = _blocks(
        rng, land, sizes, np.ones(n, np.int64), rng.integers(10, 29, n), rng.integers(6, 15, n), 60
    )
    road = texts(_names(rng, _ROADS, ["路", "大道"], 40), rng.integers(0, 40, n)[tower])
    number = digits(rng.integers(1, 600, n)[tower], 1) + "号"
    return _frame(
        "office",
        lon,
        lat,
        road=road,
        number=number,
        estate=texts(_names(rng, _TOWERS, ["大厦", "中心", "广场", "科技园"], n), tower),
        building=digits(building, 1),
        room=digits(room, 3),
    )


def _sites(seed: int, total: int, land: Ground) -> pl.DataFrame:
    rng = stream(seed, START_DATE, "sites")
    lon, lat = land.places(rng, total)
    road = texts(_names(rng, _ROADS, ["路", "大道"], 40), rng.integers(0, 40, total))
    return _frame("site", lon, lat, road=road, number=digits(np.arange(1, total + 1), 1) + "号地块")
