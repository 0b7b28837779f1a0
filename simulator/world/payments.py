"""Welfare payments of the twelve policies (amounts illustrative): who is paid on which day, and what goes wrong.

A pay day pays those who are entitled by what is *registered* on that day. So people whose death was
registered late are paid after it; a few people are paid twice or wrongly, some accounts return the money,
and some who could claim never do. ``truth_error`` says which rows are mistakes; no upstream system knows
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, Bools, Floats, Ints, day_number, digits, masked, micros, texts, times
from simulator.world.columns import numbers as ints
from simulator.world.entitlements import GIFT_DAY, ill, in_hardship, old_enough, severe
from simulator.world.hashing import bits, integers, uniform
from simulator.world.needs import PAY_DAY, known_alive, struck, within_reach

POLICIES: dict[int, str] = {
    1: "最低生活保障",
    2: "低保边缘",
    3: "特困供养",
    4: "临时救助",
    5: "医疗救助",
    6: "困难残疾人生活补贴",
    7: "重度残疾人护理补贴",
    8: "高龄津贴",
    9: "养老服务补贴",
    10: "企退春节慰问",
    11: "企退困难补助",
    12: "困境儿童补助",
}
# policy: pay days (month, day); those of 6, 7 and 8 are followed up in later months for newcomers
PAY_DAYS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 10), (6, 10), (9, 10), (12, 10)),
    2: ((1, 20),),
    3: ((3, 10), (6, 10), (9, 10), (12, 10)),
    4: tuple((m, PAY_DAY[4]) for m in range(1, 13)),
    5: tuple((m, PAY_DAY[5]) for m in range(1, 13)),
    6: ((5, 15),),
    7: ((5, 15),),
    8: ((4, 25),),
    9: ((6, 5),),
    10: (GIFT_DAY,),
    11: (GIFT_DAY,),
    12: ((3, 12), (9, 12)),
}
_BY_MONTH = (1, 3, 4, 5, 12)
_FOLLOWED_UP = (6, 7, 8)
_CLAIMS = {1: 1.0, 2: 0.95, 3: 1.0, 6: 0.9, 7: 0.93, 8: 0.94, 9: 0.6, 10: 0.975, 11: 0.9, 12: 0.97}


NONE_PAID = pl.DataFrame(
    schema={
        "payment_id": pl.Int64,
        "policy": pl.Int64,
        "resident_id": pl.Int64,
        "period": pl.String,
        "amount": pl.Int64,
        "account_no": pl.String,
        "state": pl.String,
        "ordered_on": pl.Date,
        "paid_at": pl.Datetime("us"),
        "truth_error": pl.String,
        "updated_at": pl.Datetime("us"),
    }
)


@dataclass(frozen=True)
class Registers:
    """What the paying office looks at."""

    residents: pl.DataFrame
    min_living: pl.DataFrame
    members: pl.DataFrame
    disability: pl.DataFrame
    pension: pl.DataFrame
    children: pl.DataFrame


def due(day: date) -> list[int]:
    """Policies paid on ``day``."""
    return [
        policy
        for policy, days in PAY_DAYS.items()
        if (day.month, day.day) in days or (policy in _FOLLOWED_UP and day.day == days[0][1] and day.month > days[0][0])
    ]


def main_day(policy: int, year: int) -> date:
    """The day of the year's list of a policy that is followed up; ``date.max`` for the others."""
    month, day = PAY_DAYS[policy][0]
    return date(year, month, day) if policy in _FOLLOWED_UP else date.max


