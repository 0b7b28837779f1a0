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
from resolution.residents.coding import codes_of, spread
from resolution.residents.model import Model
from resolution.residents.settings import PHONE_ENDS, TYPED_SLIPS
from resolution.residents.town import Town

_SAID = ("name", "pinyin", "gender", "birth", "phone", "door", "building", "community", "typed", "typed_ends")
_ALIKE = ("birth", "head", "tail", "door", "building", "community", "typed_ends")
"""Where a pair has one of these in common it is weighed."""
_LONGEST = 18
"""Signs of a number."""
SLACK = 1e-6
"""Sums of floating-point numbers differ by their order."""


def promising(rows: pl.DataFrame, trained: Model, town: Town, *, least: float) -> Callable[[Places, Places], Truths]:
    """Which pairs of representatives (by their places in `rows`) may weigh `least` or more; all others weigh less."""
    settings = trained.sized(town.size())
    levels = {one["output_column_name"]: log_odds(one) for one in settings["comparisons"]}
    prior = prior_of(settings)
    named = prior + levels["name"][0] + _rarity(rows, "name", settings, town)
    sounded = prior + levels["name"][1] + _rarity(rows, "pinyin", settings, town)
    text = rows["phone"].cast(pl.String)
    ends = {"head": text.str.head(PHONE_ENDS), "tail": text.str.tail(PHONE_ENDS)}
    # All that is said of a row lies side by side: a pair is two reads of memory, not two for each column.
    said = np.stack([codes_of(values).astype(np.int32) for values in (*(rows[name] for name in _SAID), *ends.values())],
                    axis=1)  # fmt: skip
    place = {name: at for at, name in enumerate((*_SAID, *ends))}
    alike = [place[name] for name in _ALIKE]
    years, typed = rows["birth_year"].fill_null(-1).to_numpy(), rows["typed"]

    def worth(left: Places, right: Places) -> Truths:
        mine, theirs = said[left], said[right]
        known = (mine >= 0) & (theirs >= 0)
        equal = known & (mine == theirs)
        same, both = ({name: told[:, at] for name, at in place.items()} for told in (equal, known))
        most = np.where(same["name"], named[left], np.where(same["pinyin"], sounded[left], np.inf))
        most += np.where(both["gender"], np.where(same["gender"], levels["gender"][0], levels["gender"][-1]), 0.0)
        most += np.where((years[left] >= 0) & (years[right] >= 0), max(levels["birth"][1:]), 0.0)
        most += np.where(both["phone"], levels["phone"][-1], 0.0)
        most += np.where(both["door"] | both["community"], levels["place"][-1], 0.0)
        most += np.where(both["typed_ends"], levels["number"][-1], 0.0)
        kept = equal[:, alike].any(axis=1) | (most >= least - SLACK)
        unsure = np.flatnonzero(~kept & both["typed"])
        apart = np.abs(_digits(typed[left[unsure]]) - _digits(typed[right[unsure]])).sum(axis=1, dtype=np.int8)
        kept[unsure] = apart <= 2 * TYPED_SLIPS
        return np.asarray(kept)

    return worth


def _digits(typed: pl.Series) -> npt.NDArray[np.int8]:
    """How often each sign occurs in a number: a slip changes two of these counts by one, or fewer."""
    texts = typed.cast(pl.String).fill_null("").str.pad_end(_LONGEST).to_list()
    octets = np.frombuffer("".join(texts).encode(), np.uint8).reshape(-1, _LONGEST)
    return np.stack([(octets == sign).sum(axis=1, dtype=np.int8) for sign in b"0123456789X"], axis=1)


def _rarity(rows: pl.DataFrame, column: str, settings: dict[str, Any], town: Town) -> npt.NDArray[np.float64]:
    """What the rarity of each row's value adds to its level; of a value that is not counted nothing is known."""
    (mean,) = (
        math.log2(level["u_probability"])
        for one in settings["comparisons"]
        for level in one["comparison_levels"]
        if level.get("tf_adjustment_column") == column
    )
    found = town.shares(column)
    shares = spread(found[column], found[f"tf_{column}"], rows[column])
    return mean - shares.log(2).fill_null(-math.inf).to_numpy()


def prior_of(settings: dict[str, Any]) -> float:
    """log2 of the odds that two rows taken at random are one person."""
    prior = settings["probability_two_random_records_match"]
    return math.log2(prior / (1 - prior))


def log_odds(comparison: dict[str, Any]) -> list[float]:
    """log2 of the Bayes factors of a comparison's levels, from full agreement to contradiction."""
    told = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
    return [math.log2(level["m_probability"] / level["u_probability"]) for level in told]
