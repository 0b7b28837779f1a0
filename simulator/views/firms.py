"""What systems that speak of firms share: who the firm is, and the name that it goes by there."""

from __future__ import annotations

import polars as pl
from numpy.typing import ArrayLike

from simulator.views.base import Draft, Floats, look_up
from simulator.views.dirt import spaced
from simulator.world.facts.draws import strangers
from simulator.world.model import World

_FORMS = r"(股份有限公司|有限责任公司|有限公司)"


def known(rows: pl.DataFrame, world: World) -> pl.DataFrame:
    """`rows` with the firm of their `enterprise_id`: `credit_code`, `enterprise_name` (the legal one), helpers
    `_trade_name`, `_enterprise_id`, and `_contact` and `contact_phone` of somebody there."""
    firms = world.enterprises.select("enterprise_id", "credit_code", enterprise_name="name", _trade_name="short_name")
    people = strangers(firms["enterprise_id"].to_numpy(), world.seed, "firm contact")
    firms = firms.with_columns(_contact=people["name"], contact_phone=people["phone"])
    return look_up(rows, firms, "enterprise_id").with_columns(_enterprise_id=pl.col("enterprise_id"))


def names(rows: Draft, column: str = "enterprise_name", *, trade: float = 0.3, among: ArrayLike | None = None) -> None:
    """Names as they stand on the door and as clerks type them: a share `trade` is not the legal one."""
    short = pl.Series(rows.pick(trade, column, "trade"))
    rows.set(column, pl.when(short).then(pl.coalesce("_trade_name", column)).otherwise(pl.col(column)))
    rows.spoil(column, 0.06, "form", _without_form, among=among)
    rows.spoil(column, 0.02, "branch", _branch, among=among)
    rows.spoil(column, 0.01, "brackets", _brackets, among=among)
    rows.spoil(column, 0.01, "spaced", spaced, among=among)


def _without_form(values: pl.Series, luck: Floats) -> pl.Series:
    return values.str.replace(_FORMS, "")


def _branch(values: pl.Series, luck: Floats) -> pl.Series:
    return values + "（听澜店）"


def _brackets(values: pl.Series, luck: Floats) -> pl.Series:
    """The region put in brackets behind the brand, as old licences have it."""
    return values.str.replace(r"^安澜区?(.{2,})", "${1}（安澜）")
