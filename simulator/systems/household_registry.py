"""户籍人口: mostly right, with rare characters, old dates of birth and people who live elsewhere (人户分离)."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views import dirt, persons
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world import hashing
from simulator.world.model import World

STREAMS = {
    "residents": {
        "person_no": "rybh",
        "resident_id": "gmsfhm",
        "name": "xm",
        "sex": "xb",
        "ethnic_group": "mz",
        "birth_date": "csrq",
        "household_no": "hh",
        "relation": "yhzgx",
        "address": "hjdz",
        "address_code": "dzbm",
        "community_code": "sqbm",
        "phone": "lxdh",
        "state": "zt",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"residents": GatewayInterface("ga/residents")}


def _stale(people: pl.DataFrame, seed: int) -> pl.Series:
    """Whose number was never renewed."""
    return pl.Series(hashing.uniform(people["_resident_id"].to_numpy(), seed, "household_registry", "stale") < 0.5)


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`residents`: one row per registered person, those who died or moved away with their state."""
    doors = world.addresses.select("community_id", _home="address_id", address="full_text", address_code="code")
    homes = look_up(world.households.select("household_id", _home="address_id"), doors, "_home")
    homes = look_up(homes, world.communities.select("community_id", community_code="code"), "community_id")
    people = (
        persons.cards(world)
        .filter(pl.col("registered"))
        .drop("address", "address_code", "community_code", "community_id")
        .join(homes, on="household_id", how="left", maintain_order="left")
        .with_columns(
            person_no=pl.lit("330199") + pl.col("_resident_id").cast(pl.String).str.zfill(9),
            ethnic_group=pl.col("ethnic"),
            household_no=pl.col("hukou_no").fill_null("000000000"),
            state=pl.when("_died_known")
            .then(pl.lit("2"))
            .when(pl.col("moved_out").is_not_null())
            .then(pl.lit("1"))
            .otherwise(pl.lit("0")),
            updated_at=persons.later(
                "updated_at", pl.when("_died_known").then(persons.morning("death_registered_on", 11))
            ),
        )
    )  # fmt: skip
    people = people.with_columns(phone=pl.when(_stale(people, seed)).then("stale_phone").otherwise("phone"))
    rows = draft(seed, "household_registry", "residents", people, "_resident_id")
    dirt.identity(rows, missing=0.004, wrong=0.016, legacy=0.004, head=0.001, cosmetic=0.004)
    dirt.names(rows, share=0.004)
    dirt.birthdays(rows, share=0.003)
    dirt.phones(rows, "phone", missing=0.15, shared=0.02)
    dirt.addresses(rows, spelling=0.12, aliases=0.01)
    rows.spoil("sex", 0.001, "code", one_of("3", "A"), defect="unknown_code")
    rows.spoil("ethnic_group", 0.001, "code", one_of("00", "66"), defect="unknown_code")
    rows.spoil("relation", 0.001, "code", one_of("X1", "?"), defect="unknown_code")
    rows.spoil("address_code", 0.02, "missing", constant(None))
    rows.spoil("state", 0.0003, "code", one_of("8"), defect="unknown_code")
    rows.spoil("name", 0.0002, "missing", constant(None), defect="missing_required")
    return {
        "residents": rows.served(
            STREAMS["residents"], ["person_no"], changed_at="updated_at",
            text_times="%Y-%m-%d %H:%M:%S", people="_resident_id",
        )
    }  # fmt: skip
