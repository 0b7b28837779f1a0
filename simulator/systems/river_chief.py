"""河长通: patrols whose only place is their track, laboratories that tell values in two units."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world.facts import rivers
from simulator.world.facts.draws import chosen
from simulator.world.hashing import uniform
from simulator.world.model import World

STREAMS = {
    "patrols": {
        "patrol_no": "xhbh",
        "river_code": "hdbm",
        "river_name": "hdmc",
        "level": "hzjb",
        "started_at": "kssj",
        "ended_at": "jssj",
        "track": "xhgj",
        "problems": "wts",
        "updated_at": "gxsj",
    },
    "water_samples": {
        "section_code": "dmbm",
        "sampled_on": "cyrq",
        "parameter": "zb",
        "river_code": "hdbm",
        "value": "jcz",
        "unit": "dw",
        "updated_at": "gxsj",
    },
}
SERVED_BY = {"patrols": GatewayInterface("slj/patrols"), "water_samples": GatewayInterface("slj/water")}
_PARAMETERS = {
    "ammonia_nitrogen": ("氨氮", "NH3-N"),
    "total_phosphorus": ("总磷", "TP"),
    "permanganate_index": ("高锰酸盐指数", "CODMn"),
    "dissolved_oxygen": ("溶解氧", "DO"),
}
_LEVELS = {"town": "3", "village": "4"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`patrols` and `water_samples`."""
    return {"patrols": _patrols(world, seed), "water_samples": _samples(world, seed)}


def _patrols(world: World, seed: int) -> Served:
    found = rivers.patrols(world).with_columns(
        patrol_no="number",
        river_name="river",
        level=pl.col("level").replace_strict(_LEVELS, return_dtype=pl.String),
        problems=pl.col("problems").cast(pl.String),
        _row=pl.col("patrol_id"),
    )
    rows = draft(seed, "river_chief", "patrols", found, "_row")
    rows.spoil("track", 0.02, "lost", constant(None))
    rows.spoil("track", 0.02, "one_point", lambda values, luck: values.str.split(";").list.first())
    rows.spoil("track", 0.01, "jump", _jump)
    rows.spoil("problems", 0.01, "words", one_of("若干", "无"), defect="not_a_number")
    rows.spoil("level", 0.005, "code", one_of("镇级", "9"), defect="unknown_code")
    return rows.served(
        STREAMS["patrols"], ["patrol_no"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
        unasked={"chief": "hzxm", "phone": "hzdh"},
    )  # fmt: skip


def _samples(world: World, seed: int) -> Served:
    found = rivers.samples(world)
    ids = found["sample_id"].to_numpy()
    short = pl.Series(uniform(ids, seed, "short name") < 0.3)
    names = [
        pl.col("parameter").replace_strict(list(_PARAMETERS), [pair[n] for pair in _PARAMETERS.values()])
        for n in (0, 1)
    ]
    micro = pl.Series(uniform(ids, seed, "micrograms") < 0.1)
    found = found.with_columns(
        section_code="section",
        sampled_on=pl.col("day").dt.strftime("%Y-%m-%d"),
        parameter=pl.when(short).then(names[1]).otherwise(names[0]),
        value=pl.when(micro).then((pl.col("value") * 1000).round(0)).otherwise("value").cast(pl.String),
        unit=pl.when(micro)
        .then(chosen(("μg/L", "ug/L", "微克/升"), ids, seed, "micro"))
        .otherwise(chosen(("mg/L", "mg/l", "毫克/升"), ids, seed, "milli", weights=(8, 1, 1))),
        _row=pl.col("sample_id"),
    )
    rows = draft(seed, "river_chief", "water_samples", found, "_row")
    rows.spoil("value", 0.01, "below", one_of("<0.025", "未检出"), defect="not_a_number")
    rows.spoil("value", 0.003, "broken", one_of("-1", "999999"), defect="out_of_range")
    rows.spoil("unit", 0.005, "missing", constant(None), defect="missing_required")
    rows.spoil("unit", 0.005, "other", one_of("ppm", "无量纲"), defect="unknown_code")
    return rows.served(
        STREAMS["water_samples"], ["section_code", "sampled_on", "parameter"], changed_at="updated_at",
        text_times="%Y-%m-%d %H:%M:%S",
    )  # fmt: skip


def _jump(values: pl.Series, luck: Floats) -> pl.Series:
    """A point that the receiver put into the next province."""
    return values + ";118.000000,29.000000"
