"""Things that are valid for a time and renewed, early, late or never; and things of which so many come a day."""

from __future__ import annotations

import numpy as np

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import Floats, Ints, day_number
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

_EARLY, _LATE = 20, 240


def renewals(
    ids: Ints,
    first: Ints,
    period: Ints | int,
    today: int,
    *salt: str | int,
    late: float | Floats = 0.1,
    dropped: float | Floats = 0.05,
) -> tuple[Ints, Ints, Ints]:
    """``(turn, start, last)`` of what is newest on the day ``today``, as day numbers: given on ``start``, good up to
    and with ``last``.

    The turn 0 begins on ``first`` (≤ today); every later one is due after ``period`` (≥ 365) days and comes up to 20
    days early or, a share ``late`` of them, up to 240 days late. A share ``dropped`` of the ids renews once or never.
    """
    period = np.broadcast_to(np.asarray(period, np.int64), first.shape)
    turn = (today - first) // period + 1
    for _ in range(2):
        turn = np.where(_start(ids, first, period, turn, late, *salt) > today, turn - 1, turn)
    ends = uniform(ids, *salt, "dropped") < dropped
    turn = np.where(ends, np.minimum(turn, integers(ids, 0, 2, *salt, "last turn")), turn)
    return turn, _start(ids, first, period, turn, late, *salt), first + (turn + 1) * period - 1


def _start(ids: Ints, first: Ints, period: Ints, turn: Ints, late: float | Floats, *salt: str | int) -> Ints:
    """The day on which a turn is given; the first one is given on its day."""
    key = ids * 1_000 + turn
    shift = np.where(
        uniform(key, *salt, "late") < late,
        integers(key, 30, _LATE, *salt, "days late"),
        -integers(key, 0, _EARLY, *salt, "days early"),
    )
    return first + turn * period + np.where(turn > 0, shift, 0)


def daily(world: World, a_day: float, *salt: str | int) -> tuple[Ints, Ints]:
    """``(ids, days)`` of things of which about ``a_day`` come a day at scale 1, since the history began.

    An id is the day number × 10,000 and a running number: what came on one day is the same for ever.
    """
    days = np.arange(day_number(HISTORY_START), day_number(world.today) + 1)
    mean = a_day * world.scale * (0.6 + 0.8 * uniform(days, world.seed, *salt, "day"))
    count = np.floor(mean + uniform(days, world.seed, *salt, "rest")).astype(np.int64)
    row = np.repeat(days, count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row * 10_000 + number, row
