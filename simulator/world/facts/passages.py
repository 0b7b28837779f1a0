"""Gates of the estates (智慧小区): the devices, how many pass each in an hour, and some of those who pass."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, Ints, dates, day_number, digits, micros, texts, times
from simulator.world.facts.draws import chosen, strangers
from simulator.world.hashing import bits, integers, uniform
from simulator.world.model import World

PASSES_PER_HOME = 4.15
"""A day; 0.6 million in all at scale 1."""
_INSTALLED_FROM = day_number(date(2021, 3, 1))
_OFFLINE, _OFFLINE_HOUR = 0.01, 0.004
_SPELL = 3
"""A gate that fails is back after three days."""
_DOORS = ("东门", "西门", "南门", "北门", "地下车库", "中心通道")
# how many of a day's passes fall into each hour, inwards and outwards
_IN = np.array([4, 2, 1, 1, 1, 2, 6, 14, 18, 20, 22, 30, 34, 26, 22, 24, 34, 62, 78, 66, 48, 36, 22, 10], float)
_OUT = np.array([2, 1, 1, 1, 2, 8, 30, 78, 74, 42, 30, 26, 28, 30, 26, 26, 30, 34, 38, 32, 22, 14, 8, 4], float)


def gates(world: World) -> pl.DataFrame:
    """One row per gate: ``gate_id``, estate, community_id, door, kind pedestrian|vehicle, vendor (0–2), lon, lat,
    homes (that it serves), installed_on, state online|offline, updated_at; two to five of each estate."""
    estates = (
        world.addresses.filter((pl.col("kind") == "residential") & pl.col("estate").is_not_null())
        .group_by("estate")
        .agg(
            pl.len().alias("homes"),
            # a mean would depend on the order in which it is summed
            pl.col("lon").median(),
            pl.col("lat").median(),
            pl.col("community_id").mode().min(),
        )
        .sort("estate")
        .with_row_index("number")
    )
    number = estates["number"].to_numpy().astype(np.int64)
    size = 2 + integers(number, 0, 4, world.seed, "gates")
    row = np.repeat(number, size)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    ids = row * 10 + rank + 1
    shift = (uniform(ids, world.seed, "gate lon") - 0.5) * 0.002, (uniform(ids, world.seed, "gate lat") - 0.5) * 0.002
    installed = _INSTALLED_FROM + integers(row, 0, 1_200, world.seed, "gate installed")
    on, changed = _state(ids, installed, world)
    return estates[row].select(
        gate_id=pl.Series(ids),
        estate="estate",
        community_id="community_id",
        door=texts(_DOORS, (rank + row) % len(_DOORS)),
        kind=chosen(("pedestrian", "vehicle"), ids, world.seed, "gate kind", weights=(3, 1)),
        vendor=pl.Series(integers(row, 0, 3, world.seed, "gate vendor")),
        lon=(pl.col("lon") + pl.Series(shift[0])).round(7),
        lat=(pl.col("lat") + pl.Series(shift[1])).round(7),
        homes=pl.col("homes") / pl.Series(size[row]),
        installed_on=dates(installed),
        state=texts(["offline", "online"], on),
        updated_at=times(changed * DAY + 6 * HOUR),
    )


def _offline(ids: Ints, day: Ints, seed: int) -> np.ndarray:
    return uniform(ids * 100_000 + day // _SPELL, seed, "gate offline") < _OFFLINE


def _state(ids: Ints, installed: Ints, world: World) -> tuple[np.ndarray, Ints]:
    """Whether each gate is online, and the day on which that last changed since the history began."""
    today = day_number(world.today)
    days = np.arange(today, day_number(HISTORY_START) - 1, -1)
    offline = np.stack([_offline(ids, np.full(len(ids), day), world.seed) for day in days])
    turned = offline[:-1] != offline[1:]
    since = np.where(turned.any(axis=0), today - turned.argmax(axis=0), installed)
    return ~offline[0], np.maximum(since, installed)


def counts(world: World, since: datetime, until: datetime) -> pl.DataFrame:
    """Passes by gate and hour in [since, until) (whole hours): ``gate_id``, hour, passes_in, passes_out.

    A gate that is offline for the hour or the day counts nothing and sends nothing.
    """
    doors = gates(world)
    ids = doors["gate_id"].to_numpy()
    hours = np.arange(micros(since) // HOUR, micros(until) // HOUR)
    gate, hour = np.tile(np.arange(len(ids)), len(hours)), np.repeat(hours, len(ids))
    key = ids[gate] * 1_000_000 + hour
    lost = _offline(ids[gate], hour // 24, world.seed) | (uniform(key, world.seed, "gate hour") < _OFFLINE_HOUR)
    there = ~lost & (doors["installed_on"].to_physical().to_numpy()[gate] < hour // 24)
    gate, hour, key = gate[there], hour[there], key[there]
    busy = doors["homes"].to_numpy()[gate] * PASSES_PER_HOME / 2
    passes = {
        name: np.floor(
            busy * share[hour % 24] / share.sum() * (0.6 + 0.8 * uniform(key, world.seed, name))
            + uniform(key, world.seed, name, "rest")
        ).astype(np.int64)
        for name, share in (("passes_in", _IN), ("passes_out", _OUT))
    }
    return pl.DataFrame({"gate_id": ids[gate], "hour": times(hour * HOUR), **passes})


def last_passes(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Somebody who passed in each hour of ``counts``, as the gate knows them: name, id_no, face (reference of the
    picture), card, at."""
    key = rows["gate_id"].to_numpy() * 1_000_000 + rows["hour"].to_physical().to_numpy() // HOUR
    people = strangers(key, seed, "passer")
    return people.select("name", "id_no").with_columns(
        face="FACE" + digits(bits(key, seed, "face") % np.uint64(10**15), 15),
        card="E004" + digits(bits(key, seed, "card") % np.uint64(10**8), 8),
        at=rows["hour"] + pl.duration(seconds=pl.lit(pl.Series(integers(key, 0, 3600, seed, "pass second")))),
    )


def day_of(world: World) -> tuple[datetime, datetime]:
    """The last day as [since, until)."""
    midnight = datetime.combine(world.today, time())
    return midnight, midnight + timedelta(days=1)
