"""高龄与养老服务: a list a month; ages that nobody counted on, assessments that ran out, levels as figures or words."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import FileDrop
from simulator.views import dirt, persons
from simulator.views.base import Floats, Served, constant, draft, look_up, one_of
from simulator.world.facts import elders
from simulator.world.model import World

STREAMS = {
    "elders": {
        "elder_no": "服务编号",
        "name": "姓名",
        "resident_id": "身份证号",
        "stated_age": "年龄",
        "phone": "联系电话",
        "address": "居住地址",
        "community_code": "社区编码",
        "level": "失能等级",
        "assessed_on": "评估日期",
        "valid_to": "评估有效期至",
        "care": "服务方式",
        "state": "状态",
    }
}
SERVED_BY = {"elders": FileDrop("ylfw_*.csv", every=31, encoding="gb18030")}
_WORDS = {"able": "能力完好", "mild": "轻度失能", "moderate": "中度失能", "severe": "重度失能", "total": "完全失能"}
_FIGURES = {word: str(number) for number, word in enumerate(_WORDS.values())}
_CARE = {"home": "居家养老", "day_centre": "社区日托", "institution": "机构养老"}


def _figures(values: pl.Series, luck: Floats) -> pl.Series:
    return values.replace(_FIGURES)


def _older(values: pl.Series, luck: Floats) -> pl.Series:
    """The age of the year in which the row was typed."""
    return (values.cast(pl.Int64) - 1 - pl.Series((luck * 2).astype("int64"))).cast(pl.String)


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`elders`: one row per person known to the service."""
    cards = persons.cards(world).select("_resident_id", "resident_id", "name", "phone", "stale_phone", "address",
                                        "community_code", "has_legacy_15", "_born", "_head_id_no")  # fmt: skip
    found = look_up(elders.elders(world).rename({"resident_id": "_resident_id"}), cards, "_resident_id").with_columns(
        elder_no=pl.lit("YL") + pl.col("_resident_id").cast(pl.String).str.zfill(9),
        stated_age=(world.today.year - pl.col("_born").dt.year()).cast(pl.String),
        phone=pl.coalesce("stale_phone", "phone"),
        level=pl.col("level").replace_strict(_WORDS, return_dtype=pl.String),
        assessed_on=pl.col("assessed_on").dt.strftime("%Y-%m-%d"),
        valid_to=pl.col("valid_to").dt.strftime("%Y-%m-%d"),
        care=pl.col("care").replace_strict(_CARE, return_dtype=pl.String),
        state=pl.when(pl.col("ended_on").is_null()).then(pl.lit("服务中")).otherwise(pl.lit("终止")),
    )
    rows = draft(seed, "elderly_service", "elders", found, "_resident_id")
    rows.spoil("resident_id", 0.02, "old_card", dirt.legacy_15, among=rows.frame["has_legacy_15"])
    dirt.identity(rows, missing=0.01, wrong=0.01, head=0.004, cosmetic=0.006)
    dirt.names(rows, share=0.01)
    dirt.phones(rows, "phone", missing=0.2, shared=0.04)
    dirt.addresses(rows, spelling=0.3)
    rows.spoil("stated_age", 0.08, "older", _older)
    rows.spoil("stated_age", 0.003, "range", one_of("0", "199"), defect="out_of_range")
    rows.spoil("level", 0.4, "figures", _figures)
    rows.spoil("level", 0.003, "code", one_of("9", "半失能"), defect="unknown_code")
    for column in ("assessed_on", "valid_to"):
        rows.spoil(column, 0.1, "slashes", lambda values, luck: values.str.replace_all("-", "/"))
        rows.spoil(column, 0.05, "chinese", _chinese)
    rows.spoil("valid_to", 0.003, "no_such_day", one_of("2027-02-29", "2026-06-31"), defect="impossible_date")
    rows.spoil("state", 0.002, "code", one_of("待核"), defect="unknown_code")
    rows.spoil("name", 0.001, "missing", constant(None), defect="missing_required")
    return {"elders": rows.served(STREAMS["elders"], ["elder_no"], people="_resident_id")}


def _chinese(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace(r"^(\d{4})-0?(\d+)-0?(\d+)$", "${1}年${2}月${3}日")
