"""企退人员: retired employees, some of whom moved away or died without notice; no birth date, many namesakes."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.views import dirt, persons
from simulator.views.base import Served, constant, draft, one_of
from simulator.world.facts import illnesses
from simulator.world.model import World

STREAMS = {
    "pensioners": {
        "pension_no": "grbh",
        "resident_id": "sfzh",
        "name": "xm",
        "retired_on": "txrq",
        "employer": "ydw",
        "phone": "lxdh",
        "community_code": "sqbm",
        "state": "dyzt",
        "updated_at": "gxsj",
    },
    "illnesses": {
        "filing_no": "babh",
        "pension_no": "grbh",
        "illness": "bzmc",
        "diagnosed_on": "qzrq",
        "filed_on": "barq",
        "updated_at": "gxsj",
    },
}
SERVED_BY = {
    "pensioners": ExchangeTable("t_qtry", ("grbh",)),
    "illnesses": ExchangeTable("t_qtry_dbba", ("babh",)),
}
_STATES = {"active": "1", "suspended": "2", "moved": "3", "dead": "4"}
_ILLNESSES = {
    "cancer": "恶性肿瘤",
    "dialysis": "尿毒症透析",
    "transplant": "器官移植",
    "stroke": "脑卒中",
    "heart": "严重心脏病",
    "other": "其他重大疾病",
}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`pensioners`: one row per pensioner; `illnesses`: one per filing of a grave illness."""
    return {"pensioners": _pensioners(world, seed), "illnesses": _illnesses(world, seed)}


def _pensioners(world: World, seed: int) -> Served:
    people = persons.cards(world).select(
        "_resident_id",
        "resident_id",
        "name",
        "phone",
        "stale_phone",
        "community_code",
        "_head_id_no",
        "has_legacy_15",
        "_changed",
    )
    retired = (
        world.pension.with_columns(_resident_id=pl.col("resident_id"))
        .drop("resident_id")
        .join(people, on="_resident_id", how="left", maintain_order="left")
        .with_columns(
            pension_no=pl.lit("QT") + pl.col("_resident_id").cast(pl.String).str.zfill(9),
            phone=pl.coalesce("stale_phone", "phone"),
            retired_on=pl.col("retired_on").dt.strftime("%Y%m%d"),
            updated_at=persons.later("updated_at", "_changed"),
            state=pl.col("status").replace_strict(_STATES, return_dtype=pl.String),
        )
    )
    rows = draft(seed, "pension", "pensioners", retired, "_resident_id")
    rows.spoil("resident_id", 0.04, "old_card", dirt.legacy_15, among=rows.frame["has_legacy_15"])
    dirt.identity(rows, missing=0.012, wrong=0.012, head=0.002, cosmetic=0.008)
    dirt.names(rows, share=0.008)
    dirt.phones(rows, "phone", missing=0.15, shared=0.02)
    rows.spoil("state", 0.001, "code", one_of("0", "9"), defect="unknown_code")
    rows.spoil("retired_on", 0.001, "no_such_day", one_of("19990231", "00000000"), defect="impossible_date")
    rows.spoil("community_code", 0.02, "missing", constant(None))
    return rows.served(STREAMS["pensioners"], ["pension_no"], changed_at="updated_at", people="_resident_id")


def _illnesses(world: World, seed: int) -> Served:
    """大病备案: days in several forms, some filings without a day of diagnosis."""
    filed = illnesses.illnesses(world).with_columns(
        _resident_id=pl.col("resident_id"),
        _row=pl.col("year") * 1_000_000_000 + pl.col("resident_id"),
        pension_no=pl.lit("QT") + pl.col("resident_id").cast(pl.String).str.zfill(9),
        illness=pl.col("kind").replace_strict(_ILLNESSES, return_dtype=pl.String),
        updated_at=persons.morning("told_on", 14),
        diagnosed_on=pl.col("diagnosed_on").dt.strftime("%Y%m%d"),
        filed_on=pl.col("filed_on").dt.strftime("%Y%m%d"),
    )
    filed = filed.with_columns(filing_no=pl.lit("BA") + pl.col("_row").cast(pl.String))
    rows = draft(seed, "pension", "illnesses", filed, "_row")
    rows.spoil("illness", 0.002, "code", one_of("感冒", "？"), defect="unknown_code")
    rows.spoil("diagnosed_on", 0.2, "dashes", lambda values, luck: values.str.replace(r"^(\d{4})(\d\d)", "$1-$2-"))
    rows.spoil("diagnosed_on", 0.004, "missing", constant(None))
    return rows.served(STREAMS["illnesses"], ["filing_no"], changed_at="updated_at", people="_resident_id")
