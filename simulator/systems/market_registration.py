"""市场主体登记: hundreds of firms at one desk, licences revoked but never cancelled."""

from __future__ import annotations

import polars as pl

from connectors.standards import credit_code
from simulator.interfaces import ExchangeTable
from simulator.views import dirt
from simulator.views.base import Draft, Served, constant, draft, one_of
from simulator.world.model import World

STREAMS = {
    "enterprises": {
        "registration_no": "zch",
        "credit_code": "tyshxydm",
        "name": "mc",
        "kind": "lx",
        "industry": "hy",
        "legal_representative": "fddbr",
        "phone": "lxdh",
        "address": "zs",
        "state": "zt",
        "registered_on": "clrq",
        "closed_on": "zxrq",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"enterprises": ExchangeTable("t_scztjbxx", ("zch",))}
_KINDS = {"firm": "1", "self_employed": "2"}
_STATES = {"open": "1", "revoked": "2", "cancelled": "3"}


def enterprises(world: World) -> pl.DataFrame:
    """Enterprises with `address` and the helper `_enterprise_id`."""
    places = world.addresses.select("address_id", address="full_text")
    return world.enterprises.join(places, on="address_id", how="left", maintain_order="left").with_columns(
        _enterprise_id=pl.col("enterprise_id")
    )


def codes(rows: Draft, *, missing: float, wrong: float, column: str = "credit_code") -> None:
    """Faults of a credit code column."""
    rows.spoil(column, missing, "missing", constant(None))
    rows.spoil(
        column, wrong, "check", dirt.wrong_check, defect="invalid_credit_code",
        judge=lambda new: ~credit_code.is_valid(new).fill_null(False),
    )  # fmt: skip
    rows.spoil(column, 0.004, "lower", dirt.lower_x)


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`enterprises`: one row per firm or self-employed person, gone ones with their state."""
    firms = enterprises(world).with_columns(
        registration_no=pl.lit("330199") + pl.col("enterprise_id").cast(pl.String).str.zfill(9),
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        legal_representative=pl.col("legal_rep_name"),
        state=pl.col("status").replace_strict(_STATES, return_dtype=pl.String),
        registered_on=pl.col("registered_on").dt.strftime("%Y-%m-%d"),
        closed_on=pl.col("closed_on").dt.strftime("%Y-%m-%d"),
    )
    rows = draft(seed, "market_registration", "enterprises", firms, "_enterprise_id")
    codes(rows, missing=0.03, wrong=0.006)
    dirt.names(rows, "legal_representative", share=0.006)
    dirt.phones(rows, "phone", missing=0.05, shared=0.01)
    dirt.addresses(rows, spelling=0.3, aliases=0.0)
    rows.spoil("state", 0.001, "code", one_of("0", "9"), defect="unknown_code")
    rows.spoil("registered_on", 0.001, "no_such_day", one_of("2019-02-29", "1900-00-00"), defect="impossible_date")
    return {
        "enterprises": rows.served(
            STREAMS["enterprises"], ["registration_no"], changed_at="updated_at", enterprises="_enterprise_id"
        )
    }
