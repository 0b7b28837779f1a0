"""城市大脑: a hundred indicators; departments that count in their own ways, values that are no numbers."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world.facts import indicators
from simulator.world.model import World

STREAMS = {
    "indicators": {
        "indicator_code": "zbbm",
        "provider": "sjly",
        "stated_on": "tjrq",
        "name": "zbmc",
        "definition": "zbkj",
        "unit": "dw",
        "value": "zbz",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"indicators": GatewayInterface("csdn/indicators")}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`indicators`: one row per indicator, department and day of the last month."""
    stated = indicators.indicators(world).with_columns(
        indicator_code="code",
        stated_on=pl.col("day").dt.strftime("%Y-%m-%d"),
        value=pl.col("value").cast(pl.String),
    )
    rows = draft(seed, "city_brain", "indicators", stated.rename({"indicator_id": "_row"}), "_row")
    large = (
        rows.frame["unit"].is_in(["万元", "万人", "万件", "万人次", "万吨", "万千瓦时", "万立方米"]).fill_null(False)
    )
    rows.spoil("value", 0.004, "text", one_of("--", "N/A", "暂无"), defect="not_a_number")
    rows.spoil("value", 0.003, "separated", lambda values, luck: "1," + values, defect="not_a_number", among=large)
    rows.spoil("value", 0.001, "missing", constant(None), defect="missing_required")
    rows.spoil("definition", 0.02, "missing", constant(None))
    rows.spoil("unit", 0.01, "blanks", lambda values, luck: " " + values)
    rows.spoil("stated_on", 0.02, "compact", _compact)
    return {
        "indicators": rows.served(
            STREAMS["indicators"], ["indicator_code", "provider", "stated_on"], changed_at="updated_at",
            text_times="%Y-%m-%d %H:%M:%S",
        )
    }  # fmt: skip


def _compact(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace_all("-", "")
