"""火化与死亡登记: one to eight weeks late, sometimes told by two offices, sometimes with a wrong number."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views import dirt, persons
from simulator.views.base import Served, draft, one_of
from simulator.world import hashing
from simulator.world.columns import day_number
from simulator.world.model import World

STREAMS = {
    "deaths": {
        "notice_no": "swzbh",
        "resident_id": "sfzh",
        "name": "xm",
        "died_on": "swrq",
        "registered_on": "djrq",
        "kind": "lx",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"deaths": GatewayInterface("mz/cremationInfo")}
_SECOND_OFFICE = 0.18
_SECOND_DELAY = 25


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`deaths`: one row per notice that has been registered by now."""
    people = persons.cards(world).filter(pl.col("_died_known"))
    ids = people["_resident_id"].to_numpy()
    first = people.with_columns(
        registered_on=pl.col("death_registered_on"),
        kind=pl.Series(np.where(hashing.uniform(ids, seed, "death_register", "office") < 0.85, "1", "3")),
        _row=pl.col("_resident_id") * 2,
    )
    wait = hashing.integers(ids, 1, _SECOND_DELAY, seed, "death_register", "wait").astype(np.int32)
    second = first.with_columns(
        registered_on=(pl.col("registered_on").cast(pl.Int32) + pl.Series(wait)).cast(pl.Date),
        kind=pl.lit("2"),
        _row=pl.col("_resident_id") * 2 + 1,
    ).filter(
        pl.Series(hashing.uniform(ids, seed, "death_register", "second") < _SECOND_OFFICE)
        & (pl.col("registered_on").cast(pl.Int32) <= day_number(world.today))
    )
    notices = pl.concat([first, second]).with_columns(
        notice_no=pl.lit("SW") + pl.col("_row").cast(pl.String).str.zfill(9),
        died_on=pl.col("death_date").dt.strftime("%Y-%m-%d"),
        updated_at=persons.later(persons.morning("registered_on", 9), "_changed"),
        registered_on=pl.col("registered_on").dt.strftime("%Y-%m-%d"),
    )
    rows = draft(seed, "death_register", "deaths", notices, "_row")
    dirt.identity(rows, wrong=0.02, head=0.012, cosmetic=0.01)
    dirt.names(rows, share=0.01)
    rows.spoil("died_on", 0.004, "no_such_day", one_of("2025-02-29", "2026-04-31"), defect="impossible_date")
    rows.spoil("kind", 0.004, "code", one_of("9"), defect="unknown_code")
    return {
        "deaths": rows.served(
            STREAMS["deaths"], ["notice_no"], changed_at="updated_at",
            text_times="%Y-%m-%d %H:%M:%S", people="_resident_id",
        )
    }  # fmt: skip
