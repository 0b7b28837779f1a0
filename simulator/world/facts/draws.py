"""What facts are drawn with: picks, working days, months, firms that existed, and people of nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from connectors.standards import resident_id
from simulator.world import numbers
from simulator.world.columns import Bools, Ints, dates, day_number, texts, words
from simulator.world.columns import numbers as as_numbers
from simulator.world.hashing import integers, uniform
from simulator.world.names import SURNAME_WEIGHTS, SURNAMES

_GIVEN = words(
    "伟 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀英 桂英 建国 建华 志强 海燕 春梅 晓东 小红 文斌 国平 "
    "丽华 玉兰 佳怡 子轩 浩然 思雨 欣悦 俊杰 雨桐 嘉豪 永福 金凤 水根 阿英"
)
_HOMES = words("330106 330105 330110 330109 341221 361128 411729 522423")


def chosen(options: Sequence[str], ids: Ints, *salt: str | int, weights: Sequence[float] | None = None) -> pl.Series:
    """One of the options for each of ``ids``, in proportion to ``weights`` (equal ones without)."""
    shares = np.cumsum(np.ones(len(options)) if weights is None else np.asarray(weights, dtype=np.float64))
    return texts(options, np.searchsorted(shares, uniform(ids, *salt) * shares[-1], side="right"))


def told(kinds: pl.Series, options: Mapping[str, Sequence[str]], ids: Ints, *salt: str | int) -> pl.Series:
    """One of the texts of each row's kind."""
    every = [text for texts_ in options.values() for text in texts_]
    sizes = np.array([len(texts_) for texts_ in options.values()])
    kind = kinds.replace_strict(list(options), range(len(options)), return_dtype=pl.Int64).to_numpy()
    first = np.cumsum(sizes) - sizes
    return texts(every, first[kind] + (uniform(ids, *salt) * sizes[kind]).astype(np.int64))


def working_days(days: Ints) -> Ints:
    """Day numbers with those of weekends moved to the Friday before."""
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    return days - np.maximum(weekday - 4, 0)


def months(first: date, last: date) -> list[date]:
    """The first days of the months from that of ``first`` to that of ``last``."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    start = first.year * 12 + first.month - 1
    return [date((start + k) // 12, (start + k) % 12 + 1, 1) for k in range(count)]


def last_month_end(day: date) -> date:
    """The newest end of a month that is not after ``day``."""
    tomorrow = day + timedelta(days=1)
    return tomorrow.replace(day=1) - timedelta(days=1)


def existed(enterprises: pl.DataFrame, days: Ints) -> Bools:
    """Whether each enterprise was registered before its day of ``days`` and closed after it."""
    closed = as_numbers(enterprises["closed_on"], null=2**31)
    return (as_numbers(enterprises["registered_on"]) < days) & (closed > days)


def strangers(ids: Ints, *salt: str | int) -> pl.DataFrame:
    """People whom no register of the town knows: ``name``, ``id_no`` (GB 11643, valid), ``phone``."""
    family = texts(SURNAMES, np.searchsorted(np.cumsum(SURNAME_WEIGHTS), _below(SURNAME_WEIGHTS.sum(), ids, *salt)))
    born = dates(integers(ids, -7_000, 13_500, *salt, "born"))
    number = resident_id.make(chosen(_HOMES, ids, *salt, "home"), born, pl.Series(integers(ids, 1, 1000, *salt, "no")))
    return pl.DataFrame(
        {
            "name": family + chosen(_GIVEN, ids, *salt, "given"),
            "id_no": number,
            "phone": numbers.phones(integers(ids, 2_000_000, 9_000_000, *salt, "phone"), 3),
        }
    )


def _below(limit: float, ids: Ints, *salt: str | int) -> np.ndarray:
    return uniform(ids, *salt, "family") * limit


def daily(first: date, last: date, a_day: float, *salt: str | int) -> Ints:
    """Keys (day number × 10,000 + running number) of what happens about ``a_day`` times a day, half to double of it."""
    days = days_between(first, last)
    most = a_day * (0.5 + uniform(days, *salt, "busy"))
    sizes = np.floor(most + uniform(days, *salt, "one more")).astype(np.int64)
    nth = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    keys: Ints = np.repeat(days, sizes) * 10_000 + nth
    return keys


def days_between(first: date, last: date) -> Ints:
    """Day numbers from ``first`` to ``last``."""
    return np.arange(day_number(first), day_number(last) + 1, dtype=np.int64)
