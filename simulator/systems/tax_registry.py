"""税务登记与税收: legacy taxpayer numbers, late cancellations; collections in 万元 with a total, months sent again."""

from __future__ import annotations

from zlib import crc32

import polars as pl

from connectors.standards import credit_code
from simulator.interfaces import ExchangeTable, FileDrop
from simulator.systems import market_registration
from simulator.views import dirt
from simulator.views.base import Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.model import World

STREAMS = {
    "taxpayers": {
        "taxpayer_no": "nsrsbh",
        "name": "nsrmc",
        "state": "zt",
        "address": "scjydz",
        "registered_on": "djrq",
        "updated_at": "gxsj",
    },
    "collections": {
        "taxpayer_no": "社会信用代码",
        "taxpayer_name": "纳税人名称",
        "tax_kind": "税种",
        "period": "税款所属期",
        "amount": "入库额（万元）",
        "paid_on": "入库日期",
    },
}
SERVED_BY = {
    "taxpayers": ExchangeTable("t_nsr", ("nsrsbh",)),
    "collections": FileDrop("*.csv", encoding="gb18030", total="合计", total_of="入库额（万元）"),
}
_LEGACY = 0.25
_RESENT_MONTH = "2026-05"
_RESENT_WRONG = 0.01
TOTAL = "合计"


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`taxpayers` and `collections`; the files of `collections` end with a row of totals."""
    firms = market_registration.enterprises(world)
    ids = firms["enterprise_id"].to_numpy()
    still_legacy = pl.Series(hashing.uniform(ids, seed, "tax_registry", "legacy") < _LEGACY)
    firms = firms.with_columns(
        taxpayer_no=pl.when(still_legacy).then(pl.coalesce("legacy_tax_no", "credit_code")).otherwise("credit_code")
    )
    return {"taxpayers": _taxpayers(world, firms, seed), "collections": _collections(world, firms, seed)}


def _taxpayers(world: World, firms: pl.DataFrame, seed: int) -> Served:
    ids = firms["enterprise_id"].to_numpy()
    forgotten = pl.Series(hashing.uniform(ids, seed, "tax_registry", "forgotten") < 0.3)
    state = (
        pl.when((pl.col("status") == "cancelled") & ~forgotten)
        .then(pl.lit("07"))
        .when((pl.col("status") == "revoked") | pl.Series(hashing.uniform(ids, seed, "tax_registry", "lost") < 0.01))
        .then(pl.lit("05"))
        .otherwise(pl.lit("03"))
    )
    firms = firms.with_columns(state=state, registered_on=pl.col("registered_on").dt.strftime("%Y%m%d"))
    rows = draft(seed, "tax_registry", "taxpayers", firms, "_enterprise_id")
    rows.spoil(
        "taxpayer_no", 0.004, "check", dirt.wrong_check, defect="invalid_taxpayer_no",
        among=rows.frame["taxpayer_no"].str.contains("^9"),
        judge=lambda new: ~credit_code.is_valid(new).fill_null(False),
    )  # fmt: skip
    dirt.addresses(rows, spelling=0.3, aliases=0.0)
    rows.spoil("state", 0.001, "code", one_of("99"), defect="unknown_code")
    return rows.served(STREAMS["taxpayers"], ["taxpayer_no"], changed_at="updated_at", enterprises="_enterprise_id")


def _collections(world: World, firms: pl.DataFrame, seed: int) -> Served:
    taxes = world.taxes.join(
        firms.select("enterprise_id", "taxpayer_no", taxpayer_name="name"),
        on="enterprise_id", how="left", maintain_order="left",
    ).with_columns(
        _enterprise_id=pl.col("enterprise_id"),
        amount=wan_yuan(pl.col("amount")),
        paid_on=pl.col("paid_on").dt.strftime("%Y/%m/%d"),
        __file=pl.lit("tax_collections_") + pl.col("period").str.replace("-", "") + pl.lit(".csv"),
    )  # fmt: skip
    # the record's number must not depend on how many rows came later: firm, kind of tax and month make it
    pairs = taxes.select(pl.col("tax_kind") + pl.col("period")).to_series()
    salt = {pair: crc32(pair.encode()) % 1_000_003 for pair in pairs.unique()}
    taxes = taxes.with_columns(
        _row=pl.col("enterprise_id") * 1_000_003 + pairs.replace_strict(salt, return_dtype=pl.Int64)
    )
    wrong = pl.Series(hashing.uniform(taxes["_row"].to_numpy(), seed, "tax_registry", "resent") < _RESENT_WRONG)
    month = taxes.filter(pl.col("period") == _RESENT_MONTH)
    again = month.with_columns(__file=pl.col("__file").str.replace(".csv", "_更正.csv", literal=True))
    first = taxes.with_columns(
        amount=pl.when((pl.col("period") == _RESENT_MONTH) & wrong).then(pl.lit("0.0000")).otherwise("amount")
    )
    rows = draft(seed, "tax_registry", "collections", pl.concat([first, again]), "_row")
    correct = ~rows.frame["period"].eq(_RESENT_MONTH)
    rows.spoil("amount", 0.0004, "text", one_of("——", "待核"), defect="not_an_amount", among=correct)
    rows.spoil("period", 0.0004, "month", one_of("2026-13", "2025年"), defect="impossible_date", among=correct)
    rows.spoil("paid_on", 0.001, "missing", constant(None))
    return rows.served(STREAMS["collections"], ["taxpayer_no", "tax_kind", "period"], enterprises="_enterprise_id")


def wan_yuan(fen: pl.Expr) -> pl.Expr:
    """Whole fen → text in 万元 with four to six decimals, exactly."""
    whole, part = fen.abs() // 1_000_000, fen.abs() % 1_000_000
    decimals = part.cast(pl.String).str.zfill(6).str.replace("0{1,2}$", "")
    sign = pl.when(fen < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return sign + whole.cast(pl.String) + pl.lit(".") + decimals
