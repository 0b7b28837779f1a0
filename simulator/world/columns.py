"""Small tools for building columns: random streams, weighted picks, and numbers that become dates and times.

Inside the world a date is a whole number of days and a time a whole number of microseconds since 1970-01-01
(local time of the town, no zone), so that all arithmetic stays in numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zlib import crc32

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HOUR = 3_600_000_000
DAY = 24 * HOUR
EPOCH = date(1970, 1, 1)


def stream(seed: int, day: date, topic: str) -> np.random.Generator:
    """The random stream of one topic on one day: what one topic draws never shifts another's draws."""
    entropy = np.random.SeedSequence([seed, day.toordinal(), crc32(topic.encode())])
    return np.random.Generator(np.random.PCG64(entropy))


def day_number(day: date) -> int:
    return (day - EPOCH).days


def to_date(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


def years_before(day: date, years: int) -> date:
    """The same day ``years`` earlier; 29 February becomes the 28th."""
    last = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year - years, day=last)


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def dates(days: ArrayLike, valid: ArrayLike | None = None) -> pl.Series:
    """Day numbers as a Date column; null where ``valid`` is false."""
    return masked(pl.Series(np.asarray(days, dtype=np.int32)).cast(pl.Date), valid)


def times(values: ArrayLike, valid: ArrayLike | None = None) -> pl.Series:
    """Microseconds as a Datetime column cut to whole seconds; null where ``valid`` is false."""
    seconds = np.asarray(values, dtype=np.int64) // 1_000_000 * 1_000_000
    return masked(pl.Series(seconds).cast(pl.Datetime("us")), valid)


def masked(values: pl.Series, valid: ArrayLike | None) -> pl.Series:
    if valid is None:
        return values
    keep = pl.Series(np.asarray(valid, dtype=bool))
    return pl.select(pl.when(keep).then(values)).to_series()


def numbers(values: pl.Series, null: int = -1) -> Ints:
    """An integer, date or time column as int64, ``null`` in place of nulls."""
    return np.asarray(values.to_physical().cast(pl.Int64).fill_null(null).to_numpy(), dtype=np.int64)


def texts(options: Sequence[str], indices: ArrayLike) -> pl.Series:
    return pl.Series(list(options), dtype=pl.String).gather(pl.Series(np.asarray(indices, dtype=np.uint32)))


def weighted(rng: np.random.Generator, weights: Sequence[float] | Floats, size: int) -> Ints:
    """Indices drawn in proportion to ``weights`` (not normalised), with replacement."""
    cumulative = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.asarray(np.searchsorted(cumulative, rng.random(size) * cumulative[-1], side="right"), dtype=np.int64)


def weighted_without(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    """``size`` different indices drawn in proportion to ``weights`` (Gumbel top-k), ascending."""
    size = min(size, int(np.count_nonzero(weights)))
    with np.errstate(divide="ignore"):
        keys = np.log(weights) + rng.gumbel(size=len(weights))
    return np.sort(np.argpartition(-keys, max(size - 1, 0))[:size]) if size else np.zeros(0, np.int64)


def zipf(size: int, exponent: float = 0.7) -> Floats:
    """Falling weights for a list ordered by popularity."""
    return np.arange(1, size + 1, dtype=np.float64) ** -exponent


def hour_of_day(rng: np.random.Generator, size: int, profile: Sequence[float]) -> Ints:
    """Microseconds within the day, drawn from a profile of 24 hourly weights."""
    return weighted(rng, profile, size) * HOUR + (rng.random(size) * HOUR).astype(np.int64)


def digits(values: ArrayLike, width: int) -> pl.Series:
    """Whole numbers as text padded with zeros to ``width``."""
    return pl.Series(np.asarray(values, dtype=np.int64)).cast(pl.String).str.zfill(width)


def count(scale: float, at_scale_1: float, least: int = 0) -> int:
    return max(least, round(at_scale_1 * scale))


WAKING = (1, 1, 0.5, 0.5, 0.5, 1, 3, 6, 8, 9, 9, 8, 6, 6, 8, 9, 9, 8, 8, 8, 7, 6, 4, 2)
OFFICE = (0, 0, 0, 0, 0, 0, 0, 0, 3, 9, 10, 7, 1, 3, 9, 10, 8, 4, 1, 0, 0, 0, 0, 0)


def words(text: str) -> list[str]:
    """A list of words written as one text, which is easier to read and to extend."""
    return text.split()
