"""综合治理大队五圈 roster: a workbook a week; who stands where now, with no word on since when."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import FileDrop
from simulator.views import dirt
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world.facts import staff
from simulator.world.model import World

STREAMS = {
    "staff": {
        "staff_no": "工号",
        "name": "人员/姓名",
        "phone": "人员/联系电话",
        "circle": "岗位/圈层",
        "unit": "岗位/单元",
        "grid_code": "岗位/网格编码",
        "duty": "岗位/职务",
        "shift": "岗位/班次",
    }
}
SERVED_BY = {"staff": FileDrop("zlry_*.xlsx", every=7, title="五圈人员", total="合计")}
_CIRCLES = {"town": "一圈", "district": "二圈", "station": "三圈", "group": "四圈", "grid": "五圈"}
_UNITS = {"town": "指挥部", "district": "片区", "station": "驻点", "group": "小组", "grid": "网格"}
_DUTIES = {"head": "负责人", "deputy": "副职", "member": "队员"}
_GRID_DUTIES = {"负责人": "网格长", "副职": "专职网格员", "队员": "专职网格员"}
_SHIFTS = {"day": "白班", "middle": "中班", "night": "夜班"}
_FIGURES = {"一圈": "第1圈", "二圈": "第2圈", "三圈": "第3圈", "四圈": "第4圈", "五圈": "第5圈"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`staff`: one row per person who serves now."""
    grids = world.grids.select("grid_id", grid_code="code")
    found = look_up(staff.staff(world), grids, "grid_id")
    duty = pl.col("duty").replace_strict(_DUTIES, return_dtype=pl.String)
    found = found.with_columns(
        staff_no=pl.lit("ZL") + pl.col("person_id").cast(pl.String).str.zfill(8),
        unit=pl.lit("第") + pl.col("unit").cast(pl.String)
        + pl.col("circle").replace_strict(_UNITS, return_dtype=pl.String),
        duty=pl.when(pl.col("circle") == "grid").then(duty.replace(_GRID_DUTIES)).otherwise(duty),
        circle=pl.col("circle").replace_strict(_CIRCLES, return_dtype=pl.String),
        shift=pl.col("shift").replace_strict(_SHIFTS, return_dtype=pl.String),
        _row=pl.col("person_id"),
    )  # fmt: skip
    rows = draft(seed, "governance_roster", "staff", found, "_row")
    dirt.names(rows, share=0.01)
    dirt.phones(rows, "phone", missing=0.03, shared=0.02)
    rows.spoil("circle", 0.1, "figures", lambda values, luck: values.replace(_FIGURES))
    rows.spoil("circle", 0.006, "code", one_of("六圈", "机动"), defect="unknown_code")
    rows.spoil("duty", 0.006, "code", one_of("借调", "见习"), defect="unknown_code")
    rows.spoil("shift", 0.05, "missing", constant(None))
    rows.spoil("shift", 0.006, "code", one_of("轮休", "24小时"), defect="unknown_code")
    rows.spoil("grid_code", 0.03, "missing", constant(None))
    rows.spoil("name", 0.004, "missing", constant(None), defect="missing_required")
    return {"staff": rows.served(STREAMS["staff"], ["staff_no"])}
