"""Incidents of the town and the reports that tell of them, one or several of each.

Fires, gas leaks and dangers at premises come from a stateless draw per premises and day whose rate grows with
``true_hazard``, so the future of any premises can be looked up (``labels``) without living through it.
Everything else is drawn to meet the day's (or the history's) number of reports by channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from simulator.world import phrases
from simulator.world.calibration import FIRES_IN_HOMES_A_DAY
from simulator.world.columns import (
    DAY,
    HOUR,
    WAKING,
    Bools,
    Floats,
    Ints,
    day_number,
    hour_of_day,
    masked,
    numbers,
    texts,
    times,
    weighted,
)
from simulator.world.geography import Ground, degrees, plane
from simulator.world.hashing import uniform

# Incidents a day at premises of no hazard; each rises e⁷-fold from hazard 0 to 1. So the worst fifth of the premises
# holds four fifths of what happens there: the 80/20 rule of facilities of one kind ("risky facilities", Clarke & Eck).
# At e⁴ it held 55 %, and who knew every latent hazard ranked premises no better (area under the curve 0.745) than a
# model of Atlanta's fires did from its records alone (0.75 in the year after, Data Science for Social Good 2015).
_RATES = {"fire": 2.03e-6, "gas": 1.52e-6, "safety_hazard": 1.1e-5}
_STEEPNESS = 7.0
_MINUTE = HOUR // 60
# mean minutes from the incident to its report
_DELAY = {
    "police_110": 4,
    "fire_119": 3,
    "four_platform": 240,
    "snapshot_report": 150,
    "hotline_12345": 90,
    "city_eye": 2,
    "safety_patrol": 300,
    "grid_app": 180,
    "city_management": 200,
}


@dataclass(frozen=True)
class People:
    """Who may report: ids and phones of adults (phones may be null)."""

    resident_id: Ints
    phone: pl.Series


def at_premises(premises: pl.DataFrame, day: int, seed: int) -> tuple[Ints, Ints]:
    """(row of ``premises``, kind as index of ``_RATES``) of the incidents on the day number ``day``."""
    ids = premises["premises_id"].to_numpy()
    opened = numbers(premises["opened_on"])
    closed = numbers(premises["closed_on"], null=2**31)
    factor = np.exp(_STEEPNESS * premises["true_hazard"].to_numpy()) * ((opened <= day) & (closed > day))
    draw = uniform(ids * 100_000 + day, seed, "premises incident")
    edges = np.cumsum(list(_RATES.values()))
    struck = np.flatnonzero(draw < edges[-1] * factor)
    kind = (draw[struck, None] >= edges[None, :] * factor[struck, None]).sum(axis=1)
    return struck.astype(np.int64), kind.astype(np.int64)


def labels(premises: pl.DataFrame, after: date, days: int, seed: int) -> pl.DataFrame:
    """What will happen at each premises in the ``days`` after ``after`` if it stays open: counts by kind."""
    counts = np.zeros((len(premises), len(_RATES)), np.int64)
    for day in range(day_number(after) + 1, day_number(after) + 1 + days):
        row, kind = at_premises(premises, day, seed)
        np.add.at(counts, (row, kind), 1)
    return pl.DataFrame(
        {
            "premises_id": premises["premises_id"],
            **{f"future_{k}": counts[:, i] for i, k in enumerate(_RATES)},
        }
    )


@dataclass
class _Batch:
    """Incidents of one origin: kind (index of KINDS), day, premises row or -1, and who hears of each."""

    kind: Ints
    day: Ints
    premises: Ints
    heard: dict[str, Bools]
    repeats: dict[str, int]


def build(
    rng: np.random.Generator,
    *,
    first_day: int,
    last_day: int,
    totals: dict[str, int],
    scale: float,
    seed: int,
    land: Ground,
    premises: pl.DataFrame,
    addresses: pl.DataFrame,
    people: People,
    first_incident: int,
    first_report: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """``(incidents, reports)`` of the days; channels of ``totals`` get exactly so many reports where possible.

    Reports have their times of receipt only; ``progress.at`` adds the steps.
    """
    batches = _plan(rng, first_day, last_day, totals, scale, seed, premises)
    kind = np.concatenate([b.kind for b in batches])
    day = np.concatenate([b.day for b in batches])
    at_row = np.concatenate([b.premises for b in batches])
    happened = day * DAY + hour_of_day(rng, len(day), WAKING)
    incidents, place = _incidents(rng, kind, happened, at_row, land, premises, addresses)

    start = np.cumsum([0, *[len(b.kind) for b in batches]])
    index: list[Ints] = []
    channel: list[Ints] = []
    again: list[Bools] = []
    for offset, batch in zip(start[:-1], batches, strict=True):
        for name, heard in batch.heard.items():
            told = np.flatnonzero(heard)
            extra = rng.choice(told, batch.repeats.get(name, 0)) if len(told) else told
            index += [offset + told, offset + extra]
            channel.append(np.full(len(told) + len(extra), phrases.CHANNELS.index(name)))
            again += [np.zeros(len(told), bool), np.ones(len(extra), bool)]
    reports = _reports(
        rng,
        np.concatenate(index),
        np.concatenate(channel),
        np.concatenate(again),
        kind,
        happened,
        place,
        people,
    )
    return _numbered(rng, incidents, reports, people, first_incident, first_report)


def _plan(
    rng: np.random.Generator,
    first_day: int,
    last_day: int,
    totals: dict[str, int],
    scale: float,
    seed: int,
    premises: pl.DataFrame,
) -> list[_Batch]:
    days = last_day - first_day + 1
    struck = [
        (np.full(len(row), day), row, kind)
        for day in range(first_day, last_day + 1)
        for row, kind in [at_premises(premises, day, seed)]
    ]
    home_fires = int(rng.poisson(FIRES_IN_HOMES_A_DAY * scale * days))
    kinds = np.array([phrases.KINDS.index(k) for k in _RATES])
    fire, gas = kinds[0], kinds[1]
    kind = np.concatenate([*(kinds[k] for _, _, k in struck), np.full(home_fires, fire)])
    day = np.concatenate([*(d for d, _, _ in struck), rng.integers(first_day, last_day + 1, home_fires)])
    row = np.concatenate([*(r for _, r, _ in struck), np.full(home_fires, -1)])
    heard = {"fire_119": kind == fire}
    for name, shares in phrases.HEARD_AT_PREMISES.items():
        chance = np.select([kind == fire, kind == gas], [shares["fire"], shares["gas"]], shares["safety_hazard"])
        heard[name] = rng.random(len(kind)) < chance
    heard["four_platform"] |= ~np.any(list(heard.values()), axis=0)
    batches = [_Batch(kind, day, row, heard, {})]
    for origin in phrases.ORIGINS:
        already = sum(int(b.heard[origin.channel].sum()) for b in batches if origin.channel in b.heard)
        left = max(0, totals[origin.channel] - already)
        batches.append(_first_heard(rng, origin, left, first_day, days))
    return batches


def _first_heard(rng: np.random.Generator, origin: phrases.Origin, reports: int, first_day: int, days: int) -> _Batch:
    """Incidents that make ``reports`` reports in the origin's channel; a share of them also reaches others."""
    n = round(reports / origin.per_incident)
    weights = list(origin.kinds.values())
    kind = np.array([phrases.KINDS.index(k) for k in origin.kinds])[weighted(rng, weights, n)]
    heard = {origin.channel: np.ones(n, bool)}
    for other, share in origin.passed_on.items():
        heard[other] = np.zeros(n, bool)
        heard[other][rng.permutation(n)[: round(n * share)]] = True
    day = first_day + rng.integers(0, days, n)
    return _Batch(kind, day, np.full(n, -1), heard, {origin.channel: reports - n})


