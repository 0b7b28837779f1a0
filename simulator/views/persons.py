"""What the registers of people share: the resident's true card, from which each register copies."""

from __future__ import annotations

import polars as pl

from simulator.world.model import World

SEX_CODES = {"male": "1", "female": "2"}
ONE_DIGIT_RELATION = {"0": "0", "1": "1", "2": "2", "3": "3", "4": "4", "5": "5", "6": "6", "7": "7"}


def cards(world: World) -> pl.DataFrame:
    """One row per resident, dead and gone ones included: the register columns plus the true ids.

    `name`, `resident_id` (18 characters), `birth_date` and `stated_birth` (yyyymmdd), `sex` (1/2), `phone`,
    `stale_phone`, `address`, `address_code`, `community_code`; helpers `_resident_id`, `_head_id_no`, and `_changed`,
    the time of the card's last change: registers that copy from it change with it.
    """
    places = world.addresses.select("address_id", "community_id", address="full_text", address_code="code")
    communities = world.communities.select("community_id", community_code="code")
    heads = world.households.select("household_id", "hukou_no", _head="head_resident_id").join(
        world.residents.select(_head="resident_id", _head_id_no="id_no"), on="_head", how="left"
    )
    return (
        world.residents.join(heads, on="household_id", how="left", maintain_order="left")
        .join(places, on="address_id", how="left", maintain_order="left")
        .join(communities, on="community_id", how="left", maintain_order="left")
        .with_columns(
            _resident_id=pl.col("resident_id"),
            resident_id=pl.col("id_no"),
            _born=pl.col("birth_date"),
            _changed=pl.col("updated_at"),
            birth_date=pl.col("birth_date").dt.strftime("%Y%m%d"),
            stated_birth=pl.coalesce("stated_birth_date", "birth_date").dt.strftime("%Y%m%d"),
            sex=pl.col("sex").replace_strict(SEX_CODES, default="0", return_dtype=pl.String),
            stale_phone=pl.coalesce("former_phone", "phone"),
            _died_known=pl.col("death_registered_on").is_not_null() & (pl.col("death_registered_on") <= world.today),
        )
    )


def one_digit(column: str = "relation") -> pl.Expr:
    """GB/T 4761 two digits → one digit."""
    code = pl.col(column)
    head = pl.when(code.is_in(["01", "02"])).then(pl.lit("0"))
    return head.otherwise(code.str.slice(0, 1).replace_strict(ONE_DIGIT_RELATION, default="8", return_dtype=pl.String))


def morning(column: str, hour: int = 10) -> pl.Expr:
    """The time at which an office entered something on a given day."""
    return pl.col(column).cast(pl.Datetime("us")) + pl.duration(hours=hour)


def later(*columns: str | pl.Expr) -> pl.Expr:
    """The latest of several change times, nulls apart."""
    return pl.max_horizontal(*columns)
