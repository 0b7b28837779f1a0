"""Streams that no simulated upstream has, so that a town comes to four records a resident, as a real one does.

The hub's own streams and those of other purposes name each resident of a simulated town 2.7 times. Two registers are
added, copied from the town's true cards: patients of the clinic (with numbers) and customers of the waterworks (with
doors, every other one without a number). Both are as old as registers are, with a telephone or a door of before, and as
well written: names as clerks hear them, doors in every spelling.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from resolution.sources import RESIDENT_SCHEMA
from simulator.views.base import Maker
from simulator.views.dirt import homophone, respelt

PATIENTS, CUSTOMERS = 0.75, 0.5
"""Share of the people whom each register has."""
NUMBERED = 0.5
"""Share of the customers of whom the waterworks know the number."""
STALE = 0.3
"""Share of those who changed their telephone or door of whom a register knows the old one."""


def added_records(truth: Path, seed: int) -> pl.DataFrame:
    """`RESIDENT_SCHEMA` and `true`; `truth` is the folder that `townhub simulate truth` wrote. One seed, one result."""
    people = pl.read_parquet(truth / "residents.parquet").sort("resident_id")
    doors = pl.read_parquet(truth / "addresses.parquet").select("address_id", "full_text")
    for name in ("address_id", "former_address_id"):
        people = people.join(doors.rename({"address_id": name, "full_text": f"{name}_text"}), on=name, how="left",
                             maintain_order="left")  # fmt: skip
    rng = np.random.default_rng([seed, 78])

    def luck() -> pl.Series:
        return pl.Series(rng.random(people.height))

    def slips(column: str, share: float, maker: Maker) -> pl.Series:
        """The column, spoilt in a share of the rows."""
        values, by = people[column], rng.random(people.height)
        at = (values.is_not_null() & (luck() < share)).arg_true()
        return values.clone().scatter(at, maker(values.gather(at), by[at.to_numpy()]))

    for column, share, maker in (
        ("name", 0.01, homophone), ("address_id_text", 0.3, respelt), ("former_address_id_text", 0.3, respelt),
    ):  # fmt: skip
        people = people.with_columns(slips(column, share, maker))

    def known(now: str, former: str) -> pl.Expr:
        return pl.when(pl.lit(luck()) < STALE).then(pl.coalesce(former, now)).otherwise(now)

    patients = people.select(
        system=pl.lit("clinic"), stream=pl.lit("patients"), resident_id_no="id_no", birth_date="birth_date", sex="sex",
        phone=known("phone", "former_phone"), name="name", true="resident_id", chosen=luck() < PATIENTS,
    )  # fmt: skip
    customers = people.select(
        system=pl.lit("waterworks"), stream=pl.lit("customers"), name="name", true="resident_id",
        resident_id_no=pl.when(pl.lit(luck()) < NUMBERED).then("id_no"), phone=known("phone", "former_phone"),
        address=known("address_id_text", "former_address_id_text"), chosen=luck() < CUSTOMERS,
    )  # fmt: skip
    both = pl.concat([patients, customers], how="diagonal").filter("chosen")
    both = both.with_columns(record_key=pl.col("stream").str.head(1) + pl.col("true").cast(pl.String).str.zfill(9))
    nothing = {name: pl.lit(None, dtype=kind) for name, kind in RESIDENT_SCHEMA.items() if name not in both.columns}
    return both.with_columns(**nothing).select(*RESIDENT_SCHEMA, "true")
