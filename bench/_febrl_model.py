"""What is compared of two of FEBRL's records, and what it weighs: by the hub's own model code, learnt without answers.

Chance agreement is drawn from random pairs; what one person's records have in common is learnt by expectation
maximisation among records that share a number, a birth date or a house. The set's answers are read nowhere.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from resolution.residents.model import Model, connect
from resolution.residents.training import PAIRS, smoothed

RULES: dict[str, tuple[str, ...]] = {
    "number": ("soc_sec_id",),
    "birth date": ("date_of_birth",),
    "names": ("names",),
    "given name and postcode": ("given_name", "postcode"),
    "surname and postcode": ("surname", "postcode"),
    "given name and suburb": ("given_name", "suburb"),
    "surname and suburb": ("surname", "suburb"),
    "house": ("address_1", "street_number"),
    "second line and house number": ("address_2", "street_number"),
    "street and postcode": ("address_1", "postcode"),
    "house number and postcode": ("street_number", "postcode"),
    "first 4 digits and state": ("number_head", "state"),
    "last 4 digits and state": ("number_tail", "state"),
}
COUNTED = ("given_name", "surname", "date_of_birth", "street_number", "address_1", "address_2", "suburb", "postcode",
           "state")  # fmt: skip
"""Columns whose values are weighed by how often they occur."""
LEARNT_FROM = (("soc_sec_id",), ("date_of_birth",), ("address_1", "street_number"))
"""Blockings of expectation maximisation. Each leaves out its own columns, which the others then learn."""


def settings() -> dict[str, Any]:
    """Splink's settings without weights."""
    comparisons = [
        _text("given_name", swapped="surname"),
        _text("surname", swapped="given_name"),
        _digits("date_of_birth", 2, counted=True),
        _digits("soc_sec_id", 2),
        _digits("street_number", 1, counted=True),
        _text("address_1", swapped="address_2"),
        _text("address_2", swapped="address_1"),
        _text("suburb"),
        _digits("postcode", 2, counted=True),
        _comparison("state", _same("state", counted=True)),
    ]
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": [],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
    }


def train(rows: pl.DataFrame) -> Model:
    """A model from `rows` of `_febrl_data.records` alone."""
    from splink import block_on

    columns = [name for name in rows.columns if name not in ("true", "cluster", "number")]
    api, linker = connect(rows.select(columns), settings())
    linker.training.estimate_u_using_random_sampling(max_pairs=PAIRS, seed=1)
    for columns_shared in LEARNT_FROM:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*columns_shared))
    learnt = smoothed(linker.misc.save_model_to_json())
    api.duckdb_con.close()
    shared = rows.group_by("soc_sec_id").len().select((pl.col("len").cast(pl.Int64) * (pl.col("len") - 1) // 2).sum())
    return Model(learnt, partners_per_row=int(shared.item()) / rows.height)


def _text(name: str, swapped: str = "") -> dict[str, Any]:
    """Words: the same, in the other's place (with `swapped`), nearly and roughly the same."""
    other = [_level(f"{name}_l = {swapped}_r")] if swapped else []
    near = [_level(f"jaro_winkler_similarity({name}_l, {name}_r) >= {least}") for least in (0.88, 0.7)]
    return _comparison(name, _same(name, counted=True), *other, *near)


def _digits(name: str, slips: int, *, counted: bool = False) -> dict[str, Any]:
    """Digits: the same, or up to so many slips apart."""
    near = [_level(f"damerau_levenshtein({name}_l, {name}_r) <= {slip}") for slip in range(1, slips + 1)]
    return _comparison(name, _same(name, counted=counted), *near)


def _comparison(name: str, *levels: dict[str, Any]) -> dict[str, Any]:
    null = _level(f"{name}_l is null or {name}_r is null") | {"is_null_level": True}
    return {"output_column_name": name, "comparison_levels": [null, *levels, _level("ELSE")]}


def _same(name: str, *, counted: bool) -> dict[str, Any]:
    level = _level(f"{name}_l = {name}_r")
    if counted:
        level |= {"tf_adjustment_column": name, "tf_adjustment_weight": 1.0, "disable_tf_exact_match_detection": True}
    return level


def _level(condition: str) -> dict[str, Any]:
    return {"sql_condition": condition, "label_for_charts": condition}
