"""邻里E家 repairs: messages at each of four steps; estates under the names that people use, flats half told."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import Hook
from simulator.views import dirt
from simulator.views.base import Draft, Floats, Served, constant, draft, look_up, one_of
from simulator.world.facts import repairs
from simulator.world.model import World

STREAMS = {
    "repairs": {
        "repair_no": "orderNo",
        "estate": "estate",
        "house": "house",
        "category": "type",
        "state": "status",
        "reported_at": "createTime",
        "accepted_at": "acceptTime",
        "repairing_at": "repairTime",
        "done_at": "finishTime",
        "updated_at": "updateTime",
    }
}
SERVED_BY = {"repairs": Hook()}
UNASKED = {"reporter": "userName", "reporter_phone": "mobile", "text": "content"}
"""What the app sends besides: who asked and in which words, which the repair's figures do not need."""
_KINDS = {
    "water": "水",
    "electricity": "电",
    "lift": "电梯",
    "door": "门窗锁具",
    "roof": "房屋漏水",
    "public": "公共设施",
}
_STATES = {"reported": "10", "accepted": "20", "repairing": "30", "done": "40"}
_TIMES = ("reported_at", "accepted_at", "repairing_at", "done_at", "updated_at")


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`repairs`: the current state of each repair; its messages carry this row."""
    doors = world.addresses.select("address_id", "estate", "building", "unit", "room")
    asked = look_up(repairs.repairs(world), doors, "address_id").with_columns(
        repair_no=pl.lit("BX") + pl.col("repair_id").cast(pl.String).str.zfill(10),
        house=pl.concat_str("building", pl.lit("幢"), "unit", pl.lit("单元"), "room", pl.lit("室")),
        category=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
        _row=pl.col("repair_id"),
    )
    rows = draft(seed, "neighbour_service", "repairs", asked, "_row")
    rows.spoil("estate", 0.1, "alias", dirt.alias)
    rows.spoil("estate", 0.05, "phase", lambda values, luck: values.str.replace("[二三四五六]区$", ""))
    rows.spoil("estate", 0.01, "spaced", lambda values, luck: " " + values)
    rows.spoil("house", 0.3, "spelling", _respelt)
    rows.spoil("house", 0.04, "missing", constant(None))
    rows.spoil("category", 0.003, "code", one_of("其他", "?"), defect="unknown_code")
    rows.spoil("state", 0.002, "code", one_of("99", "25"), defect="unknown_code")
    _times(rows)
    rows.spoil("estate", 0.001, "missing", constant(None), defect="missing_required")
    return {
        "repairs": rows.served(STREAMS["repairs"], ["repair_no"], changed_at="updated_at", unasked=UNASKED)
    }  # fmt: skip


def _respelt(values: pl.Series, luck: Floats) -> pl.Series:
    """3-2-501, 3栋2单元501."""
    frame = pl.DataFrame({"text": values, "luck": luck})
    short = pl.col("text").str.replace(r"^(\d+)幢(\d+)单元(\d+)室$", "${1}-${2}-${3}")
    other = pl.col("text").str.replace("幢", "栋").str.replace("室$", "")
    return frame.select(pl.when(pl.col("luck") < 0.5).then(short).otherwise(other)).to_series()


def _times(rows: Draft) -> None:
    """Text without seconds where the app was updated late; a finish that lies before its repair."""
    before = pl.Series(rows.pick(0.004, "done_at", "before"))
    done = pl.when(before).then(pl.col("reported_at") - pl.duration(hours=2)).otherwise(pl.col("done_at"))
    rows.set("done_at", pl.when(pl.col("done_at").is_not_null()).then(done))
    for column in _TIMES:
        rows.set(column, pl.col(column).dt.strftime("%Y-%m-%d %H:%M:%S"))
    rows.spoil("accepted_at", 0.1, "minutes", lambda values, luck: values.str.slice(0, 16))
    rows.spoil("reported_at", 0.001, "no_such_day", one_of("2026-02-30 10:00:00"), defect="impossible_date")