def _incidents(
    rng: np.random.Generator,
    kind: Ints,
    happened: Ints,
    at_row: Ints,
    land: Ground,
    premises: pl.DataFrame,
    addresses: pl.DataFrame,
) -> tuple[pl.DataFrame, tuple[pl.Series, pl.Series]]:
    """Incidents (without ids) and for each its exact and its vague place in words."""
    n = len(kind)
    there = at_row >= 0
    safe_row = np.maximum(at_row, 0)
    address = rng.integers(0, len(addresses), n)
    shops = np.flatnonzero((addresses["kind"] == "shop").to_numpy())
    in_front_of_shop = kind == phrases.KINDS.index("shop_occupying_road")
    address[in_front_of_shop] = rng.choice(shops, int(in_front_of_shop.sum()))
    if there.any():
        of_premises = premises["address_id"].gather(safe_row[there]).to_numpy()
        address[there] = np.searchsorted(addresses["address_id"].to_numpy(), of_premises)
    outdoors = ~there & (rng.random(n) < np.array([phrases.OUTDOORS.get(k, 0.12) for k in phrases.KINDS])[kind])
    where = addresses[address]
    x, y = plane(where["lon"].to_numpy(), where["lat"].to_numpy())
    spread: Floats = np.where(outdoors, 90.0, 8.0)
    lon, lat = degrees(x + rng.normal(0, 1, n) * spread, y + rng.normal(0, 1, n) * spread)
    inside = land.inside(lon, lat)
    lon, lat = np.where(inside, lon, where["lon"].to_numpy()), np.where(inside, lat, where["lat"].to_numpy())
    vague = where.select(pl.coalesce("estate", "lane", "road")).to_series()
    exact = where["full_text"].str.slice(6)  # people leave out district and town
    nearby = vague + (where["building"] + "幢").fill_null("") + "附近"
    let = premises["category"].gather(safe_row) == "rental_housing"  # whose name only repeats the address
    named = masked(exact + premises["name"].gather(safe_row), there & ~let.to_numpy())
    exact = named.fill_null(masked(exact, ~outdoors)).fill_null(nearby)
    frame = pl.DataFrame(
        {
            "kind": texts(phrases.KINDS, kind),
            "occurred_at": times(happened),
            "address_id": masked(addresses["address_id"].gather(address), ~outdoors),
            "lon": lon,
            "lat": lat,
            "grid_id": land.grid_of(lon, lat),
            "premises_id": masked(premises["premises_id"].gather(safe_row), there),
        }
    )
    return frame, (exact, vague)


