"""Residents and their households: who lives with whom, who they are called, and since when they are here.

Households come from templates of six places (head, spouse, two children, the head's parents, or
room-mates), so kinship, surnames and ages fit together. ``build`` makes any number of people at once: all
of the town, or the families that arrived today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from simulator.world import names, numbers
from simulator.world.calibration import DISTRICT_CODE
from simulator.world.columns import (
    DAY,
    HOUR,
    Bools,
    Floats,
    Ints,
    dates,
    day_number,
    digits,
    masked,
    micros,
    texts,
    times,
    weighted,
)

HEAD, SPOUSE, CHILD_1, CHILD_2, FATHER, MOTHER = range(6)
YEAR = 365.2425


@dataclass(frozen=True)
class Template:
    """Share of households, places taken, and the head's age (from, to, skew: > 1 leans to the young)."""

    share: float
    places: tuple[int, ...]
    ages: tuple[float, float, float]
    adult_child: bool = False
    room_mates: bool = False


REGISTERED_TEMPLATES = (
    Template(0.08, (HEAD,), (22, 60, 1.2)),
    Template(0.08, (HEAD,), (62, 101, 2.1)),
    Template(0.11, (HEAD, SPOUSE), (25, 60, 1.0)),
    Template(0.13, (HEAD, SPOUSE), (60, 96, 2.1)),
    Template(0.25, (HEAD, SPOUSE, CHILD_1), (27, 52, 1.0)),
    Template(0.10, (HEAD, SPOUSE, CHILD_1, CHILD_2), (30, 50, 1.0)),
    Template(0.13, (HEAD, SPOUSE, CHILD_1, FATHER, MOTHER), (28, 52, 1.0)),
    Template(0.02, (HEAD, SPOUSE, CHILD_1, MOTHER), (35, 60, 1.0)),
    Template(0.03, (HEAD, CHILD_1), (28, 50, 1.0)),
    Template(0.07, (HEAD, SPOUSE, CHILD_1), (50, 76, 1.3), adult_child=True),
)
MIGRANT_TEMPLATES = (
    Template(0.29, (HEAD,), (18, 56, 1.8)),
    Template(0.24, (HEAD, SPOUSE), (20, 56, 1.4)),
    Template(0.26, (HEAD, SPOUSE, CHILD_1), (24, 46, 1.1)),
    Template(0.13, (HEAD, SPOUSE, CHILD_1, CHILD_2), (26, 46, 1.0)),
    Template(0.08, (HEAD, SPOUSE, CHILD_1, CHILD_2), (18, 50, 1.6), room_mates=True),
)

# where migrants are registered: county codes, the most frequent first
ORIGINS = [
    "341221",
    "341225",
    "341226",
    "342201",
    "341222",
    "411729",
    "411625",
    "362330",
    "361128",
    "360121",
    "522401",
    "520524",
    "520221",
    "513030",
    "511621",
    "430524",
    "433130",
    "421126",
    "422801",
    "500234",
    "500101",
    "532128",
    "530621",
    "330324",
    "330727",
    "330822",
    "341523",
    "342425",
    "410426",
    "612501",
    "620523",
    "450821",
    "230183",
    "210921",
    "650121",
    "140224",
    "370828",
    "320829",
    "350122",
    "620122",
]
_OLD_LOCAL = (DISTRICT_CODE, "330106", "330110", "330103", "330104", "330102", "330122", "330127")
_RESIDENCE_PERMITS = ("810000", "820000", "830000")


