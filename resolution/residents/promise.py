"""Pairs that cannot weigh enough, told without weighing them.

In a large town most pairs are two namesakes of whom neither says anything that the other says too. What such a pair
weighs follows from how common the name is; the model's other weights count at most once, and against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from resolution.residents.blocking import Places, Truths
from resolution.residents.coding import CODED, codes_of
from resolution.residents.model import Model
from resolution.residents.settings import PHONE_ENDS
from resolution.residents.town import Town

SLACK = 1e-6
"""Sums of floating-point numbers differ by their order."""


def promising(rows: pl.DataFrame, trained: Model, town: Town, *, least: float) -> Callable[[Places, Places], Truths]:
    """Which pairs of representatives (by their places in `rows`) may weigh `least` or more; all others weigh less."""
    settings = trained.sized(town.size())
    levels = {one["output_column_name"]: _weights(one) for one in settings["comparisons"]}
    prior = settings["probability_two_random_records_match"]
    shares = rows.select(pl.col("name").cast(CODED)).join(
        town.shares("name"), on="name", how="left", maintain_order="left"
    )
    # Of a name that is not counted nothing is known.
    rarity = -shares["tf_name"].log(2).fill_null(-math.inf).to_numpy()
    named = math.log2(prior / (1 - prior)) + levels["name"][0] + _mean(settings) + rarity
    name, sex, line, door, building, community = (
        codes_of(rows[column]) for column in ("name", "gender", "phone", "door", "building", "community")
    )
    text = rows["phone"].cast(pl.String)
    head, tail = codes_of(text.str.head(PHONE_ENDS)), codes_of(text.str.tail(PHONE_ENDS))
    told = rows.select(year=pl.col("birth_year").is_not_null(), ends=pl.col("typed_ends").is_not_null())
    year, ends = told["year"].to_numpy(), told["ends"].to_numpy()

    def worth(left: Places, right: Places) -> Truths:
        def same(codes: npt.NDArray[np.int64]) -> Truths:
            return np.asarray((codes[left] == codes[right]) & (codes[left] >= 0))

        def both(codes: npt.NDArray[np.int64]) -> Truths:
            return np.asarray((codes[left] >= 0) & (codes[right] >= 0))

        namesakes = same(name) & ~(year[left] & year[right]) & ~(ends[left] & ends[right])
        alike = same(head) | same(tail) | same(door) | same(building) | same(community)
        most = (
            named[left]
            + np.where(both(sex), np.where(same(sex), levels["gender"][0], levels["gender"][-1]), 0.0)
            + np.where(both(line), levels["phone"][-1], 0.0)
            + np.where(both(door) | both(community), levels["place"][-1], 0.0)
        )
        return np.asarray(~namesakes | alike | (most >= least - SLACK))

    return worth


def _weights(comparison: dict[str, object]) -> list[float]:
    """log2 of the Bayes factors of a comparison's levels, from full agreement to contradiction."""
    levels = comparison["comparison_levels"]
    assert isinstance(levels, list)
    return [
        math.log2(level["m_probability"] / level["u_probability"]) for level in levels if not level.get("is_null_level")
    ]


def _mean(settings: dict[str, object]) -> float:
    """What the level of the same name takes for the mean frequency of a name."""
    comparisons = settings["comparisons"]
    assert isinstance(comparisons, list)
    (level,) = (
        level
        for one in comparisons
        if one["output_column_name"] == "name"
        for level in one["comparison_levels"]
        if level.get("tf_adjustment_column") == "name"
    )
    return math.log2(level["u_probability"])
