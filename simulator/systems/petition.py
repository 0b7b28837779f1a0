"""信访数据: a file a week with everybody's name in it; weeks sent again, dates that cannot be, bytes of no encoding."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import FileDrop
from simulator.views.base import UNDECODABLE, Floats, Served, constant, draft, look_up, one_of
from simulator.world.calibration import DISTRICT_NAME, TOWN_NAME
from simulator.world.facts import petitions
from simulator.world.facts.draws import chosen
from simulator.world.model import World

STREAMS = {
    "petitions": {
        "petition_no": "信访件号",
        "category": "问题类别",
        "form": "信访形式",
        "community_code": "社区编码",
        "people": "人数",
        "repeated": "是否重复",
        "registered_on": "登记日期",
        "due_on": "办理期限",
        "closed_on": "办结日期",
        "state": "办理状态",
    }
}
SERVED_BY = {"petitions": FileDrop("xinfang_*.csv", every=None, encoding="gb18030", total="合计")}
_FORMS = {"letter": "来信", "visit": "来访", "online": "网上信访", "phone": "电话"}
_STATES = {"registered": "登记", "accepted": "受理", "transferred": "转送", "closed": "办结"}
_CLERKS = ("经办一科", "经办二科", "综合科")


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`petitions`: one row per petition, in the file of its week."""
    codes = world.communities.select("community_id", community_code="code", _community="name")
    found = look_up(petitions.petitions(world), codes, "community_id")
    found = found.with_columns(
        petition_no="number",
        form=pl.col("form").replace_strict(_FORMS, return_dtype=pl.String),
        people=pl.col("people").cast(pl.String),
        repeated=pl.when("repeated").then(pl.lit("是")).otherwise(pl.lit("否")),
        registered_on=pl.col("registered_on").dt.strftime("%Y-%m-%d"),
        due_on=pl.col("due_on").dt.strftime("%Y/%m/%d"),
        closed_on=pl.col("closed_on").dt.strftime("%Y年%-m月%-d日"),
        state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
        _address=pl.lit(DISTRICT_NAME + TOWN_NAME)
        + pl.col("_community")
        + pl.col("door").cast(pl.String)
        + pl.lit("号"),
        _text=pl.col("name") + pl.col("text") + pl.lit("，联系电话") + pl.col("phone"),
        _clerk=chosen(_CLERKS, found["petition_id"].to_numpy(), seed, "clerk"),
        __file=pl.lit("xinfang_") + pl.col("week").dt.strftime("%GW%V") + pl.lit(".csv"),
        _row=pl.col("petition_id"),
    )
    rows = draft(seed, "petition", "petitions", found, "_row")
    rows.spoil("category", 0.02, "code", one_of("其它", "城建"), defect="unknown_code")
    rows.spoil("form", 0.05, "short", lambda values, luck: values.replace("网上信访", "网信"))
    rows.spoil("people", 0.01, "words", one_of("多人", "数十人"), defect="not_a_number")
    rows.spoil("due_on", 0.02, "no_such_day", one_of("2026/02/30", "2026/13/01"), defect="impossible_date")
    rows.spoil("registered_on", 0.01, "missing", constant(None), defect="missing_required")
    rows.spoil("community_code", 0.05, "missing", constant(None))
    rows.spoil("_text", 0.01, "undecodable", _broken, defect="undecodable_text")
    return {
        "petitions": rows.served(
            STREAMS["petitions"], ["petition_no"],
            unasked={"name": "信访人", "id_no": "身份证号", "phone": "联系电话", "_address": "住址",
                     "_text": "信访内容", "_clerk": "经办人"},
        )
    }  # fmt: skip


def _broken(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.slice(0, 4) + UNDECODABLE + values.str.slice(4)
