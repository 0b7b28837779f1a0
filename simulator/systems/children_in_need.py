"""困境儿童与孤儿: a workbook a month; guardians' numbers typed wrong, their accounts ruined by the spreadsheet."""

from __future__ import annotations

import polars as pl

from connectors.standards import resident_id
from simulator.interfaces import FileDrop
from simulator.systems.payee_account import as_float, grouped
from simulator.views import dirt, persons
from simulator.views.base import Draft, Floats, Served, constant, draft, look_up, one_of
from simulator.world.model import World
from simulator.world.payments import account_numbers

STREAMS = {
    "children": {
        "child_no": "儿童编号",
        "name": "儿童/姓名",
        "resident_id": "儿童/身份证号",
        "category": "儿童/类别",
        "community": "儿童/所属社区",
        "guardian_name": "监护人/姓名",
        "guardian_id": "监护人/身份证号",
        "guardian_phone": "监护人/联系电话",
        "account_no": "监护人/开户账号",
        "valid_from": "认定/日期",
        "state": "认定/状态",
    }
}
SERVED_BY = {"children": FileDrop("kjet_*.xlsx", every=31, title="困境儿童", total="合计")}
_CATEGORIES = {"orphan": "孤儿", "unraised": "事实无人抚养儿童", "in_need": "困境儿童"}
_STATES = {"served": "在册", "grown": "成年停发", "moved": "迁出", "dead": "死亡"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`children`: one row per child, those who grew up or left with their state."""
    cards = persons.cards(world).select("_resident_id", "resident_id", "name", "phone", "stale_phone", "community_code",
                                        "_born", "moved_out", "_died_known", "_head_id_no")  # fmt: skip
    guardians = cards.select(
        _guardian_id="_resident_id", guardian_name="name", guardian_id="resident_id",
        guardian_phone=pl.coalesce("stale_phone", "phone"),
    )  # fmt: skip
    found = world.children.select(
        "category", "valid_from", _resident_id="resident_id", _guardian_id="guardian_resident_id"
    )
    found = look_up(look_up(found, cards, "_resident_id"), guardians, "_guardian_id")
    found = look_up(found, world.communities.select(community_code="code", community="name"), "community_code")
    grown = pl.col("_born").dt.offset_by("18y") <= world.today
    state = (
        pl.when("_died_known").then(pl.lit("dead"))
        .when(pl.col("moved_out").is_not_null()).then(pl.lit("moved"))
        .when(grown).then(pl.lit("grown"))
        .otherwise(pl.lit("served"))
    )  # fmt: skip
    found = found.with_columns(
        account_numbers(found["_guardian_id"].to_numpy(), world.seed).alias("account_no"),
        child_no=pl.lit("ET") + pl.col("_resident_id").cast(pl.String).str.zfill(9),
        category=pl.col("category").replace_strict(_CATEGORIES, return_dtype=pl.String),
        valid_from=pl.col("valid_from").dt.strftime("%Y-%m-%d"),
        state=state.replace_strict(_STATES, return_dtype=pl.String),
    )
    rows = draft(seed, "children_in_need", "children", found, "_resident_id")
    dirt.identity(rows, missing=0.01, wrong=0.02, head=0.01, cosmetic=0.01)
    dirt.names(rows, share=0.01)
    _guardians(rows)
    rows.spoil("category", 0.1, "short", lambda values, luck: values.str.replace("儿童$", ""))
    rows.spoil("category", 0.008, "code", one_of("留守", "其他"), defect="unknown_code")
    rows.spoil("valid_from", 0.1, "dots", lambda values, luck: values.str.replace_all("-", "."))
    rows.spoil("valid_from", 0.008, "no_such_day", one_of("2025-02-30", "2024-13-01"), defect="impossible_date")
    return {"children": rows.served(STREAMS["children"], ["child_no"], people="_resident_id")}


def _guardians(rows: Draft) -> None:
    """What a clerk typed of a guardian: another one's number, a telephone cut short, an account that lost its end."""
    dirt.names(rows, "guardian_name", share=0.01)
    rows.spoil("guardian_id", 0.02, "missing", constant(None))
    rows.spoil(
        "guardian_id", 0.02, "swapped", dirt.swapped_digits, defect="invalid_resident_id",
        judge=lambda new: ~resident_id.is_valid(new).fill_null(False),
    )  # fmt: skip
    mobile = rows.frame["guardian_phone"].str.len_chars() == 11
    rows.spoil("guardian_phone", 0.03, "cut", dirt.cut_phone, defect="invalid_phone", among=mobile.fill_null(False))
    dirt.phones(rows, "guardian_phone", missing=0.08, shared=0.04)
    rows.spoil("account_no", 0.08, "missing", constant(None))
    rows.spoil("account_no", 0.02, "float", as_float, defect="lost_precision")
    rows.spoil("account_no", 0.01, "cut", _cut, defect="invalid_account_no")
    rows.spoil("account_no", 0.01, "word", one_of("开户中", "见存折"), defect="invalid_account_no")
    rows.spoil("account_no", 0.1, "grouped", grouped)


def _cut(values: pl.Series, luck: Floats) -> pl.Series:
    """The last digits only, as somebody told them on the telephone."""
    return values.str.slice(-6)
