"""建筑工地: permits whose sites ended long ago, and monitors that send nonsense or nothing."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.systems import market_registration
from simulator.views import dirt, firms, places
from simulator.views.base import Floats, Served, draft, look_up, one_of
from simulator.world.facts import sites
from simulator.world.facts.draws import strangers
from simulator.world.model import World

STREAMS = {
    "sites": {
        "permit_no": "sgxkzh",
        "project_name": "xmmc",
        "builder_name": "sgdw",
        "credit_code": "sgdwxydm",
        "address": "xmdz",
        "longitude": "jd",
        "latitude": "wd",
        "started_on": "kgrq",
        "planned_end": "jhjgrq",
        "state": "zt",
        "updated_at": "gxsj",
    },
    "dust_readings": {
        "permit_no": "sgxkzh",
        "measured_on": "jcrq",
        "pm10": "pm10",
        "pm10_max": "pm10zd",
        "hours": "yxxs",
        "updated_at": "gxsj",
    },
}
SERVED_BY = {"sites": GatewayInterface("zjj/sites"), "dust_readings": GatewayInterface("zjj/dust")}
_STATES = {"building": "1", "suspended": "2", "completed": "3"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`sites` and `dust_readings`."""
    return {"sites": _sites(world, seed), "dust_readings": _dust(world, seed)}


def _sites(world: World, seed: int) -> Served:
    found = firms.known(sites.sites(world), world)
    found = look_up(found, world.addresses.select("address_id", address="full_text"), "address_id")
    people = strangers(found["premises_id"].to_numpy(), seed, "site manager")
    found = found.with_columns(
        project_name=pl.col("name"),
        builder_name=pl.col("enterprise_name"),
        longitude="lon",
        latitude="lat",
        started_on=pl.col("started_on").dt.strftime("%Y-%m-%d"),
        planned_end=pl.col("planned_end").dt.strftime("%Y-%m-%d"),
        state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
        _manager=people["name"],
        _manager_phone=people["phone"],
        _premises_id=pl.col("premises_id"),
        _row=pl.col("premises_id"),
    )
    rows = draft(seed, "construction_site", "sites", found, "_row")
    places.to_gcj02(rows)
    places.faults(rows, share=0.04, uncorrected_share=0.03)
    firms.names(rows, "builder_name", trade=0.2)
    market_registration.codes(rows, missing=0.1, wrong=0.02)
    dirt.addresses(rows, spelling=0.3, aliases=0.0)
    rows.spoil("planned_end", 0.02, "no_such_day", one_of("2026-11-31", "2027-00-00"), defect="impossible_date")
    rows.spoil("state", 0.01, "code", one_of("在建", "9"), defect="unknown_code")
    return rows.served(
        STREAMS["sites"], ["permit_no"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
        unasked={"_manager": "xmjl", "_manager_phone": "xmjldh"},
        enterprises="_enterprise_id", premises="_premises_id",
    )  # fmt: skip


def _dust(world: World, seed: int) -> Served:
    measured = sites.dust(world).with_columns(
        measured_on=pl.col("day").dt.strftime("%Y-%m-%d"),
        pm10=pl.col("pm10").cast(pl.String),
        pm10_max=pl.col("pm10_max").cast(pl.String),
        hours=pl.col("hours").cast(pl.String),
        _row=pl.col("premises_id") * 100_000 + pl.col("day").to_physical(),
    )
    rows = draft(seed, "construction_site", "dust_readings", measured, "_row")
    rows.spoil("pm10", 0.001, "unit", _milligrams, defect="out_of_range")
    rows.spoil("pm10", 0.001, "broken", one_of("9999", "-1"), defect="out_of_range")
    rows.spoil("pm10", 0.0005, "text", one_of("断线", "N/A"), defect="not_a_number")
    rows.spoil("pm10_max", 0.002, "broken", one_of("99999", "0"), defect="out_of_range")
    rows.spoil("hours", 0.001, "range", one_of("25", "99"), defect="out_of_range")
    return rows.served(
        STREAMS["dust_readings"], ["permit_no", "measured_on"], changed_at="updated_at",
        text_times="%Y-%m-%d %H:%M:%S",
    )  # fmt: skip


def _milligrams(values: pl.Series, luck: Floats) -> pl.Series:
    """µg/m³ sent as mg/m³."""
    return (values.cast(pl.Float64) / 1000).round(3).cast(pl.String)
