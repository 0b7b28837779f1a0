"""Emergencies and hospital bills: whom they befall, at what cost, and who asks the town for help with them.

Some who ask have too little cost or too high an income: they are refused. Everything is a pure function of person and
pay day, so the same emergency is seen by the office that pays, by the register of applications and by the answer key.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import Bools, Floats, Ints, dates, day_number, texts
from simulator.world.hashing import integers, uniform
from simulator.world.welfare import POVERTY_LINE

EMERGENCY, BILLS = 4, 5
PAY_DAY = {EMERGENCY: 28, BILLS: 27}
"""Day of every month on which those of the weeks before are paid."""
WITHIN_DAYS = 90
"""An emergency or bill longer ago is not helped with any more."""
LEAST_COST = 3_000  # yuan
MOST_INCOME = 2 * POVERTY_LINE  # yuan a month and head
DEDUCTIBLE, CATASTROPHIC = 500, 30_000  # yuan that insurance leaves: for the poor, and for everybody
KINDS = ("fire", "accident", "illness", "other")
POOR_BILLED = 0.006
"""Share of the poor with a bill in a month; of the others too few to see."""
_CHANCE = {EMERGENCY: 0.00008, BILLS: 0.00011}
_IN_VAIN = 0.0002

APPLICATIONS = {
    "application_id": pl.Int64,
    "policy": pl.Int64,
    "resident_id": pl.Int64,
    "kind": pl.String,
    "happened_on": pl.Date,
    "cost": pl.Int64,
    "income": pl.Int64,
    "is_poor": pl.Boolean,
    "asked_on": pl.Date,
    "decided_on": pl.Date,
    "due": pl.Boolean,
}


def struck(ids: Ints, poor: Bools, seed: int, policy: int, pay_day: date) -> Bools:
    """Whom something befell before the pay day that the town helps with."""
    chance = np.where(poor & (policy == BILLS), POOR_BILLED, _CHANCE[policy])
    return uniform(ids, seed, "need", policy, pay_day.isoformat()) < chance


def applications(
    on: date, residents: pl.DataFrame, listed: pl.DataFrame, seed: int, since: date = HISTORY_START
) -> pl.DataFrame:
    """The frame `APPLICATIONS`: what happened by the day ``on`` and is paid or refused on a pay day from ``since`` on,
    whether or not help was asked for by then (``asked_on`` may be later).

    ``listed`` are members of families on minimum living with valid_from and valid_to; ``cost`` is what insurance leaves
    of a bill; ``due`` is whether the rules help, whatever becomes of the person.
    """
    days = [(policy, day) for policy in PAY_DAY for day in _pay_days(since, on, policy)]
    made = [_of_pay_day(policy, day, on, residents, listed, seed) for policy, day in days]
    return pl.concat(made).filter(pl.col("happened_on") <= on).sort("application_id")


def _pay_days(since: date, on: date, policy: int) -> list[date]:
    """Those from ``since`` to ``on``, and the next one."""
    first, last = since.year * 12 + since.month - 1, on.year * 12 + on.month
    days = [date(month // 12, month % 12 + 1, PAY_DAY[policy]) for month in range(first, last + 1)]
    past = [day for day in days if since <= day <= on]
    return past + [day for day in days if day > on][:1]


def _of_pay_day(
    policy: int, pay_day: date, on: date, residents: pl.DataFrame, listed: pl.DataFrame, seed: int
) -> pl.DataFrame:
    day = min(pay_day, on)
    in_force = (pl.col("valid_from") <= day) & (pl.col("valid_to") >= day)
    people = residents.filter(within_reach(day, pay_day))
    every = people["resident_id"].to_numpy()
    is_poor = people["resident_id"].is_in(listed.filter(in_force)["resident_id"].implode()).to_numpy()
    salt = (seed, policy, pay_day.isoformat())
    helped = struck(every, is_poor, seed, policy, pay_day)
    in_vain = ~helped & (uniform(every, *salt, "in vain") < _IN_VAIN)
    row = np.flatnonzero(helped | in_vain)
    ids, poor, due = every[row], is_poor[row], helped[row]
    luck = uniform(ids, *salt, "cost of need")
    rich = ~poor & (uniform(ids, *salt, "too much") < 0.4)
    income = POVERTY_LINE * (0.4 + 1.4 * uniform(ids, *salt, "income"))
    if policy == EMERGENCY:
        cost = np.where(due | rich, 3_500 + 30_000 * luck, 200 + 2_600 * luck)
        income = np.where(~due & rich, income + 2.5 * POVERTY_LINE, income)
        due = (cost >= LEAST_COST) & (income <= MOST_INCOME)
    else:
        cost = _bills(due, poor, luck)
    cases = _rows(policy, pay_day, ids, poor, due, cost, income, salt)
    if policy == EMERGENCY:
        return cases
    approved = cases.select("resident_id", "happened_on").join(listed, on="resident_id")
    then = approved.filter(pl.col("happened_on").is_between("valid_from", "valid_to"))["resident_id"]
    was_poor = pl.col("resident_id").is_in(then.implode())
    due_now = (pl.col("cost") >= CATASTROPHIC) | (was_poor & (pl.col("cost") >= DEDUCTIBLE))
    return cases.with_columns(is_poor=was_poor, due=due_now)


def _bills(due: Bools, poor: Bools, luck: Floats) -> Floats:
    """What insurance leaves: of the poor a little counts, of the others only what ruins a family."""
    return np.where(
        due,
        np.where(poor, 600 + 11_000 * luck, 31_000 + 90_000 * luck),
        np.where(poor, 30 + 450 * luck, 3_000 + 26_000 * luck),
    )


def _rows(
    policy: int,
    pay_day: date,
    ids: Ints,
    poor: Bools,
    due: Bools,
    cost: Floats,
    income: Floats,
    salt: tuple[str | int, ...],
) -> pl.DataFrame:
    gap = integers(ids, 4, 27, *salt, "days before")
    asked = np.minimum(integers(ids, 1, 11, *salt, "days to ask"), gap - 1)
    happened = day_number(pay_day) - gap
    kind = np.searchsorted([0.15, 0.4, 0.8], uniform(ids, *salt, "kind"), side="right")
    if policy == BILLS:
        kind = np.full(len(ids), KINDS.index("illness"))
    return pl.DataFrame(
        {
            "application_id": (day_number(pay_day) * 10 + policy) * 1_000_000_000 + ids,
            "policy": np.full(len(ids), policy),
            "resident_id": ids,
            "kind": texts(KINDS, kind),
            "happened_on": dates(happened),
            "cost": cost.astype(np.int64),
            "income": income.astype(np.int64),
            "is_poor": poor,
            "asked_on": dates(happened + asked),
            "decided_on": pl.Series([pay_day], dtype=pl.Date).new_from_index(0, len(ids)),
            "due": due,
        },
        schema=APPLICATIONS,
    )


def within_reach(day: date, pay_day: date) -> pl.Expr:
    """Known to be alive on ``day`` and born before whatever is paid on the pay day can have happened."""
    return known_alive(day) & (pl.col("birth_date") < pay_day - timedelta(days=30))


def known_alive(day: date) -> pl.Expr:
    """Registered, and not registered as dead or gone by ``day``; whose death is registered late stays on the lists."""
    dead = pl.col("death_registered_on").is_not_null() & (pl.col("death_registered_on") <= day)
    gone = pl.col("moved_out").is_not_null() & (pl.col("moved_out") <= day)
    return pl.col("registered") & ~dead & ~gone
