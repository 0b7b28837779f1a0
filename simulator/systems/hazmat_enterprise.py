"""危化品企业: a workbook of licences; the storage is seldom where the firm has its office."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import FileDrop
from simulator.systems import market_registration
from simulator.views import dirt, firms
from simulator.views.base import Floats, Served, draft, look_up, one_of
from simulator.world.facts import licences
from simulator.world.model import World

STREAMS = {
    "licences": {
        "licence_no": "许可证编号",
        "enterprise_name": "企业/名称",
        "credit_code": "企业/统一社会信用代码",
        "office_address": "企业/办公地址",
        "storage_address": "储存/储存地址",
        "goods": "储存/危险化学品",
        "hazard_level": "储存/重大危险源级别",
        "kind": "许可证/类型",
        "valid_from": "许可证/有效期起",
        "valid_to": "许可证/有效期止",
    }
}
SERVED_BY = {"licences": FileDrop("whp_*.xlsx", every=31, title="危化品企业", total="合计")}
_LEVELS = {0: "无", 1: "一级", 2: "二级", 3: "三级", 4: "四级"}
_KINDS = {"production": "生产", "trade": "经营", "storage": "储存", "use": "使用"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`licences`: one row per licence, lapsed ones too."""
    found = firms.known(licences.licences(world), world)
    doors = world.addresses.select("address_id", _text="full_text")
    for column in ("office_address", "storage_address"):
        found = look_up(found, doors.rename({"address_id": f"{column}_id", "_text": column}), f"{column}_id")
    found = found.with_columns(
        hazard_level=pl.col("level").replace_strict(_LEVELS, return_dtype=pl.String),
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        valid_from=pl.col("valid_from").dt.strftime("%Y-%m-%d"),
        valid_to=pl.col("valid_to").dt.strftime("%Y-%m-%d"),
        _premises_id=pl.col("premises_id"),
        _row=pl.col("licence_id"),
    )
    rows = draft(seed, "hazmat_enterprise", "licences", found, "_row")
    firms.names(rows, trade=0.15)
    market_registration.codes(rows, missing=0.08, wrong=0.04)
    dirt.addresses(rows, "office_address", spelling=0.3, aliases=0.0)
    dirt.addresses(rows, "storage_address", spelling=0.3, aliases=0.0)
    rows.spoil("hazard_level", 0.05, "code", one_of("待评估", "Ⅲ"), defect="unknown_code")
    rows.spoil("hazard_level", 0.15, "digits", _digits)
    rows.spoil("valid_to", 0.04, "no_such_day", one_of("2027-02-30", "2026-09-31"), defect="impossible_date")
    rows.spoil("valid_to", 0.2, "dots", lambda values, luck: values.str.replace_all("-", "."))
    return {
        "licences": rows.served(
            STREAMS["licences"], ["licence_no"],
            unasked={"_contact": "企业/主要负责人", "contact_phone": "企业/负责人电话"},
            enterprises="_enterprise_id", premises="_premises_id",
        )
    }  # fmt: skip


def _digits(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace_many(["一级", "二级", "三级", "四级"], ["1级", "2级", "3级", "4级"])