def pay(
    policy: int, day: date, registers: Registers, paid_before: pl.DataFrame, seed: int, first_id: int
) -> pl.DataFrame:
    """The payments of one policy on its pay day, still pending; ids from ``first_id``."""
    payees = _payees(policy, day, registers, seed)
    ids = payees["resident_id"].to_numpy()
    claims = uniform(ids, seed, "claims", policy) < _CLAIMS.get(policy, 1.0)
    period = day.strftime("%Y-%m" if policy in _BY_MONTH else "%Y")
    payees = payees.filter(pl.Series(claims))
    before = paid_before.filter((pl.col("policy") == policy) & (pl.col("period") == period))["resident_id"]
    if len(before):
        payees = payees.filter(~pl.col("resident_id").is_in(before.implode()))
    facts = registers.residents.select("resident_id", "death_date")
    payees = payees.join(facts, on="resident_id", how="left", maintain_order="left")
    dead = pl.col("death_date") <= day
    payees = payees.with_columns(truth_error=pl.when(dead).then(pl.lit("dead_payee")).otherwise("truth_error"))
    again = uniform(payees["resident_id"].to_numpy(), seed, "twice", policy, period) < 0.0025
    twice = payees.filter(pl.Series(again)).with_columns(truth_error=pl.lit("duplicate"))
    payees = pl.concat([payees.with_columns(turn=pl.lit(0)), twice.with_columns(turn=pl.lit(1))])
    ids = payees["resident_id"].to_numpy()
    # an account of one's own; one in twenty-five uses somebody else's, and a second payment goes to a second account
    owner = np.where(uniform(ids, seed, "proxy") < 0.04, ids + 3, ids) + payees["turn"].to_numpy() * 50_000_000
    account = account_numbers(owner, seed)
    return pl.DataFrame(
        {
            "payment_id": np.arange(first_id, first_id + len(ids)),
            "policy": np.full(len(ids), policy),
            "resident_id": ids,
            "period": pl.Series([period]).new_from_index(0, len(ids)),
            "amount": payees["amount"],
            "account_no": account,
            "state": pl.Series(["pending"]).new_from_index(0, len(ids)),
            "ordered_on": pl.Series([day]).new_from_index(0, len(ids)),
            "paid_at": times(np.zeros(len(ids), np.int64), np.zeros(len(ids), bool)),
            "truth_error": payees["truth_error"],
            "updated_at": times(np.full(len(ids), day_number(day) * DAY + 9 * HOUR)),
        },
        schema=NONE_PAID.schema,
    )


def account_numbers(owners: Ints, seed: int) -> pl.Series:
    """The 19-digit account of each resident_id; other numbers than a resident's are accounts besides."""
    return "6299" + digits(bits(owners, seed, "account") % np.uint64(10**15), 15)


def onward(payments: pl.DataFrame, now: datetime, seed: int) -> pl.DataFrame:
    """``payments`` with what the bank had done before ``now``: paid within days, one in a hundred returned later."""
    ids = payments["payment_id"].to_numpy()
    ordered = ints(payments["ordered_on"])
    paid = (
        (ordered + integers(ids, 1, 5, seed, "bank")) * DAY
        + 10 * HOUR
        + integers(ids, 0, 6 * 3600, seed, "second") * 1_000_000
    )
    back = paid + integers(ids, 2, 9, seed, "return days") * DAY
    limit = micros(now)
    returned = (uniform(ids, seed, "returned") < 0.01) & (back < limit)
    done = paid < limit
    state = np.select([returned, done], [2, 1], 0)
    latest = np.select([returned, done], [back, paid], ordered * DAY + 9 * HOUR)
    return payments.with_columns(
        texts(["pending", "paid", "returned"], state).alias("state"),
        times(paid, done).alias("paid_at"),
        times(latest).alias("updated_at"),
    )


