"""无人机自动巡航: two files for every day of flying; UTC times, heights above satellites' ellipsoid."""

from __future__ import annotations

import polars as pl
import shapely

from simulator.interfaces import FileDrop
from simulator.views import events, places
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world.facts import patrols
from simulator.world.model import World

STREAMS = {
    "flights": {
        "flight_no": "架次编号",
        "drone_no": "无人机编号",
        "took_off_at": "起飞时间(UTC)",
        "landed_at": "降落时间(UTC)",
        "altitude_metres": "飞行高度(米)",
        "track": "航迹",
        "findings": "抓拍数",
    },
    "findings": {
        "finding_no": "抓拍编号",
        "flight_no": "架次编号",
        "kind": "类型",
        "found_at": "抓拍时间(UTC)",
        "longitude": "经度",
        "latitude": "纬度",
        "altitude_metres": "高度(米)",
        "verdict": "复核结果",
    },
}
SERVED_BY = {
    "flights": FileDrop("*.csv", encoding="utf-8-sig"),
    "findings": FileDrop("*.csv", encoding="utf-8-sig"),
}
_WORDS = {
    **events.WORDS,
    "illegal_structure": "疑似违建",
    "bare_soil": "裸土未覆盖",
    "floating_objects": "河面漂浮物",
}
_VERDICTS = {"pending": "待复核", "confirmed": "属实", "false": "误报"}
_EIGHT_HOURS = pl.duration(hours=8)
_ABOVE_ELLIPSOID = 31.0
"""Metres by which a height above the satellites' ellipsoid is more than one above the ground here."""


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`flights` and `findings`: one file of each for every day, sent again when a finding was reviewed."""
    flown, found = patrols.flights(world), patrols.findings(world)
    return {"flights": _flights(flown, found, seed), "findings": _findings(flown, found, seed)}


def _flights(flown: pl.DataFrame, found: pl.DataFrame, seed: int) -> Served:
    counts = found.group_by("flight_id").agg(findings=pl.len().cast(pl.Int64))
    lines = shapely.to_wkt(shapely.linestrings(flown["track"].to_numpy()), rounding_precision=6)
    flights = look_up(flown, counts, "flight_id").with_columns(
        flight_no=flight_no(),
        drone_no=pl.lit("UAV-") + pl.col("drone").cast(pl.String).str.zfill(2),
        altitude_metres="altitude",
        track=pl.Series(lines.tolist(), dtype=pl.String),
        findings=pl.col("findings").fill_null(0),
        __file=pl.col("took_off_at").dt.strftime("drone_flights_%Y%m%d.csv"),
        took_off_at=pl.col("took_off_at") - _EIGHT_HOURS,
        landed_at=pl.col("landed_at") - _EIGHT_HOURS,
    )
    rows = draft(seed, "drone_patrol", "flights", flights, "flight_id")
    rows.spoil("altitude_metres", 0.12, "ellipsoid", lambda values, luck: values + _ABOVE_ELLIPSOID)
    rows.spoil("altitude_metres", 0.01, "barometer", lambda values, luck: values + 9_000, defect="out_of_range")
    rows.spoil("landed_at", 0.01, "missing", constant(None))
    rows.spoil("took_off_at", 0.008, "missing", constant(None), defect="missing_required")
    return rows.served(STREAMS["flights"], ["flight_no"], text_times="%Y-%m-%dT%H:%M:%S")


def _findings(flown: pl.DataFrame, found: pl.DataFrame, seed: int) -> Served:
    findings = look_up(found, flown.select("flight_id", "took_off_at", "altitude"), "flight_id").with_columns(
        finding_no=flight_no() + pl.lit("-") + pl.int_range(1, pl.len() + 1).over("flight_id").cast(pl.String),
        flight_no=flight_no(),
        kind=pl.col("kind").replace_strict(_WORDS, return_dtype=pl.String),
        longitude="lon",
        latitude="lat",
        altitude_metres="altitude",
        verdict=pl.col("verdict").replace_strict(_VERDICTS, return_dtype=pl.String),
        found_at=pl.col("found_at") - _EIGHT_HOURS,
        _incident_id=pl.col("incident_id"),
        __file=pl.col("took_off_at").dt.strftime("drone_findings_%Y%m%d.csv"),
    )
    findings = findings.with_columns(_photo=pl.col("finding_no") + pl.lit(".JPG"))
    rows = draft(seed, "drone_patrol", "findings", findings, "finding_id")
    places.faults(rows, share=0.02)
    rows.spoil("altitude_metres", 0.12, "ellipsoid", lambda values, luck: values + _ABOVE_ELLIPSOID)
    rows.spoil("verdict", 0.006, "code", one_of("?", "已处理"), defect="unknown_code")
    rows.spoil("kind", 0.004, "missing", constant(None), defect="missing_required")
    return rows.served(
        STREAMS["findings"], ["finding_no"], text_times="%Y-%m-%dT%H:%M:%S",
        unasked={"_photo": "照片"}, incidents="_incident_id",
    )  # fmt: skip


def flight_no() -> pl.Expr:
    number = (pl.col("flight_id") % 100_000).cast(pl.String).str.zfill(3)
    return pl.col("took_off_at").dt.strftime("JC%Y%m%d") + number
