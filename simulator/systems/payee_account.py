"""社保卡与银行账户: asked person by person; closed accounts beside open ones, numbers parted by blanks or lost."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.views import dirt, persons
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world.facts import accounts
from simulator.world.model import World

STREAMS = {
    "accounts": {
        "resident_id": "sfzh",
        "account_no": "yhzh",
        "name": "xm",
        "bank": "khh",
        "kind": "klx",
        "state": "zt",
        "opened_on": "khrq",
        "closed_on": "xhrq",
        "updated_at": "zjgxsj",
    }
}
SERVED_BY = {"accounts": GatewayInterface("rs/payeeAccounts", lookup="sfzh")}
_KINDS = {"social_card": "1", "bank_card": "2"}
_STATES = {"normal": "1", "closed": "2", "lost": "3", "frozen": "4"}


def as_float(values: pl.Series, luck: Floats) -> pl.Series:
    """What is left of 19 digits that a spreadsheet took for a quantity: 6.29912345678901E+18."""
    return values.str.slice(0, 1) + "." + values.str.slice(1, 14) + "E+18"


def grouped(values: pl.Series, luck: Floats) -> pl.Series:
    """As printed on the card: 6299 1234 5678 9012 345."""
    return values.str.replace(r"^(\d{4})(\d{4})(\d{4})(\d{4})(\d*)$", "${1} ${2} ${3} ${4} ${5}")


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`accounts`: every account of every payee, a row each."""
    people = persons.cards(world).select("_resident_id", "resident_id", "name", "_changed")
    held = (
        accounts.accounts(world)
        .rename({"resident_id": "_resident_id"})
        .join(people, on="_resident_id", how="left", maintain_order="left")
        .with_columns(
            kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
            state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
            opened_on=pl.col("opened_on").dt.strftime("%Y%m%d"),
            closed_on=pl.col("closed_on").dt.strftime("%Y%m%d"),
            updated_at=persons.later("updated_at", "_changed"),
            _row=pl.col("account_id"),
        )
    )
    rows = draft(seed, "payee_account", "accounts", held, "_row")
    rows.spoil("account_no", 0.004, "float", as_float, defect="lost_precision")
    rows.spoil("account_no", 0.03, "grouped", grouped)
    dirt.names(rows, share=0.006)
    rows.spoil("bank", 0.05, "short", lambda values, luck: values.str.replace_all(r"省|市|银行", ""))
    rows.spoil("state", 0.002, "code", one_of("0", "9"), defect="unknown_code")
    rows.spoil("opened_on", 0.03, "missing", constant(None))
    rows.spoil("opened_on", 0.002, "no_such_day", one_of("20190229", "00000000"), defect="impossible_date")
    return {
        "accounts": rows.served(
            STREAMS["accounts"], ["resident_id", "account_no"], changed_at="updated_at",
            text_times="%Y-%m-%d %H:%M:%S", people="_resident_id",
        )
    }  # fmt: skip
