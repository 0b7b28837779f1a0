"""低保、低边、特困: families and members as of now; one-digit relations, missing numbers of children."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.systems.welfare_payment import yuan
from simulator.views import dirt, persons
from simulator.views.base import Served, constant, draft, one_of
from simulator.world.model import World

STREAMS = {
    "members": {
        "family_no": "jtbh",
        "member_no": "cyxh",
        "resident_id": "sfzh",
        "name": "xm",
        "relation": "yhzgx",
        "category": "lb",
        "approved_amount": "hde",
        "income_per_capita": "rjsr",
        "valid_from": "qsrq",
        "valid_to": "jzrq",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"members": GatewayInterface("mz/members")}
_CATEGORIES = {"dibao": "01", "dibian": "02", "tekun": "03"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`members`: one row per family and member."""
    people = persons.cards(world).select("_resident_id", "resident_id", "name", "_head_id_no", "_born", "_changed")
    members = (
        world.min_living_members.with_columns(_resident_id=pl.col("resident_id"))
        .select("family_no", "_resident_id", "relation")
        .join(world.min_living, on="family_no", how="left", maintain_order="left")
        .join(people, on="_resident_id", how="left", maintain_order="left")
        .with_columns(
            member_no=pl.int_range(1, pl.len() + 1).over("family_no").cast(pl.String).str.zfill(2),
            relation=persons.one_digit(),
            category=pl.col("category").replace_strict(_CATEGORIES, return_dtype=pl.String),
            approved_amount=yuan("approved_amount"),
            income_per_capita=pl.col("income_per_capita").cast(pl.String) + pl.lit(".00"),
            valid_from=pl.col("valid_from").dt.strftime("%Y-%m-%d"),
            valid_to=pl.col("valid_to").dt.strftime("%Y-%m-%d"),
            updated_at=persons.later("updated_at", "_changed"),
            _row=pl.col("_resident_id"),
        )
    )
    rows = draft(seed, "minimum_living", "members", members, "_row")
    child = (rows.frame["_born"].dt.year() > world.today.year - 16).fill_null(False)
    rows.spoil("resident_id", 0.08, "missing_child", constant(None), among=child)
    dirt.identity(rows, missing=0.006, wrong=0.01, head=0.01, cosmetic=0.01)
    dirt.names(rows, share=0.008)
    rows.spoil("relation", 0.003, "code", one_of("X", "户"), defect="unknown_code")
    rows.spoil("approved_amount", 0.003, "text", one_of("/", "详见附件"), defect="not_an_amount")
    rows.spoil("valid_from", 0.002, "no_such_day", one_of("2026-02-31"), defect="impossible_date")
    return {
        "members": rows.served(
            STREAMS["members"], ["family_no", "member_no"], changed_at="updated_at",
            text_times="%Y-%m-%d %H:%M:%S", people="_resident_id",
        )
    }  # fmt: skip
