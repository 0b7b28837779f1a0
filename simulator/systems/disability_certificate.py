"""残疾人证: a workbook; classes as numbers or words, sight and hearing swapped, numbers ruined by the spreadsheet."""

from __future__ import annotations

import polars as pl

from connectors.standards import disability
from simulator.interfaces import FileDrop
from simulator.views import dirt, persons
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world.facts import surveys
from simulator.world.hashing import uniform
from simulator.world.model import World

STREAMS = {
    "certificates": {
        "certificate_no": "残疾人证号",
        "name": "基本信息/姓名",
        "phone": "基本信息/联系电话",
        "address": "基本信息/家庭住址",
        "class": "残疾情况/类别",
        "level": "残疾情况/等级",
        "issued_on": "证件/发证日期",
        "valid_to": "证件/有效期至",
        "state": "证件/状态",
    },
    "surveys": {
        "survey_no": "调查编号",
        "certificate_no": "残疾人证号",
        "surveyed_on": "调查日期",
        "income": "家庭人均收入",
        "income_period": "收入口径",
    },
}
SERVED_BY = {
    "certificates": FileDrop("cjrz_*.xlsx", every=7, title="残疾人证", total="合计"),
    "surveys": FileDrop("dtgx_*.csv", every=31),
}
_STATES = {"valid": "有效", "expired": "过期", "cancelled": "注销"}
TOTAL = "合计"


def _as_float(values: pl.Series, luck: Floats) -> pl.Series:
    """What is left of a 20-digit number that the spreadsheet took for a quantity: 3.30199194512310E+19."""
    return values.str.slice(0, 1) + "." + values.str.slice(1, 14) + "E+19"


def _typo(values: pl.Series, luck: Floats) -> pl.Series:
    return dirt.swapped_digits(values.str.slice(0, 18), luck) + values.str.slice(18)


def _swapped(values: pl.Series, luck: Floats) -> pl.Series:
    """Sight for hearing and the other way round."""
    return values.replace(["1", "2", "视力", "听力"], ["2", "1", "听力", "视力"])


def _class_words(values: pl.Series, luck: Floats) -> pl.Series:
    return values.replace(list(disability.CLASSES), list(disability.CLASSES.values()))


def _level_words(values: pl.Series, luck: Floats) -> pl.Series:
    return values.replace(list(disability.LEVELS), list(disability.LEVELS.values()))


def _chinese(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace(r"^(\d{4})-0?(\d+)-0?(\d+)$", "${1}年${2}月${3}日")


def _slashes(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace(r"^(\d{4})-0?(\d+)-0?(\d+)$", "${1}/${2}/${3}")


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`certificates`: one row per certificate; `surveys`: the newest visit to each holder."""
    return {"certificates": _certificates(world, seed), "surveys": _surveys(world, seed)}


def _certificates(world: World, seed: int) -> Served:
    people = persons.cards(world).select("_resident_id", "name", "phone", "stale_phone", "address")
    held = (
        world.disability.with_columns(_resident_id=pl.col("resident_id"))
        .join(people, on="_resident_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("class", "level").cast(pl.String),
            phone=pl.coalesce("stale_phone", "phone"),
            issued_on=pl.col("issued_on").dt.strftime("%Y-%m-%d"),
            valid_to=pl.col("valid_to").dt.strftime("%Y-%m-%d"),
            state=pl.col("status").replace_strict(_STATES, default="有效", return_dtype=pl.String),
        )
    )
    rows = draft(seed, "disability_certificate", "certificates", held, "_resident_id")
    plain = rows.frame["certificate_no"].str.contains(r"^\d{20}$").fill_null(False)
    rows.spoil("certificate_no", 0.006, "float", _as_float, defect="lost_precision", among=plain)
    rows.spoil(
        "certificate_no", 0.006, "typo", _typo,
        defect="invalid_certificate_no", judge=lambda new: ~disability.is_valid(new).fill_null(False),
    )  # fmt: skip
    rows.spoil("certificate_no", 0.01, "blanks", lambda values, luck: " " + values)
    dirt.names(rows, share=0.008)
    dirt.phones(rows, "phone", missing=0.1, shared=0.02)
    dirt.addresses(rows, spelling=0.4)
    rows.spoil("class", 0.012, "swapped", _swapped)
    rows.spoil("class", 0.002, "code", one_of("8", "肢残？"), defect="unknown_code")
    rows.spoil("class", 0.4, "words", _class_words)
    rows.spoil("level", 0.002, "code", one_of("5", "0"), defect="unknown_code")
    rows.spoil("level", 0.4, "words", _level_words)
    rows.spoil("issued_on", 0.1, "chinese", _chinese)
    rows.spoil("issued_on", 0.2, "slashes", _slashes)
    rows.spoil("valid_to", 0.002, "no_such_day", one_of("2027-02-30", "2030-06-31"), defect="impossible_date")
    rows.spoil("name", 0.001, "missing", constant(None), defect="missing_required")
    return rows.served(STREAMS["certificates"], ["certificate_no"], people="_resident_id")


def _surveys(world: World, seed: int) -> Served:
    """动态更新: incomes by the month or by the year, and now and then nobody wrote which."""
    visits = surveys.surveys(world).with_columns(_resident_id=pl.col("resident_id"))
    by_year = pl.Series(uniform(visits["_resident_id"].to_numpy(), seed, "income by year") < 0.3)
    visits = visits.with_columns(
        survey_no=pl.lit("DC") + pl.col("_resident_id").cast(pl.String).str.zfill(9),
        surveyed_on=pl.col("surveyed_on").dt.strftime("%Y-%m-%d"),
        income=pl.when(by_year).then(pl.col("income") * 12).otherwise("income").cast(pl.String),
        income_period=pl.when(by_year).then(pl.lit("年")).otherwise(pl.lit("月")),
    )
    rows = draft(seed, "disability_certificate", "surveys", visits, "_resident_id")
    rows.spoil("certificate_no", 0.01, "blanks", lambda values, luck: " " + values)
    rows.spoil("income", 0.1, "separated", _separated)
    rows.spoil("income", 0.002, "text", one_of("不详", "详见附件"), defect="not_an_amount")
    rows.spoil("income_period", 0.3, "words", lambda values, luck: "元/" + values)
    rows.spoil("income_period", 0.002, "missing", constant(None))
    rows.spoil("surveyed_on", 0.2, "slashes", _slashes)
    rows.spoil("surveyed_on", 0.1, "chinese", _chinese)
    return rows.served(STREAMS["surveys"], ["survey_no"], people="_resident_id")


def _separated(values: pl.Series, luck: Floats) -> pl.Series:
    """18000 → 18,000."""
    return values.str.replace(r"^(\d+)(\d{3})$", "${1},${2}")
