"""流管通: people registered again at each address, deregistered late or never, 15-digit numbers, missing numbers."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.views import dirt, persons
from simulator.views.base import Draft, Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.columns import day_number
from simulator.world.model import World

STREAMS = {
    "registrations": {
        "registration_no": "djbh",
        "resident_id": "sfzh",
        "name": "xm",
        "sex": "xb",
        "birth_date": "csrq",
        "phone": "lxdh",
        "origin_division": "hjdqh",
        "address": "jzdz",
        "registered_on": "djrq",
        "deregistered_on": "zxrq",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"registrations": ExchangeTable("t_ldrk", ("djbh",))}
_NEVER = 0.4
_LATEST = 150
_EARLIER = 0.5


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`registrations`: one row per registration; people who moved house have an earlier one, often still open."""
    people = persons.cards(world).filter(pl.col("migrant"))
    people = people.with_columns(
        birth_date=pl.col("stated_birth"),
        registered_on=pl.coalesce("moved_in", pl.col("updated_at").cast(pl.Date)),
        _row=pl.col("_resident_id") * 2,
    )
    old_homes = world.addresses.select(former_address_id="address_id", _former="full_text")
    moved = people.filter(
        pl.col("former_address_id").is_not_null()
        & pl.Series(hashing.uniform(people["_resident_id"].to_numpy(), seed, "migrant_registry", "earlier") < _EARLIER)
    ).join(old_homes, on="former_address_id", how="left", maintain_order="left")
    moved = moved.with_columns(
        address=pl.col("_former"),
        phone=pl.col("stale_phone"),
        registered_on=pl.col("registered_on") - pl.duration(days=400),
        moved_out=pl.col("registered_on"),
        _row=pl.col("_resident_id") * 2 + 1,
    ).select(people.columns)
    people = pl.concat([people, moved])
    rows = draft(seed, "migrant_registry", "registrations", people, "_row")
    _deregister(rows, world)
    rows.set("registration_no", pl.lit("LD") + pl.col("_row").cast(pl.String).str.zfill(9))
    head = 0.008
    dirt.identity(rows, missing=0.035, wrong=0.02, head=head, cosmetic=0.01)
    rows.spoil("resident_id", 0.25, "legacy", dirt.legacy_15, among=rows.frame["has_legacy_15"])
    dirt.names(rows, share=0.012)
    dirt.birthdays(rows, share=0.012)
    dirt.phones(rows, "phone", missing=0.05, format=0.06, shared=0.015)
    dirt.addresses(rows, spelling=0.45, aliases=0.05)
    rows.spoil("sex", 0.001, "code", one_of("3", "9X"), defect="unknown_code")
    rows.spoil("birth_date", 0.02, "missing", constant(None))
    rows.spoil("name", 0.0003, "missing", constant(None), defect="missing_required")
    for column in ("registered_on", "deregistered_on"):
        rows.set(column, pl.col(column).dt.strftime("%Y-%m-%d"))
    rows.spoil(
        "registered_on",
        0.0006,
        "no_such_day",
        one_of("2024-02-30", "2025-13-01", "0000-00-00"),
        defect="impossible_date",
    )
    return {
        "registrations": rows.served(
            STREAMS["registrations"], ["registration_no"], changed_at="updated_at", people="_resident_id"
        )
    }


def _deregister(rows: Draft, world: World) -> None:
    """Some who left are never taken off the register, the others up to five months late."""
    delay = (rows.luck("delay") ** 2 * _LATEST).astype(np.int64)
    left = pl.col("moved_out").cast(pl.Int32) + pl.Series(delay).cast(pl.Int32)
    noticed = (left <= day_number(world.today)) & pl.Series(~rows.pick(_NEVER, "never"))
    rows.set("deregistered_on", pl.when(noticed).then(left.cast(pl.Date)))
    rows.set("updated_at", persons.later("updated_at", persons.morning("deregistered_on", 16)))
