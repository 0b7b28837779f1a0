"""The weights of a Fellegi–Sunter model as one query, from Splink's settings: what `Linker.predict` would give.

A predict of Splink's plans, writes and parses some dozen statements, and that took longer than weighing the few pairs
that blocking leaves. Conditions of the levels are SQL of DuckDB's and are left to the backend, so no distance is
defined twice. Weights are chosen and added there and no more, so that every backend gives the same to the last bit.
"""

from __future__ import annotations

import math
import re
from typing import Any

import polars as pl
import polars.selectors as cs

from resolution import backends
from resolution.residents.coding import CODED


def weigh(rows: pl.DataFrame, pairs: pl.DataFrame, settings: dict[str, Any], *, least: float) -> pl.DataFrame:
    """a, b and weight (log2 of the odds, prior included) of those `pairs` that weigh at least `least`, in no order.

    `rows` has id, the columns that the settings compare, and tf_X (a share, or null) for each column X that they weigh
    by how often its value occurs; `pairs` has join_key_l and join_key_r (ids).
    """
    # Logarithms differ by machine in their last bit; here they are taken once for every value, too, not for every pair.
    told = _as_compared(rows, settings).with_columns(cs.starts_with("tf_").log(2))
    found = backends.ask(_query(rows.columns, settings, least), {"people": told, "pairs": pairs})
    return found.select(pl.col("a", "b").cast(pl.Int64), pl.col("weight").cast(pl.Float64))


def _as_compared(rows: pl.DataFrame, settings: dict[str, Any]) -> pl.DataFrame:
    """The same with texts for codes where conditions ask more of a column than whether two values are the same."""
    conditions = [level["sql_condition"] for one in settings["comparisons"] for level in one["comparison_levels"]]
    more = " ".join(re.sub(r"\b(\w+)_[lr] (is null|= \1_[lr])\b", "", condition) for condition in conditions)
    read = set(re.findall(r"\b(\w+)_[lr]\b", more))
    kinds = {name: pl.String if name in read else pl.Int32 for name, kind in rows.schema.items() if kind == CODED}
    codes = rows.with_columns(pl.col(name).to_physical() for name, kind in kinds.items() if kind == pl.Int32)
    return codes.cast(kinds)  # type: ignore[arg-type]


def _query(columns: list[str], settings: dict[str, Any], least: float) -> str:
    """Sides of each pair → level of each comparison → sum of weights, added in Splink's order."""
    sides = [f"{side}.{name} AS {name}_{side}" for name in columns for side in ("l", "r")]
    comparisons = [comparison["comparison_levels"] for comparison in settings["comparisons"]]
    levels = [f"{_level(comparison)} AS level_{at}" for at, comparison in enumerate(comparisons)]
    rare = [f"tf_{name}_{side}" for name in columns if f"tf_{name}" in columns for side in ("l", "r")]
    prior = settings["probability_two_random_records_match"]
    terms = [_number(math.log2(prior / (1 - prior)))]
    for at, comparison in enumerate(comparisons):
        terms += [f"CASE level_{at} {' '.join(cases)} ELSE 0::DOUBLE END" for cases in _cases(comparison) if cases]
    return f"""
      WITH sides AS (
        SELECT {", ".join(sides)} FROM pairs JOIN people l ON l.id = join_key_l JOIN people r ON r.id = join_key_r
      ), compared AS (SELECT id_l AS a, id_r AS b, {", ".join([*rare, *levels])} FROM sides),
      weighed AS (SELECT a, b, {" + ".join(terms)} AS weight FROM compared)
      SELECT a, b, weight FROM weighed WHERE weight >= {_number(least)}"""


def _level(levels: list[dict[str, Any]]) -> str:
    """Which level holds first, by its place in the list."""
    cases = [
        f"ELSE {at}" if level["sql_condition"] == "ELSE" else f"WHEN {level['sql_condition']} THEN {at}"
        for at, level in enumerate(levels)
    ]
    return f"CASE {' '.join(cases)} END"


def _cases(levels: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """(log2 of the Bayes factor of each level, what the rarity of the value adds); a null level weighs nothing."""
    told = [(at, level) for at, level in enumerate(levels) if not level.get("is_null_level")]
    weights = [f"WHEN {at} THEN {_number(math.log2(level['m_probability'] / level['u_probability']))}"
               for at, level in told]  # fmt: skip
    return weights, [f"WHEN {at} THEN {_rarity(level)}" for at, level in told if level.get("tf_adjustment_column")]


def _rarity(level: dict[str, Any]) -> str:
    """What a value weighs above the mean of its level: the more common side counts (tf_X is log2 of a share)."""
    left, right = (f"tf_{level['tf_adjustment_column']}_{side}" for side in ("l", "r"))
    weight, mean = _number(level["tf_adjustment_weight"]), _number(math.log2(level["u_probability"]))
    # greatest passes over a null; where both sides are null the value says no more than its level.
    return f"coalesce({weight} * ({mean} - greatest({left}, {right})), 0::DOUBLE)"


def _number(value: float) -> str:
    return f"({value!r})::DOUBLE"
