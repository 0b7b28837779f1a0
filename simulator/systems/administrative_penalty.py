"""行政处罚: decisions against persons and firms; the one sometimes entered as the other."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import GatewayInterface
from simulator.systems import market_registration
from simulator.systems.welfare_payment import yuan
from simulator.views import firms
from simulator.views.base import Draft, Served, constant, draft, one_of
from simulator.world.facts import penalties
from simulator.world.model import World

STREAMS = {
    "penalties": {
        "decision_no": "jdswh",
        "agency": "cfjg",
        "party_kind": "dsrlx",
        "party_name": "dsrmc",
        "credit_code": "dsrxydm",
        "matter": "ay",
        "kind": "cflb",
        "amount": "fkje",
        "decided_on": "jdrq",
        "state": "zt",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"penalties": GatewayInterface("zfj/penalties")}
_PARTIES = {"person": "1", "firm": "2", "self_employed": "3"}
_KINDS = {"warning": "1", "fine": "2", "suspension": "3"}
_STATES = {"in_force": "1", "executed": "2", "revoked": "3"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`penalties`: one row per decision. The upstream sends the number of a person and what it says was done."""
    decided = firms.known(penalties.penalties(world), world)
    year = pl.col("decided_on").dt.strftime("%Y")
    serial = pl.col("decision_id").cast(pl.String).str.zfill(10)
    decided = decided.with_columns(
        decision_no=pl.lit("安") + pl.col("agency").str.slice(0, 1) + "罚决字〔" + year + "〕第" + serial + "号",
        party_kind=pl.col("party").replace_strict(_PARTIES, return_dtype=pl.String),
        party_name=pl.col("name"),
        kind=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        amount=yuan("amount"),
        state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
        _person_id=pl.col("id_no"),
        _facts=pl.col("name") + "于" + pl.col("decided_on").dt.strftime("%Y年%m月") + pl.col("matter"),
        decided_on=pl.col("decided_on").dt.strftime("%Y-%m-%d"),
        _row=pl.col("decision_id"),
    )
    rows = draft(seed, "administrative_penalty", "penalties", decided, "_row")
    person = rows.frame["party_kind"] == "1"
    _numbers_in_the_wrong_field(rows)
    market_registration.codes(rows, missing=0.2, wrong=0.006)
    firms.names(rows, "party_name", trade=0.15, among=~person)
    rows.spoil("party_kind", 0.006, "person", constant("1"), among=~person)
    rows.spoil("party_kind", 0.003, "firm", constant("2"), among=person)
    rows.spoil("party_kind", 0.001, "code", one_of("4", "其他组织"), defect="unknown_code")
    rows.spoil("amount", 0.002, "text", one_of("没收", "伍佰元", "5OO"), defect="not_an_amount")
    rows.spoil("decided_on", 0.001, "no_such_day", one_of("2026-02-30", "2026-04-31"), defect="impossible_date")
    return {
        "penalties": rows.served(
            STREAMS["penalties"], ["decision_no"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
            unasked={"_person_id": "dsrsfzh", "_facts": "wfss"}, enterprises="_enterprise_id",
        )
    }  # fmt: skip


def _numbers_in_the_wrong_field(rows: Draft) -> None:
    """A person's identity number typed where a credit code belongs."""
    picked = rows.pick(0.004, "credit_code", "person") & rows.frame["_person_id"].is_not_null().to_numpy()
    number = pl.when(pl.Series(picked)).then(pl.col("_person_id")).otherwise(pl.col("credit_code"))
    rows.set("credit_code", number)
    rows.spoil(
        "credit_code", 1.0, "person", lambda values, luck: values, defect="invalid_credit_code", among=picked
    )  # fmt: skip
