"""Pairs that cannot weigh enough, told without weighing them.

In a large town most pairs are two namesakes of whom neither says anything that the other says too. What such a pair
weighs at most follows from how common the name is, and from what is said of both and differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from resolution.residents.blocking import Places, Truths
from resolution.residents.coding import CODED, codes_of
from resolution.residents.model import Model
from resolution.residents.settings import PHONE_ENDS, TYPED_SLIPS
from resolution.residents.town import Town

_SAID = ("name", "pinyin", "gender", "birth", "phone", "door", "building", "community", "typed", "typed_ends")
_ALIKE = ("birth", "head", "tail", "door", "building", "community", "typed_ends")
"""Where a pair has one of these in common it is weighed."""
SLACK = 1e-6
"""Sums of floating-point numbers differ by their order."""


def promising(rows: pl.DataFrame, trained: Model, town: Town, *, least: float) -> Callable[[Places, Places], Truths]:
    """Which pairs of representatives (by their places in `rows`) may weigh `least` or more; all others weigh less."""
    settings = trained.sized(town.size())
    levels = {one["output_column_name"]: _weights(one) for one in settings["comparisons"]}
    prior = settings["probability_two_random_records_match"]
    prior = math.log2(prior / (1 - prior))
    named = prior + levels["name"][0] + _rarity(rows, "name", settings, town)
    sounded = prior + levels["name"][1] + _rarity(rows, "pinyin", settings, town)
    of = {name: codes_of(rows[name]) for name in _SAID}
    text = rows["phone"].cast(pl.String)
    of["head"], of["tail"] = codes_of(text.str.head(PHONE_ENDS)), codes_of(text.str.tail(PHONE_ENDS))
    years, digits = rows["birth_year"].fill_null(-1).to_numpy(), _digits(rows["typed"])

    def worth(left: Places, right: Places) -> Truths:
        same = {name: (codes[left] == codes[right]) & (codes[left] >= 0) for name, codes in of.items()}
        both = {name: (of[name][left] >= 0) & (of[name][right] >= 0) for name in _SAID}
        most = np.where(same["name"], named[left], np.where(same["pinyin"], sounded[left], np.inf))
        most += np.where(both["gender"], np.where(same["gender"], levels["gender"][0], levels["gender"][-1]), 0.0)
        most += np.where((years[left] >= 0) & (years[right] >= 0), max(levels["birth"][1:]), 0.0)
        most += np.where(both["phone"], levels["phone"][-1], 0.0)
        most += np.where(both["door"] | both["community"], levels["place"][-1], 0.0)
        most += np.where(both["typed_ends"], levels["number"][-1], 0.0)
        alike = np.logical_or.reduce([same[name] for name in _ALIKE])
        near = np.abs(digits[left] - digits[right]).sum(axis=1, dtype=np.int8) <= 2 * TYPED_SLIPS
        return np.asarray(alike | (both["typed"] & near) | (most >= least - SLACK))

    return worth


def _digits(typed: pl.Series) -> npt.NDArray[np.int8]:
    """How often each sign occurs in a number: a slip changes two of these counts by one, or fewer."""
    return np.stack([typed.cast(pl.String).str.count_matches(sign, literal=True).fill_null(0).cast(pl.Int8).to_numpy()
                     for sign in "0123456789X"], axis=1)  # fmt: skip


def _rarity(rows: pl.DataFrame, column: str, settings: dict[str, Any], town: Town) -> npt.NDArray[np.float64]:
    """What the rarity of each row's value adds to its level; of a value that is not counted nothing is known."""
    (mean,) = (
        math.log2(level["u_probability"])
        for one in settings["comparisons"]
        for level in one["comparison_levels"]
        if level.get("tf_adjustment_column") == column
    )
    values = rows.select(pl.col(column).cast(CODED))
    shares = values.join(town.shares(column), on=column, how="left", maintain_order="left")[f"tf_{column}"]
    return mean - shares.log(2).fill_null(-math.inf).to_numpy()


def _weights(comparison: dict[str, Any]) -> list[float]:
    """log2 of the Bayes factors of a comparison's levels, from full agreement to contradiction."""
    told = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
    return [math.log2(level["m_probability"] / level["u_probability"]) for level in told]
