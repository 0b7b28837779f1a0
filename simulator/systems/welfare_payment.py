"""民生直达平台: payment orders; numbers of the wrong person, amounts with separators, dates in several forms."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views import dirt, persons
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world import needs
from simulator.world.model import World

STREAMS = {
    "payments": {
        "payment_no": "zfbh",
        "policy_code": "zcbm",
        "resident_id": "sfzh",
        "name": "xm",
        "period": "ffqj",
        "amount": "je",
        "account_no": "yhzh",
        "state": "zt",
        "paid_on": "ffrq",
        "updated_at": "gxsj",
    },
    "applications": {
        "application_no": "sqbh",
        "policy_code": "zcbm",
        "resident_id": "sfzh",
        "name": "xm",
        "kind": "sy",
        "happened_on": "fsrq",
        "cost": "fy",
        "income_per_capita": "rjsr",
        "origin": "ly",
        "applied_on": "sqrq",
        "state": "zt",
        "updated_at": "gxsj",
    },
}
SERVED_BY = {
    "payments": GatewayInterface("mz/payments"),
    "applications": GatewayInterface("mz/applications"),
}
_KINDS = {"fire": "火灾", "accident": "意外事故", "illness": "重大疾病", "other": "其他"}
_STATES = {"pending": "0", "paid": "1", "returned": "2"}


def yuan(fen: str) -> pl.Expr:
    """Whole fen → text in yuan with two decimals, exactly."""
    whole, part = pl.col(fen) // 100, pl.col(fen) % 100
    return whole.cast(pl.String) + pl.lit(".") + part.cast(pl.String).str.zfill(2)


def _separated(values: pl.Series, luck: Floats) -> pl.Series:
    """1234.50 → 1,234.50."""
    return values.str.replace(r"^(\d+)(\d{3}\.)", "${1},${2}")


def _compact(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace_all("-", "")


def _chinese(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace(r"^(\d{4})-0?(\d+)-0?(\d+)$", "${1}年${2}月${3}日")


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`payments`: one row per payment order; `applications`: one per emergency or bill that help was asked for."""
    return {"payments": _payments(world, seed), "applications": _applications(world, seed)}


def _payments(world: World, seed: int) -> Served:
    people = persons.cards(world).select("_resident_id", "resident_id", "name", "_head_id_no", "_changed")
    payments = (
        world.payments.with_columns(_resident_id=pl.col("resident_id"))
        .drop("resident_id")
        .join(people, on="_resident_id", how="left", maintain_order="left")
        .with_columns(
            payment_no=pl.lit("ZF") + pl.col("payment_id").cast(pl.String).str.zfill(9),
            policy_code=pl.col("policy").cast(pl.String).str.zfill(2),
            amount=yuan("amount"),
            state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
            paid_on=pl.col("paid_at").dt.strftime("%Y-%m-%d"),
            updated_at=persons.later("updated_at", "_changed"),
            _row=pl.col("payment_id"),
        )
    )
    rows = draft(seed, "welfare_payment", "payments", payments, "_row")
    dirt.identity(rows, wrong=0.01, head=0.004, cosmetic=0.006)
    dirt.names(rows, share=0.006)
    rows.spoil("amount", 0.02, "separated", _separated)
    rows.spoil("amount", 0.001, "text", one_of("待定", "1O00.00", "五百"), defect="not_an_amount")
    rows.spoil("paid_on", 0.05, "compact", _compact)
    rows.spoil("paid_on", 0.02, "chinese", _chinese)
    rows.spoil("policy_code", 0.001, "code", one_of("13", "99", "P1"), defect="unknown_code")
    rows.spoil("period", 0.0005, "missing", constant(None), defect="missing_required")
    return rows.served(
        STREAMS["payments"], ["payment_no"], changed_at="updated_at",
        text_times="%Y-%m-%d %H:%M:%S", people="_resident_id",
    )  # fmt: skip


def _applications(world: World, seed: int) -> Served:
    """Emergencies as told and checked at the counter; bills of the poor come from the insurance's own settlement."""
    people = persons.cards(world).select("_resident_id", "resident_id", "name", "_head_id_no", "_changed")
    listed = world.min_living_members.join(world.min_living, on="family_no", how="inner", maintain_order="left")
    cases = needs.applications(world.today, world.residents, listed, world.seed)
    bill, decided = pl.col("policy") == needs.BILLS, pl.col("decided_on") <= world.today
    asked = (
        cases.filter(pl.col("asked_on") <= world.today)
        .with_columns(_resident_id=pl.col("resident_id"))
        .drop("resident_id")
        .join(people, on="_resident_id", how="left", maintain_order="left")
        .with_columns(
            _row=pl.col("application_id"),
            application_no=pl.lit("SQ") + pl.col("application_id").cast(pl.String),
            policy_code=pl.col("policy").cast(pl.String).str.zfill(2),
            kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
            happened_on=pl.col("happened_on").dt.strftime("%Y-%m-%d"),
            cost=pl.col("cost").cast(pl.String) + pl.lit(".00"),
            income_per_capita=pl.when(~bill).then(pl.col("income").cast(pl.String) + pl.lit(".00")),
            origin=pl.when(bill & pl.col("is_poor")).then(pl.lit("2")).otherwise(pl.lit("1")),
            state=pl.when(~decided).then(pl.lit("0")).when("due").then(pl.lit("1")).otherwise(pl.lit("2")),
            updated_at=persons.later(
                pl.when(decided).then(persons.morning("decided_on", 9)).otherwise(persons.morning("asked_on", 15)),
                "_changed",
            ),
            applied_on=pl.col("asked_on").dt.strftime("%Y-%m-%d"),
        )
    )
    rows = draft(seed, "welfare_payment", "applications", asked, "_row")
    dirt.identity(rows, wrong=0.005, cosmetic=0.006)
    dirt.names(rows, share=0.006)
    rows.spoil("cost", 0.1, "separated", _separated)
    rows.spoil("cost", 0.002, "text", one_of("待定", "约五千"), defect="not_an_amount")
    for column in ("happened_on", "applied_on"):
        rows.spoil(column, 0.1, "compact", _compact)
        rows.spoil(column, 0.05, "chinese", _chinese)
    return rows.served(
        STREAMS["applications"], ["application_no"], changed_at="updated_at",
        text_times="%Y-%m-%d %H:%M:%S", people="_resident_id",
    )  # fmt: skip
