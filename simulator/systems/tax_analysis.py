"""税收分析: collections in 万元 with a row of totals, whole months sent again with corrections."""

from __future__ import annotations

from zlib import crc32

import polars as pl

from simulator.interfaces import FileDrop
from simulator.systems import tax_registry
from simulator.views.base import Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.model import World

STREAMS = {
    "collections": {
        "taxpayer_no": "社会信用代码",
        "taxpayer_name": "纳税人名称",
        "tax_kind": "税种",
        "period": "税款所属期",
        "amount": "入库额（万元）",
        "paid_on": "入库日期",
    }
}
SERVED_BY = {"collections": FileDrop("*.csv", encoding="gb18030", total="合计", total_of="入库额（万元）")}
_RESENT_MONTH = "2026-05"
_RESENT_WRONG = 0.01


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`collections`: one row per taxpayer, kind of tax and month; the month's file ends with a row of totals."""
    firms = tax_registry.taxpayers(world, seed).select("enterprise_id", "taxpayer_no", taxpayer_name="name")
    taxes = world.taxes.join(firms, on="enterprise_id", how="left", maintain_order="left").with_columns(
        _enterprise_id=pl.col("enterprise_id"),
        amount=wan_yuan(pl.col("amount")),
        paid_on=pl.col("paid_on").dt.strftime("%Y/%m/%d"),
        __file=pl.lit("tax_collections_") + pl.col("period").str.replace("-", "") + pl.lit(".csv"),
    )
    # the record's number must not depend on how many rows came later: firm, kind of tax and month make it
    pairs = taxes.select(pl.col("tax_kind") + pl.col("period")).to_series()
    salt = {pair: crc32(pair.encode()) % 1_000_003 for pair in pairs.unique()}
    taxes = taxes.with_columns(
        _row=pl.col("enterprise_id") * 1_000_003 + pairs.replace_strict(salt, return_dtype=pl.Int64)
    )
    wrong = pl.Series(hashing.uniform(taxes["_row"].to_numpy(), seed, "tax_analysis", "resent") < _RESENT_WRONG)
    month = taxes.filter(pl.col("period") == _RESENT_MONTH)
    again = month.with_columns(__file=pl.col("__file").str.replace(".csv", "_更正.csv", literal=True))
    first = taxes.with_columns(
        amount=pl.when((pl.col("period") == _RESENT_MONTH) & wrong).then(pl.lit("0.0000")).otherwise("amount")
    )
    rows = draft(seed, "tax_analysis", "collections", pl.concat([first, again]), "_row")
    correct = ~rows.frame["period"].eq(_RESENT_MONTH)
    rows.spoil("amount", 0.0004, "text", one_of("——", "待核"), defect="not_an_amount", among=correct)
    rows.spoil("period", 0.0004, "month", one_of("2026-13", "2025年"), defect="impossible_date", among=correct)
    rows.spoil("paid_on", 0.001, "missing", constant(None))
    columns, key = STREAMS["collections"], ["taxpayer_no", "tax_kind", "period"]
    return {"collections": rows.served(columns, key, enterprises="_enterprise_id")}


def wan_yuan(fen: pl.Expr) -> pl.Expr:
    """Whole fen → text in 万元 with four to six decimals, exactly."""
    whole, part = fen.abs() // 1_000_000, fen.abs() % 1_000_000
    decimals = part.cast(pl.String).str.zfill(6).str.replace("0{1,2}$", "")
    sign = pl.when(fen < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return sign + whole.cast(pl.String) + pl.lit(".") + decimals
