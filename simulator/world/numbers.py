"""Identity numbers, phones and the like: valid by their standards, and never given to two."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from connectors.standards import resident_id
from simulator.world.columns import Bools, Ints, dates, digits, texts, words
from simulator.world.hashing import bits

_MOBILE = words(
    "135 136 137 138 139 150 151 152 158 159 182 183 187 188 130 131 132 155 156 185 186 133 153 180 181 189 177 199"
)


def resident_ids(
    rng: np.random.Generator, division: pl.Series, birth: Ints, male: Bools, taken: pl.Series | None = None
) -> pl.Series:
    """GB 11643 numbers for these divisions, days of birth and sexes; all different, none in ``taken``.

    People of one division, birthday and sex get consecutive sequences from a random start, as offices give
    them out: the numbers of twins differ in the sequence and the check alone.
    """
    size = len(birth)
    frame = pl.DataFrame({"division": division, "birth": birth, "male": male})
    rank = frame.select(pl.int_range(pl.len()).over("division", "birth", "male")).to_series().to_numpy()
    start = bits(birth * 2 + male, "sequence", int(rng.integers(2**31))) % np.uint64(440)
    born = dates(birth)
    chosen = rank.astype(np.int64)
    while True:
        sequence = 2 * ((start.astype(np.int64) + chosen) % 500) + male
        made = resident_id.make(division, born, pl.Series(sequence))
        clash = np.zeros(size, bool) if taken is None else made.is_in(taken.implode()).to_numpy()
        if not clash.any():
            return made
        chosen = chosen + clash * int(rank.max() + 1)


def phones(ids: ArrayLike, generation: int) -> pl.Series:
    """An 11-digit mobile number for each id; different ids and generations (0–9) give different numbers.

    A tenth of the first numbers were once the second number of somebody else (recycled by the operator):
    generation 1 of id n is generation 0 of id 7 n for the ids that 7 divides.
    """
    values = np.asarray(ids, dtype=np.int64)
    recycled = (values % 7 == 0) & (generation == 0)
    owner = np.where(recycled, values // 7, values)
    turn = np.where(recycled, 1, generation)
    counter = owner * 10 + turn
    body = (counter * 7_654_321 + 1_357_911) % 100_000_000  # a bijection: the factor is prime to 10⁸
    return texts(_MOBILE, counter % 97 % len(_MOBILE)) + digits(body, 8)


def landlines(ids: ArrayLike) -> pl.Series:
    values = (np.asarray(ids, dtype=np.int64) * 76_543 + 135_791) % 10_000_000
    return "05718" + digits(values, 7)


def with_luhn(body: pl.Series) -> pl.Series:
    """Append the Luhn check digit (ISO/IEC 7812-1 annex B, as in a 15-digit IMEI) to digits of equal length."""
    matrix = np.array(body.str.split("").to_list(), dtype=np.int64)
    doubled = matrix.copy()
    doubled[:, ::-2] *= 2
    doubled[:, ::-2] -= 9 * (doubled[:, ::-2] > 9)
    return body + digits((10 - doubled.sum(axis=1) % 10) % 10, 1)