def _payees(policy: int, day: date, registers: Registers, seed: int) -> pl.DataFrame:
    """resident_id, amount (fen) and truth_error of those on the list of ``policy``."""
    people = registers.residents.filter(known_alive(day))
    families = registers.min_living.filter((pl.col("valid_from") <= day) & (pl.col("valid_to") >= day))
    listed = registers.members.join(families, on="family_no", how="inner", maintain_order="left")
    error: Bools | None = None
    if policy in (1, 2, 3):
        category = {1: "dibao", 2: "dibian", 3: "tekun"}[policy]
        # paid to the family's head, for three months; the margin gets a festival relief
        heads = listed.filter(pl.col("category") == category).group_by("family_no", maintain_order=True).first()
        rows = heads.join(people.select("resident_id"), on="resident_id", how="semi", maintain_order="left")
        amount = np.full(len(rows), 80_000) if policy == 2 else rows["approved_amount"].to_numpy() * 3
    elif policy in (4, 5):
        rows = people.filter(within_reach(day, day))
        ids = rows["resident_id"].to_numpy()
        poor = rows["resident_id"].is_in(listed["resident_id"].implode()).to_numpy()
        rows = rows.filter(pl.Series(struck(ids, poor, seed, policy, day)))
        amount = 50_000 + integers(rows["resident_id"].to_numpy(), 0, 2_500, seed, "cost", day.isoformat()) * 100
    elif policy in (6, 7):
        valid = registers.disability.filter(
            (pl.col("issued_on") <= day) & (pl.col("valid_to") >= day) & (pl.col("status") != "cancelled")
        )
        valid = valid.join(people.select("resident_id"), on="resident_id", how="semi", maintain_order="left")
        destitute = listed.filter(pl.col("category") == "tekun")["resident_id"]
        valid = valid.filter(~pl.col("resident_id").is_in(destitute.implode()))
        approved = pl.col("resident_id").is_in(listed["resident_id"].implode())
        some_need = pl.Series(in_hardship(valid["resident_id"].to_numpy(), seed))
        rows = valid.filter(severe()) if policy == 7 else valid.filter(approved | some_need)
        level = rows["level"].to_numpy()
        amount = np.full(len(rows), 96_000) if policy == 6 else np.array([0, 200_000, 100_000, 50_000])[level]
    elif policy == 8:
        age = day.year - people["birth_date"].dt.year().to_numpy()
        wrong = (age == 79) & (uniform(people["resident_id"].to_numpy(), seed, "too young") < 0.01)
        right = people.select(old_enough(day)).to_series().to_numpy()
        rows = people.filter(pl.Series(right | wrong))
        age, error = age[right | wrong], wrong[right | wrong] & ~right[right | wrong]
        amount = np.select([age >= 100, age >= 90], [300_000, 100_000], 50_000)
    elif policy == 9:
        old = people.filter(pl.col("birth_date").dt.year() <= day.year - 60).select("resident_id")
        rows = listed.join(old, on="resident_id", how="semi", maintain_order="left")
        amount = np.full(len(rows), 60_000)
    elif policy in (10, 11):
        # the community's list is as of the pay day: retired, managed here, not known to be dead
        rows = registers.pension.filter(
            (pl.col("retired_on") <= day) & ((pl.col("status") == "active") | (pl.col("cut_off_on") > day))
        ).join(people.select("resident_id"), on="resident_id", how="semi", maintain_order="left")
        if policy == 11:
            rows = rows.filter(pl.Series(ill(rows["resident_id"].to_numpy(), seed, day.year)))
        amount = np.full(len(rows), 16_000 if policy == 10 else 50_000)
    else:
        valid_from = pl.col("valid_from") <= day
        rows = registers.children.filter(valid_from).join(
            people.filter(pl.col("birth_date").dt.year() > day.year - 18).select("resident_id"),
            on="resident_id",
            how="semi",
            maintain_order="left",
        )
        amount = np.where((rows["category"] == "in_need").to_numpy(), 220_000, 360_000)
    return _list(rows, amount, error)


def _list(rows: pl.DataFrame, amount: Ints | Floats, error: Bools | None) -> pl.DataFrame:
    wrong = np.zeros(len(rows), bool) if error is None else error
    return pl.DataFrame(
        {
            "resident_id": rows["resident_id"],
            "amount": np.asarray(amount, np.int64),
            "truth_error": masked(pl.Series(["ineligible"], dtype=pl.String).new_from_index(0, len(rows)), wrong),
        }
    )
