"""Licences and certificates that the town's library holds: those of residents, and those of enterprises."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, Bools, Ints, dates, day_number, digits, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.facts.cycles import renewals
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

KINDS = (
    "identity_card", "residence_permit", "driving_licence", "birth_certificate", "senior_card",
    "business_licence", "food_licence", "sanitation_licence",
)  # fmt: skip
OF_PEOPLE = KINDS[:5]
_ENDLESS = 100_000
_REPLACED_SHARE = 0.15
_FOOD, _SANITATION = ("H", "F"), ("H", "O", "R")
_YEAR = 365


def certificates(world: World) -> pl.DataFrame:
    """One row per certificate: ``certificate_id``, kind (of ``KINDS``), resident_id or enterprise_id (the other is
    null), number, issued_on, valid_to (null: no end), replaced (a newer one was given), updated_at.

    The newest of each kind and holder, and of a seventh the one before it, which is not taken out when a newer one
    is given. Who does not renew keeps an expired one. About 0.4 million at scale 1.
    """
    people = world.residents.filter(pl.col("moved_out").is_null() & pl.col("death_registered_on").is_null())
    firms = world.enterprises.filter(pl.col("status") == "open")
    return pl.concat([*_of_people(people, world), *_of_firms(firms, world)])


def _of_people(people: pl.DataFrame, world: World) -> list[pl.DataFrame]:
    today = day_number(world.today)
    ids = people["resident_id"].to_numpy()
    birth = as_numbers(people["birth_date"])
    grown = birth + 16 * _YEAR + 4
    here = people["registered"].to_numpy()
    came = np.maximum(as_numbers(people["moved_in"], null=day_number(date(2019, 1, 1))), grown)
    came = came + integers(ids, 5, 120, world.seed, "permit asked")
    licensed = np.maximum(birth + 18 * _YEAR + integers(ids, 30, 9_000, world.seed, "driving learnt"), 0)
    # from 46 on a card is good without an end; one given at 26 or later for twenty years, before for ten
    age = (today - birth) // _YEAR
    asked = birth + integers(ids, 0, 200, world.seed, "card asked")
    last, middle = asked + 46 * _YEAR <= today, asked + 26 * _YEAR <= today
    card_from = asked + np.select([last, middle], [46, 26], 17) * _YEAR
    card_for = np.select([last, middle], [_ENDLESS, 20 * _YEAR], 10 * _YEAR)
    drives = (uniform(ids, world.seed, "drives") < 0.38) & (age < 71)
    permit = ~here & (uniform(ids, world.seed, "permit") < 0.7)
    aged = here & (uniform(ids, world.seed, "senior card") < 0.85)
    old = birth + 60 * _YEAR + integers(ids, 20, 700, world.seed, "senior card asked")
    born = here & (today - birth < 18 * _YEAR) & (uniform(ids, world.seed, "birth kept") < 0.9)
    return [
        _kind(world, people, "identity_card", here, card_from, card_for, people["id_no"]),
        _kind(world, people, "residence_permit", permit, came, _YEAR),
        _kind(world, people, "driving_licence", drives, licensed, 6 * _YEAR + 1, people["id_no"]),
        _kind(world, people, "birth_certificate", born, birth + 10, _ENDLESS),
        _kind(world, people, "senior_card", aged, old, _ENDLESS),
    ]


def _of_firms(firms: pl.DataFrame, world: World) -> list[pl.DataFrame]:
    ids = firms["enterprise_id"].to_numpy()
    since = as_numbers(firms["registered_on"])
    trade = firms["industry"]
    food = trade.is_in(_FOOD).to_numpy() & (uniform(ids, world.seed, "food licence") < 0.55)
    clean = trade.is_in(_SANITATION).to_numpy() & (uniform(ids, world.seed, "sanitation licence") < 0.5)
    opened = since + integers(ids, 5, 60, world.seed, "licence asked")
    return [
        _kind(world, firms, "business_licence", since > 0, since, _ENDLESS, firms["credit_code"]),
        _kind(world, firms, "food_licence", food, opened, 5 * _YEAR),
        _kind(world, firms, "sanitation_licence", clean, opened, 4 * _YEAR),
    ]


def _kind(
    world: World, holders: pl.DataFrame, kind: str, have: Bools, first: Ints, period: Ints | int,
    number: pl.Series | None = None,
) -> pl.DataFrame:  # fmt: skip
    """The certificates of one kind; those without a ``number`` of their holder's get one of their own."""
    today = day_number(world.today)
    rows = np.flatnonzero(have & (first <= today))
    holders, first = holders[rows], first[rows]
    period = np.broadcast_to(np.asarray(period, np.int64), have.shape)[rows]
    person = kind in OF_PEOPLE
    ids = holders["resident_id" if person else "enterprise_id"].to_numpy()
    salt = (world.seed, "certificate", kind)
    turn, start, last = renewals(ids, first, period, today, *salt, late=0.08, dropped=0.04)
    earlier = (turn > 0) & (uniform(ids, *salt, "kept") < _REPLACED_SHARE)
    pick = np.concatenate([np.arange(len(ids)), np.flatnonzero(earlier)])
    replaced = np.arange(len(pick)) >= len(ids)
    given = np.where(replaced, first[pick] + (turn[pick] - 1) * period[pick], start[pick])
    endless = period[pick] == _ENDLESS
    until = np.where(endless, 0, last[pick] - np.where(replaced, period[pick], 0))
    key = ids[pick] * 100 + turn[pick] - replaced
    own = digits(key % 10**12, 12) if number is None else number.gather(rows[pick])
    holder = pl.Series(ids[pick])
    none = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(pick))
    return pl.DataFrame(
        {
            "certificate_id": (KINDS.index(kind) + 1) * 10**10 + key,
            "kind": pl.Series([kind]).new_from_index(0, len(pick)),
            "resident_id": holder if person else none,
            "enterprise_id": none if person else holder,
            "number": own,
            "issued_on": dates(given),
            "valid_to": dates(until, ~endless),
            "replaced": replaced,
            "updated_at": times(np.where(replaced, start[pick], given) * DAY + 15 * HOUR),
        }
    )
