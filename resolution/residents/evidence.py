"""What the model holds for and against two records being one person, field by field, in words and weights."""

from __future__ import annotations

import polars as pl

from resolution.residents import model
from resolution.residents.features import features
from resolution.residents.representatives import representatives
from resolution.residents.town import LEAST

WORDS = {
    "number": ("the same number", "numbers a digit or two apart", "the same ends of a masked number", "other numbers"),
    "name": ("the same name", "the same sound", "the same surname and nearly the same sound", "nearly the same sound",
             "the same surname", "other names"),
    "birth": ("the same birth date", "a date of the lunar calendar and one of the sun's", "dates a digit apart",
              "the same year", "other years"),
    "phone": ("the same telephone", "telephones a digit apart", "other telephones"),
    "place": ("the same door", "the same building", "the same community", "other places"),
    "gender": ("the same sex", "another sex"),
}  # fmt: skip
"""Comparison of `settings` → its levels, from full agreement to contradiction."""
SCHEMA: dict[str, type[pl.DataType]] = {
    "a": pl.Int64,
    "b": pl.Int64,
    "field": pl.String,
    "evidence": pl.String,
    "weight": pl.Float64,
}


def explain(records: pl.DataFrame) -> pl.DataFrame:
    """a, b (rows of `records`, a < b), field, evidence, weight: log2 of the Bayes factor, above 0 for one person.

    `records` is of `resolution.sources.RESIDENT_SCHEMA`. What a record does not say weighs nothing and is left out.
    Two records with one valid number need no weights: their one line has none. How often a value occurs is known of
    these records alone, so a common name weighs here as it would in a town where nobody else bears it.
    """
    people = features(records)
    rows = representatives(people, people.select("row", cluster="row"))
    pairs = rows.select(join_key_l="id").join(rows.select(join_key_r="id"), how="cross")
    pairs = pairs.filter(pl.col("join_key_l") < pl.col("join_key_r"))
    numbers = people.select("row", "number").drop_nulls()
    exact = numbers.join(numbers, on="number").filter(pl.col("row") < pl.col("row_right"))
    by_number = exact.select(
        a="row", b="row_right", field=pl.lit("number"), evidence=pl.lit("the same valid number"),
        weight=pl.lit(None, dtype=pl.Float64),
    )  # fmt: skip
    weighed = pairs.join(by_number, left_on=["join_key_l", "join_key_r"], right_on=["a", "b"], how="anti")
    found = [by_number.cast(pl.Schema(SCHEMA)), *(_weights(rows, weighed) if weighed.height else [])]
    return pl.concat(found).sort("a", "b", maintain_order=True)


def _weights(rows: pl.DataFrame, pairs: pl.DataFrame) -> list[pl.DataFrame]:
    settings = model.load().sized(LEAST)
    settings |= {"retain_intermediate_calculation_columns": True, "retain_matching_columns": True}
    rare = {c["output_column_name"] for c in settings["comparisons"] if _counts(c)}
    columns = [f"{part}_{name}" for name in WORDS for part in ("gamma", "mw")]
    columns += [f"mw_tf_adj_{name}" for name in WORDS if name in rare]
    found = model.predict(rows, pairs, settings, columns)
    return [
        found.filter(pl.col(f"gamma_{name}") >= 0)
        .select(
            "a",
            "b",
            field=pl.lit(name),
            evidence=pl.col(f"gamma_{name}").replace_strict(
                {float(level): word for level, word in enumerate(reversed(words))}, return_dtype=pl.String
            ),
            weight=pl.col(f"mw_{name}") + (pl.col(f"mw_tf_adj_{name}") if name in rare else 0.0),
        )
        .cast(pl.Schema(SCHEMA))
        for name, words in WORDS.items()
    ]


def _counts(comparison: dict[str, object]) -> bool:
    levels = comparison["comparison_levels"]
    assert isinstance(levels, list)
    return any("tf_adjustment_column" in level for level in levels)
