"""What two statements settle is not weighed: one name with one telephone, whatever else the two records say.

Most records without a number agree with somebody in so much that nothing else they say could make up for it. These are
joined by sorting, and what is left meets whole people instead of their single records.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from resolution.residents.abreast import abreast
from resolution.residents.blocking import Places, Truths, blocks_of
from resolution.residents.coding import codes_of
from resolution.residents.model import Model
from resolution.residents.promise import log_odds, prior_of
from resolution.residents.town import LEAST
from resolution.union import components

BESIDE = {"phone": ("phone", 0), "birth": ("birth", 0), "door": ("place", 0), "typed_ends": ("number", 2)}
"""What may settle it beside the name: column → its comparison in `settings`, and which level of it."""
ALIKE = ("number", "gender", "birth_year")
"""Records that would come together and differ in one of these are weighed instead."""
SURE = 0.0
"""Least weight of two such statements after all that the rest may say against them."""


def evident(
    people: pl.DataFrame, clusters: pl.Series, trained: Model, *, largest: int, changed: pl.Series | None = None
) -> pl.Series:
    """The `clusters` of all of `people`, in their order, joined where two statements settle it.

    A joined cluster keeps the smallest of its labels; no more than `largest` records come together, of which those
    with a number of one cluster are one. With `changed` (rows) only clusters that one of these is in are joined to
    others.
    """
    label = clusters.to_numpy()
    ends = label[_pairs(people, trained)]
    met = np.zeros(int(label.max(initial=-1)) + 1, bool)
    met[ends] = True
    named = np.flatnonzero(met)
    node = np.cumsum(met) - 1
    group = components(len(named), *node[ends])
    at = np.flatnonzero(met[label])
    groups = group[node[label[at]]]
    torn = np.bincount(group, weights=_records(label, people["number"])[named], minlength=len(named)) > largest
    for several in abreast(lambda name: _several(people[name][at], groups, len(named)), ALIKE):
        torn |= several
    if changed is not None:
        untouched = np.ones(len(named), bool)
        untouched[groups[people["row"].is_in(changed.implode()).to_numpy()[at]]] = False
        torn |= untouched
    kept = ~torn[groups]
    joined = label.copy()
    joined[at[kept]] = named[groups[kept]]
    return pl.Series(clusters.name, joined)


def _records(label: Places, number: pl.Series) -> npt.NDArray[np.float64]:
    """By label, how many records it has, where all with a number are one."""
    loose = number.is_null().to_numpy()
    records = np.bincount(label, weights=loose, minlength=int(label.max(initial=-1)) + 1)
    borne = np.zeros(len(records), bool)
    borne[label[~loose]] = True
    return np.asarray(records + borne)


def _pairs(people: pl.DataFrame, trained: Model) -> Places:
    """Places of rows that follow each other in a block of a name and something beside, one above the other."""
    settings = trained.sized(people.height)
    levels = {one["output_column_name"]: one for one in settings["comparisons"]}
    odds = {name: log_odds(one) for name, one in levels.items()}
    loose = people["number"].is_null().to_numpy()
    name = prior_of(settings) + odds["name"][0] + _rarity(people["name"], levels["name"])

    def of(column: str) -> Places:
        comparison, level = BESIDE[column]
        # Another sex or year is not joined, and days of one year weigh for it. How crowded a building is, is not
        # counted: another door in such a one weighs a little less than is reckoned here.
        against = sum(min(0.0, *odds[other]) for other in odds if other not in ("name", "birth", "gender", comparison))
        weight = name + odds[comparison][level] + against + _rarity(people[column], levels[comparison])
        blocks = blocks_of(people, ("name", column))
        enough = (weight[blocks.first()] >= SURE) & (blocks.sums(loose) > 0)
        if comparison == "number":
            # One whole number beside masked ones: two that differ may differ in all between their ends.
            block = np.repeat(np.arange(len(blocks.size)), blocks.size)
            enough &= ~_several(people["typed"][blocks.rows], block, len(blocks.size))
        blocks = blocks.only(enough)
        last = np.zeros(len(blocks.rows), bool)
        last[np.cumsum(blocks.size) - 1] = True
        at = np.flatnonzero(~last)
        return np.stack([blocks.rows[at], blocks.rows[at + 1]])

    return np.concatenate(abreast(of, BESIDE), axis=1)


def _rarity(values: pl.Series, comparison: dict[str, Any]) -> npt.NDArray[np.float64]:
    """What the rarity of each row's value adds to the level of equal values; 0 where the model counts none.

    Counted by rows: a value of one person's many records seems more frequent than it is, and settles less.
    """
    mean = next((math.log2(level["u_probability"]) for level in comparison["comparison_levels"]
                 if level.get("tf_adjustment_column") == values.name), None)  # fmt: skip
    if mean is None:
        return np.zeros(len(values))
    codes = codes_of(values)
    counts = np.bincount(codes + 1, minlength=1)
    shares = np.maximum(counts, 1) / max(len(codes) - counts[0], LEAST)
    return np.asarray(mean - np.log2(shares)[codes + 1])


def _several(values: pl.Series, groups: Places, many: int) -> Truths:
    """By group, whether its rows have more than one value."""
    codes = values.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    known = codes >= 0
    low, high = np.full(many, np.iinfo(np.int64).max), np.full(many, -1)
    np.minimum.at(low, groups[known], codes[known])
    np.maximum.at(high, groups[known], codes[known])
    return np.asarray(high > low)
