"""What the channels of events share: a report joined with the incident that it tells of."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from simulator.views.base import Draft
from simulator.world.model import World

_BEIJING = 8 * 3600

POLICE_CODES = {
    "theft": "010203",
    "fraud": "010500",
    "dispute": "030101",
    "noise": "030205",
    "traffic": "040100",
    "fire": "050100",
    "gas": "050300",
    "sanitation": "090100",
    "illegal_parking": "040900",
    "shop_occupying_road": "090200",
    "facility_damage": "090300",
    "safety_hazard": "050900",
}
POLICE_OTHER = "099900"
WORDS = {
    "dispute": "矛盾纠纷",
    "theft": "盗窃",
    "fraud": "诈骗",
    "traffic": "交通事故",
    "fire": "火灾",
    "gas": "燃气泄漏",
    "noise": "噪音扰民",
    "sanitation": "环境卫生",
    "illegal_parking": "违章停车",
    "shop_occupying_road": "出店经营",
    "facility_damage": "公共设施损坏",
    "safety_hazard": "安全隐患",
}
OTHER_WORD = "其他事件"


def reports(world: World, channel: str) -> pl.DataFrame:
    """Reports of one channel with kind, place (WGS-84 `longitude`, `latitude`), `address` and `grid_code`."""
    incidents = world.incidents.select(
        "incident_id",
        "kind",
        "address_id",
        "grid_id",
        "premises_id",
        pl.col("lon").alias("longitude"),
        pl.col("lat").alias("latitude"),
    )
    return (
        world.reports.filter(pl.col("channel") == channel)
        .join(incidents, on="incident_id", how="left", maintain_order="left")
        .join(
            world.addresses.select("address_id", address="full_text"),
            on="address_id",
            how="left",
            maintain_order="left",
        )
        .join(world.grids.select("grid_id", grid_code="code"), on="grid_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("address").fill_null(_roadside()),
            _report_id=pl.col("report_id"),
            _incident_id=pl.col("incident_id"),
        )
    )


def _roadside() -> pl.Expr:
    """What is told as place when nothing has a door: the grid at the roadside."""
    return pl.lit("网格") + pl.col("grid_code").str.slice(-6) + pl.lit("路边")


def epochs(rows: Draft, columns: Sequence[str], *, millis: float) -> None:
    """Local times → epochs in seconds; a share `millis` of the senders count milliseconds."""
    finer = pl.Series(rows.pick(millis, "millis"))
    for column in columns:
        seconds = pl.col(column).dt.epoch("s") - _BEIJING
        rows.set(column, pl.when(finer).then(seconds * 1000).otherwise(seconds))


def word(column: str = "kind") -> pl.Expr:
    return pl.col(column).replace_strict(list(WORDS), list(WORDS.values()), default=OTHER_WORD, return_dtype=pl.String)
