"""Learning the model's weights from records alone, on explicit demand: no run does so by itself.

What two people have in common by chance is drawn from random pairs, what one person's records have in common from
those that share a valid number. Nobody's answers are needed.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from resolution.residents.exact import borrowed_numbers
from resolution.residents.features import features, without_number
from resolution.residents.model import COMPARED, Model, connect
from resolution.residents.settings import settings

PAIRS = 2e6
LEAST_M, LEAST_U = 5e-4, 2e-6
"""Least probability of a level among records of one person, and among those of two."""
LEAST_ROWS = 1000


class TrainingError(RuntimeError):
    """There is too little to learn from; the message says what is wanted."""


def train(records: pl.DataFrame, *, seed: int = 1) -> Model:
    """A model from records of `resolution.sources.RESIDENT_SCHEMA`. Raises TrainingError."""
    people = features(records)
    people = without_number(people, borrowed_numbers(people))
    shared = people.filter(pl.col("number").is_not_null() & (pl.len().over("number") > 1)).height
    if shared < LEAST_ROWS:
        raise TrainingError(
            f"only {shared} records share a valid number with another; at least {LEAST_ROWS} are needed to learn from"
        )
    api, linker = connect(people.rename({"row": "id"}).select(*COMPARED, "number"), settings())
    linker.training.estimate_u_using_random_sampling(max_pairs=PAIRS, seed=seed)
    linker.training.estimate_m_from_label_column("number")
    learnt = smoothed(linker.misc.save_model_to_json())
    api.duckdb_con.close()
    learnt.pop("linker_uid", None)
    return Model(learnt, partners_per_row=int(people["number"].null_count()) / people.height)


def smoothed(learnt: dict[str, Any]) -> dict[str, Any]:
    """What was not seen in training is rare, and not impossible: no single slip may rule out a pair."""
    for comparison in learnt["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                level["m_probability"] = max(level.get("m_probability") or 0.0, LEAST_M)
                level["u_probability"] = max(level.get("u_probability") or 0.0, LEAST_U)
    return learnt
