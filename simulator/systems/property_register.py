"""不动产与出租房备案: homes that are let; places told in the land registry's own words, tenants never taken off."""

from __future__ import annotations

import polars as pl

from connectors.standards import property_unit
from simulator.interfaces import ExchangeTable
from simulator.views import dirt, persons
from simulator.views.base import Draft, Floats, Served, constant, draft, look_up, one_of
from simulator.world.facts import rentals
from simulator.world.model import World

STREAMS = {
    "rentals": {
        "filing_no": "bah",
        "property_unit": "bdcdyh",
        "location": "zl",
        "use": "czyt",
        "area_sqm": "jzmj",
        "tenant_count": "czrs",
        "landlord_name": "czrxm",
        "landlord_id": "czrzjh",
        "landlord_phone": "czrdh",
        "filed_on": "barq",
        "ended_on": "zzrq",
        "state": "zt",
        "updated_at": "gxsj",
    },
    "tenants": {
        "filing_no": "bah",
        "tenant_no": "czrxh",
        "name": "xm",
        "resident_id": "sfzh",
        "phone": "lxdh",
        "moved_in": "rzrq",
        "moved_out": "bcrq",
        "updated_at": "gxsj",
    },
}
SERVED_BY = {
    "rentals": ExchangeTable("t_czf", ("bah",)),
    "tenants": ExchangeTable("t_czf_czr", ("bah", "czrxh")),
}
_USES = {"family": "1", "shared": "2", "dormitory": "3"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`rentals`: one row per filing; `tenants`: one row per tenant of a filed home."""
    cards = persons.cards(world).select("_resident_id", "resident_id", "name", "phone", "stale_phone",
                                        "has_legacy_15", "_head_id_no", "_changed")  # fmt: skip
    return {"rentals": _rentals(world, cards, seed), "tenants": _tenants(world, cards, seed)}


def filing_no(column: str = "rental_id") -> pl.Expr:
    """CZ for homes, CP for rental houses, with the running number."""
    digits = pl.col(column).abs().cast(pl.String).str.zfill(14)
    return pl.when(pl.col(column) < 0).then(pl.lit("CP") + digits).otherwise(pl.lit("CZ") + digits)


def _rentals(world: World, cards: pl.DataFrame, seed: int) -> Served:
    doors = world.addresses.select("address_id", location="full_text")
    doors = doors.with_columns(rentals.unit_codes(world.addresses).alias("property_unit"))
    owners = cards.select(
        landlord_id="resident_id", landlord_name="name", landlord_phone=pl.coalesce("stale_phone", "phone"),
        _owner_id="_resident_id", _owner_changed="_changed",
    )  # fmt: skip
    filed = rentals.rentals(world).rename({"landlord_id": "_owner_id"})
    filed = look_up(look_up(filed, doors, "address_id"), owners, "_owner_id").with_columns(
        filing_no=filing_no(),
        use=pl.col("use").replace_strict(_USES, return_dtype=pl.String),
        area_sqm=pl.col("area").cast(pl.Float64),
        tenant_count=pl.col("tenants"),
        filed_on=pl.col("filed_on").dt.strftime("%Y-%m-%d"),
        state=pl.when(pl.col("ended_on").is_null()).then(pl.lit("1")).otherwise(pl.lit("2")),
        ended_on=pl.col("ended_on").dt.strftime("%Y-%m-%d"),
        updated_at=persons.later("updated_at", "_owner_changed"),
        _premises_id=pl.col("premises_id"),
        _row=pl.col("rental_id"),
    )
    rows = draft(seed, "property_register", "rentals", filed, "_row")
    _units(rows)
    rows.spoil("location", 0.35, "registry", _registry_words)
    dirt.addresses(rows, "location", spelling=0.5, aliases=0.04)
    dirt.names(rows, "landlord_name", share=0.006)
    rows.spoil("landlord_id", 0.03, "missing", constant(None))
    rows.spoil("landlord_id", 0.01, "short", dirt.shortened, defect="invalid_resident_id")
    dirt.phones(rows, "landlord_phone", missing=0.1, shared=0.01)
    rows.spoil("area_sqm", 0.004, "range", lambda values, luck: values * -1, defect="out_of_range")
    rows.spoil("tenant_count", 0.01, "missing", constant(None))
    rows.spoil("tenant_count", 0.002, "range", lambda values, luck: values + 900, defect="out_of_range")
    rows.spoil("use", 0.002, "code", one_of("9", "住宅"), defect="unknown_code")
    rows.spoil("filed_on", 0.001, "no_such_day", one_of("2024-02-30", "0000-00-00"), defect="impossible_date")
    rows.spoil("location", 0.0005, "missing", constant(None), defect="missing_required")
    return rows.served(STREAMS["rentals"], ["filing_no"], changed_at="updated_at", premises="_premises_id")


def _units(rows: Draft) -> None:
    """Codes that nobody looked up, printed in groups, cut to the parcel, or with a digit for the letter."""
    rows.spoil("property_unit", 0.2, "missing", constant(None))
    rows.spoil(
        "property_unit",
        0.05,
        "groups",
        lambda values, luck: values.str.replace(r"^(.{6})(.{6})(.{7})", "${1} ${2} ${3} "),
    )
    for what, share, maker in (
        ("parcel", 0.008, lambda values, luck: values.str.slice(0, property_unit.PARCEL)),
        ("zero", 0.004, lambda values, luck: values.str.replace(r"^(.{19})F", "${1}E")),
    ):
        rows.spoil("property_unit", share, what, maker, defect="invalid_property_unit")


def _registry_words(values: pl.Series, luck: Floats) -> pl.Series:
    """The same door as the deed has it: the number of the building after the estate's, no 室, or only the parcel's."""
    frame = pl.DataFrame({"text": values, "luck": luck})
    text = pl.col("text")
    return frame.select(
        pl.when(pl.col("luck") < 0.6)
        .then(text.str.replace(r"(\d+)幢(\d+)单元(\d+)室", "第${1}幢${2}单元${3}"))
        .when(pl.col("luck") < 0.85)
        .then(text.str.replace(r"(\d+)幢.*$", "${1}幢等"))
        .otherwise(text.str.replace(r"^.*?镇", "听澜乡"))
    ).to_series()


def _tenants(world: World, cards: pl.DataFrame, seed: int) -> Served:
    people = rentals.tenants(world).rename({"resident_id": "_resident_id"})
    people = look_up(people, cards, "_resident_id").with_columns(
        filing_no=filing_no(),
        tenant_no=pl.col("_resident_id").rank("ordinal").over("rental_id").cast(pl.String),
        phone=pl.coalesce("stale_phone", "phone"),
        moved_in=pl.col("moved_in").dt.strftime("%Y-%m-%d"),
        moved_out=pl.col("moved_out").dt.strftime("%Y-%m-%d"),
        updated_at=persons.later("updated_at", "_changed"),
        _row=pl.col("_resident_id"),
    )
    rows = draft(seed, "property_register", "tenants", people, "_row")
    rows.spoil("resident_id", 0.1, "old_card", dirt.legacy_15, among=rows.frame["has_legacy_15"])
    dirt.identity(rows, missing=0.05, wrong=0.02, head=0.01, cosmetic=0.01)
    dirt.names(rows, share=0.012)
    dirt.phones(rows, "phone", missing=0.2, shared=0.02)
    rows.spoil("moved_in", 0.001, "no_such_day", one_of("2025-02-30"), defect="impossible_date")
    rows.spoil("name", 0.001, "missing", constant(None), defect="missing_required")
    return rows.served(STREAMS["tenants"], ["filing_no", "tenant_no"], changed_at="updated_at", people="_resident_id")