def _reports(
    rng: np.random.Generator,
    index: Ints,
    channel: Ints,
    again: Bools,
    kind: Ints,
    happened: Ints,
    place: tuple[pl.Series, pl.Series],
    people: People,
) -> pl.DataFrame:
    n = len(index)
    mean = np.array([_DELAY[c] for c in phrases.CHANNELS])[channel] + 25 * again
    told = happened[index] + (rng.exponential(1.0, n) * mean * _MINUTE).astype(np.int64)
    # nobody waits for the next day: what would come later comes at some moment of the rest of this one
    rest = (happened[index] // DAY + 1) * DAY - 1_000_000 - happened[index]
    told = np.where(told - happened[index] > rest, happened[index] + (rng.random(n) * rest).astype(np.int64), told)
    exact, vague = place
    precise = rng.random(n) < 0.6
    where = masked(exact.gather(index), precise).fill_null(vague.gather(index) + "附近")
    said = _choose(rng, list(phrases.DESCRIPTIONS.values()), kind[index])
    opening = _choose(rng, list(phrases.OPENINGS.values()), channel)
    staff = rng.random(n) < np.array([phrases.BY_STAFF.get(c, 0.0) for c in phrases.CHANNELS])[channel]
    who = rng.integers(0, len(people.resident_id), n)
    phone = masked(people.phone.gather(who), ~staff)
    signs = (channel == phrases.CHANNELS.index("snapshot_report")) & (rng.random(n) < 0.03)
    signature = masked("，我的电话" + phone, signs).fill_null("")
    return pl.DataFrame(
        {
            "incident": index,
            "channel": texts(phrases.CHANNELS, channel),
            "reported_at": times(told),
            "reporter_resident_id": masked(pl.Series(people.resident_id[who]), ~staff),
            "caller_phone": phone,
            "text": opening + where + said + signature,
        }
    )


def _choose(rng: np.random.Generator, lists: list[tuple[str, ...]], which: Ints) -> pl.Series:
    """One of the texts of ``lists[which]`` for each of ``which``."""
    sizes = np.array([len(options) for options in lists])
    offset = np.cumsum(sizes) - sizes
    pick = (rng.random(len(which)) * sizes[which]).astype(np.int64)
    return texts([option for options in lists for option in options], offset[which] + pick)


def _numbered(
    rng: np.random.Generator,
    incidents: pl.DataFrame,
    reports: pl.DataFrame,
    people: People,
    first_incident: int,
    first_report: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Give ids in order of time, and each incident the text and reporter of its first report."""
    order = numbers(incidents["occurred_at"]).argsort(kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    reports = reports.with_columns(pl.Series("incident_id", first_incident + rank[reports["incident"].to_numpy()]))
    reports = reports.sort("reported_at", "incident_id", "channel", maintain_order=True).drop("incident")
    reports = reports.select(pl.int_range(first_report, first_report + pl.len()).alias("report_id"), pl.all())
    first = reports.group_by("incident_id", maintain_order=True).agg(
        pl.col("reporter_resident_id").drop_nulls().first(), pl.col("text").first()
    )
    incidents = incidents[order].select(
        pl.int_range(first_incident, first_incident + pl.len()).alias("incident_id"), pl.all()
    )
    incidents = incidents.join(first, on="incident_id", how="left", maintain_order="left")
    return incidents.with_columns(updated_at="occurred_at"), reports