def build(
    rng: np.random.Generator,
    *,
    size: int,
    registered: bool,
    on: date,
    first_household: int,
    first_resident: int,
    taken: pl.Series | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Exactly ``size`` people in new households, as ``(residents, households)`` without homes and dates of moving.

    ``taken`` holds identity numbers that are in use already; numbers of the new people differ from them.
    """
    templates = REGISTERED_TEMPLATES if registered else MIGRANT_TEMPLATES
    which, row, place = _places(rng, templates, size)
    n = len(which)
    today = day_number(on)
    male = _sexes(rng, templates, which)
    birth = _births(rng, templates, which, male, today)
    twins = _twins(rng, templates, which, male, birth)
    surname = _surnames(rng, templates, which, male)
    ethnic_share = names.ETHNIC_REGISTERED if registered else names.ETHNIC_MIGRANT
    ethnic = weighted(rng, ethnic_share, n)

    flat = row * 6 + place
    male_flat, surname_flat = male.ravel()[flat], surname.ravel()[flat]
    exact, stated = _awkward_birthdays(rng, birth.ravel()[flat], today)
    year = 1970 + (exact / YEAR).astype(np.int64)
    first, second = names.given_names(rng, male_flat, year)
    first = _share_first_character(first, row, place, twins)
    name = names.chinese_names(surname_flat, first, second)
    code = texts(names.ETHNIC_CODES, ethnic[row])
    odd = np.flatnonzero(np.isin(ethnic[row], [names.ETHNIC_CODES.index(c) for c in ("02", "04", "05", "17", "98")]))
    for index, other in zip(odd, names.unlike_han(rng, code.gather(odd).to_list()), strict=True):
        if other is not None:
            name[int(index)] = other

    origin = rng.integers(0, len(ORIGINS), n) if registered else weighted(rng, 1 / np.arange(4, len(ORIGINS) + 4), n)
    division = _id_divisions(rng, registered, origin[row], today - exact)
    ids = np.arange(first_resident, first_resident + len(row))
    room_mates = np.array([t.room_mates for t in templates])[which]
    residents = pl.DataFrame(
        {
            "resident_id": ids,
            "name": name,
            "sex": texts(["female", "male"], male_flat),
            "birth_date": dates(exact),
            "stated_birth_date": dates(stated, stated != exact),
            "id_no": numbers.resident_ids(rng, division, exact, male_flat, taken),
            "has_legacy_15": (year < 1985) & (rng.random(len(row)) < 0.3),
            "ethnic": code,
            "household_id": first_household + row,
            "relation": _relations(place, male_flat, room_mates[row]),
            "registered": np.full(len(row), registered),
            "migrant": np.full(len(row), not registered),
            "origin_division": pl.Series([DISTRICT_CODE]).new_from_index(0, len(row))
            if registered
            else texts(ORIGINS, origin[row]),
        }
    )
    heads = np.flatnonzero(place == HEAD)
    income = np.exp(rng.normal(8.35, 0.5, n)) * np.where(rng.random(n) < 0.0015, 0.12, 1.0)
    number = digits(rng.integers(0, 9000, n) * 100_000 + np.arange(first_household, first_household + n) % 100_000, 9)
    households = pl.DataFrame(
        {
            "household_id": np.arange(first_household, first_household + n),
            "hukou_no": masked(number, np.full(n, registered)),
            "head_resident_id": ids[heads],
            "kind": np.full(n, "hukou" if registered else "migrant"),
            "income_per_capita": np.round(income).astype(np.int64),
        }
    )
    return with_phones(rng, residents, on), households


def with_phones(rng: np.random.Generator, residents: pl.DataFrame, on: date) -> pl.DataFrame:
    """Add ``phone`` and ``former_phone``: most adults have their own, children and the old borrow the head's."""
    ids = residents["resident_id"].to_numpy()
    age = (day_number(on) - residents["birth_date"].to_physical().to_numpy()) / YEAR
    own_share = np.select([age < 13, age < 18, age < 70, age < 80], [0.02, 0.55, 0.95, 0.72], 0.42)
    own = rng.random(len(ids)) < own_share
    phone = masked(numbers.phones(ids, 0), own)
    head = residents.select(pl.col("resident_id").first().over("household_id")).to_series().to_numpy()
    head_row = np.searchsorted(ids, head)
    borrows = ~own & (rng.random(len(ids)) < 0.45)
    phone = phone.fill_null(masked(phone.gather(head_row), borrows))
    former = masked(numbers.phones(ids, 1), own & (rng.random(len(ids)) < 0.14))
    return residents.with_columns(phone.alias("phone"), former.alias("former_phone"))


def _places(rng: np.random.Generator, templates: tuple[Template, ...], size: int) -> tuple[Ints, Ints, Ints]:
    """Template of each household, and (household row, place) of each of exactly ``size`` people."""
    shares = [t.share for t in templates]
    taken = np.zeros((len(templates), 6), bool)
    for index, template in enumerate(templates):
        taken[index, list(template.places)] = True
    which = weighted(rng, shares, max(size, 1))
    people = np.cumsum(taken[which].sum(axis=1))
    which = which[: int(np.searchsorted(people, size)) + 1] if size else which[:0]
    row, place = np.nonzero(taken[which])
    return which, row[:size].astype(np.int64), place[:size].astype(np.int64)


def _sexes(rng: np.random.Generator, templates: tuple[Template, ...], which: Ints) -> Bools:
    male = rng.random((len(which), 6)) < 0.51
    couple = np.array([SPOUSE in t.places for t in templates])[which]
    room_mates = np.array([t.room_mates for t in templates])[which]
    male[:, HEAD] = rng.random(len(which)) < np.where(couple, 0.76, 0.5)
    male[:, SPOUSE] = ~male[:, HEAD]
    male[:, FATHER], male[:, MOTHER] = True, False
    male[room_mates] = male[room_mates][:, [HEAD]]
    return male


def _births(rng: np.random.Generator, templates: tuple[Template, ...], which: Ints, male: Bools, today: int) -> Ints:
    """Day numbers of birth, households × places."""
    n = len(which)
    low, high, skew = (np.array([t.ages[i] for t in templates])[which] for i in range(3))
    head_age = low + (high - low) * rng.random(n) ** skew
    birth = np.empty((n, 6))
    birth[:, HEAD] = today - head_age * YEAR
    birth[:, SPOUSE] = birth[:, HEAD] + np.where(male[:, HEAD], 1.8, -1.8) * YEAR + rng.normal(0, 2.2 * YEAR, n)
    birth[:, SPOUSE] = np.minimum(birth[:, SPOUSE], today - 19 * YEAR)
    mother = np.where(male[:, HEAD], birth[:, SPOUSE], birth[:, HEAD])
    adult = np.array([t.adult_child for t in templates])[which]
    birth[:, CHILD_1] = mother + np.where(adult, 22 + 9 * rng.random(n), 22 + 12 * rng.random(n)) * YEAR
    birth[:, CHILD_2] = birth[:, CHILD_1] + (1.4 + 5 * rng.random(n)) * YEAR
    birth[:, FATHER] = birth[:, HEAD] - (23 + 10 * rng.random(n)) * YEAR
    birth[:, MOTHER] = birth[:, HEAD] - (21 + 10 * rng.random(n)) * YEAR
    young = rng.uniform(1, 4 * YEAR, (n, 6))
    birth = np.where(birth > today - 1, today - young, birth)
    room_mates = np.array([t.room_mates for t in templates])[which]
    mates = today - (18 + 30 * rng.random((n, 6)) ** 1.6) * YEAR
    birth[:, SPOUSE:FATHER] = np.where(room_mates[:, None], mates[:, SPOUSE:FATHER], birth[:, SPOUSE:FATHER])
    return np.floor(birth).astype(np.int64)


def _twins(rng: np.random.Generator, templates: tuple[Template, ...], which: Ints, male: Bools, birth: Ints) -> Bools:
    """Make some second children twins of the first (changes ``male`` and ``birth``); true for their households."""
    pairs = np.array([CHILD_2 in t.places and not t.room_mates for t in templates])[which]
    twins = pairs & (rng.random(len(which)) < 0.03)
    birth[twins, CHILD_2] = birth[twins, CHILD_1]
    alike = twins & (rng.random(len(which)) < 0.65)
    male[alike, CHILD_2] = male[alike, CHILD_1]
    return twins


def _surnames(rng: np.random.Generator, templates: tuple[Template, ...], which: Ints, male: Bools) -> Ints:
    surname = names.surnames(rng, len(which) * 6).reshape(-1, 6)
    couple = np.array([SPOUSE in t.places for t in templates])[which]
    from_spouse = couple & ~male[:, HEAD] ^ (rng.random(len(which)) < 0.06)  # some children bear the mother's
    children = np.where(from_spouse & couple, surname[:, SPOUSE], surname[:, HEAD])
    related = ~np.array([t.room_mates for t in templates])[which]
    for place in (CHILD_1, CHILD_2):
        surname[:, place] = np.where(related, children, surname[:, place])
    surname[:, FATHER] = surname[:, HEAD]
    return surname


def _awkward_birthdays(rng: np.random.Generator, birth: Ints, today: int) -> tuple[Ints, Ints]:
    """The date of the identity number and the one the person states elsewhere.

    Old people whose birthday nobody knew have 1 January; others had the date of the lunar calendar written
    into their number and state the solar one, three to seven weeks later.
    """
    age = (today - birth) / YEAR
    draw = rng.random(len(birth))
    unknown = (age > 66) & (draw < 0.05)
    year = birth.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    exact = np.where(unknown, year, birth)
    lunar = (age > 30) & (draw > np.where(age > 55, 0.94, 0.985))
    return exact, exact + np.where(lunar, rng.integers(20, 51, len(birth)), 0)


def _share_first_character(first: pl.Series, row: Ints, place: Ints, twins: Bools) -> pl.Series:
    """Twins share the first character of their given name."""
    seconds = np.flatnonzero(twins[row] & (place == CHILD_2))
    source = np.arange(len(first))
    source[seconds] = seconds - 1  # the first child stands right before the second
    return first.gather(source)


def _id_divisions(rng: np.random.Generator, registered: bool, origin: Ints, age_days: Ints) -> pl.Series:
    """The division in the identity number: where the first registration was, which stays for life."""
    n = len(origin)
    if registered:
        native = weighted(rng, (60, 9, 7, 6, 5, 4, 2, 2), n)
        native[age_days < 12 * YEAR] = 0
        married_in = (rng.random(n) < 0.14) & (age_days > 24 * YEAR)
        index = np.where(married_in, len(_OLD_LOCAL) + rng.integers(0, len(ORIGINS), n), native)
    else:
        index = len(_OLD_LOCAL) + origin
        index = np.where(rng.random(n) < 0.001, len(_OLD_LOCAL) + len(ORIGINS) + rng.integers(0, 3, n), index)
    return texts([*_OLD_LOCAL, *ORIGINS, *_RESIDENCE_PERMITS], index)


def _relations(place: Ints, male: Bools, room_mate: Bools) -> pl.Series:
    """GB/T 4761-2008, two digits, to the head of the household."""
    codes = ["02", "11", "12", "20", "30", "51", "52", "99"]
    child = (place == CHILD_1) | (place == CHILD_2)
    index = np.select(
        [place == HEAD, room_mate, place == SPOUSE, child, place == FATHER],
        [0, 7, np.where(male, 1, 2), np.where(male, 3, 4), 5],
        6,
    )
    return texts(codes, index)


def settle(
    rng: np.random.Generator,
    residents: pl.DataFrame,
    households: pl.DataFrame,
    home: Ints,
    elsewhere: Ints,
    moved_in: Floats,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give households the addresses ``home``; those with ``elsewhere`` ≥ 0 really live there (人户分离).

    ``moved_in`` is a day number per household, NaN for those who have always been here. Adds the remaining
    columns.
    """
    first = int(households["household_id"][0]) if len(households) else 0
    row = residents["household_id"].to_numpy() - first
    lives = np.where(elsewhere >= 0, elsewhere, home)
    came = moved_in[row]
    known = ~np.isnan(came)
    came_day = np.where(known, came, 0).astype(np.int64)
    birth = residents["birth_date"].to_physical().to_numpy().astype(np.int64)
    came_day = np.maximum(came_day, birth)
    old = micros(datetime(2019, 1, 1)) + (rng.random(len(row)) ** 0.7 * 2400 * DAY).astype(np.int64)
    born = birth * DAY + 9 * HOUR  # known from the day of birth on: a change is never later than the day it is seen
    changed = np.maximum(np.maximum(old, born), np.where(known, came_day * DAY + DAY // 2, 0))
    moved_before = rng.random(len(row)) < 0.15
    settled = residents.with_columns(
        pl.Series("address_id", lives[row]),
        masked(pl.Series(lives[rng.permutation(len(lives))][row]), moved_before).alias("former_address_id"),
        dates(came_day, known).alias("moved_in"),
        pl.lit(None, pl.Date).alias("moved_out"),
        pl.lit(None, pl.Date).alias("death_date"),
        pl.lit(None, pl.Date).alias("death_registered_on"),
        times(changed).alias("updated_at"),
    )
    latest = settled.group_by("household_id", maintain_order=True).agg(pl.col("updated_at").max())["updated_at"]
    return settled, households.with_columns(pl.Series("address_id", home), latest)
