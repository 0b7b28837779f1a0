"""税务登记: legacy taxpayer numbers, late cancellations."""

from __future__ import annotations

import polars as pl

from connectors.standards import credit_code
from simulator.interfaces import ExchangeTable
from simulator.systems import market_registration
from simulator.views import dirt
from simulator.views.base import Floats, Served, draft, one_of
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
    }
}
SERVED_BY = {"taxpayers": ExchangeTable("t_nsr", ("nsrsbh",))}
_LEGACY = 0.25


def taxpayers(world: World, seed: int) -> pl.DataFrame:
    """Enterprises with the number that the tax office knows them by, `taxpayer_no`: a quarter never changed theirs."""
    firms = market_registration.enterprises(world)
    still_legacy = pl.Series(_luck(firms, seed, "legacy") < _LEGACY)
    return firms.with_columns(
        taxpayer_no=pl.when(still_legacy).then(pl.coalesce("legacy_tax_no", "credit_code")).otherwise("credit_code")
    )


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`taxpayers`: one row per taxpayer number."""
    firms = taxpayers(world, seed)
    state = (
        pl.when((pl.col("status") == "cancelled") & ~pl.Series(_luck(firms, seed, "forgotten") < 0.3))
        .then(pl.lit("07"))
        .when((pl.col("status") == "revoked") | pl.Series(_luck(firms, seed, "lost") < 0.01))
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
    return {
        "taxpayers": rows.served(
            STREAMS["taxpayers"], ["taxpayer_no"], changed_at="updated_at", enterprises="_enterprise_id"
        )
    }


def _luck(firms: pl.DataFrame, seed: int, why: str) -> Floats:
    return hashing.uniform(firms["enterprise_id"].to_numpy(), seed, "tax_registry", why)
