"""Our query of the saved model gives what Splink's predict gives, on every level of every comparison."""

from __future__ import annotations

import polars as pl

from resolution.residents import model, weights
from resolution.residents.coding import CODED
from resolution.residents.evidence import WORDS
from tests.unit.resolution.every_level import all_pairs, people


def test_every_level_weighs_what_it_weighs_with_splink() -> None:
    rows = people()
    pairs = all_pairs(rows)
    trained = model.load()
    gammas = [f"gamma_{name}" for name in WORDS]
    settings = trained.sized(rows.height)
    settings |= {"retain_intermediate_calculation_columns": True, "retain_matching_columns": True}
    theirs = model.predict(rows, pairs, settings, ["match_weight", *gammas])
    for name, words in WORDS.items():
        assert set(theirs[f"gamma_{name}"]) == set(range(-1, len(words))), name
    ours = model.score(rows, pairs, trained, least=-1e9)
    both = ours.join(theirs, on=["a", "b"], how="full", coalesce=True)
    assert both.height == pairs.height and not both["weight"].has_nulls() and not both["match_weight"].has_nulls()
    assert (both["weight"] - both["match_weight"]).abs().max() < 1e-9


def test_codes_weigh_what_their_texts_weigh() -> None:
    rows, trained = people(), model.load()
    coded = rows.with_columns(pl.col(pl.String).cast(CODED))
    texts, codes = (model.score(each, all_pairs(rows), trained, least=-1e9).sort("a", "b") for each in (rows, coded))
    assert texts.equals(codes)


def test_only_pairs_that_weigh_enough_come_back() -> None:
    rows, trained = people(), model.load()
    whole = model.score(rows, all_pairs(rows), trained, least=-1e9)
    some = model.score(rows, all_pairs(rows), trained, least=0.0)
    assert 0 < some.height < whole.height
    assert some.sort("a", "b").equals(whole.filter(pl.col("weight") >= 0.0).sort("a", "b"))


def test_a_value_that_was_not_counted_weighs_what_its_level_weighs() -> None:
    level = {"m_probability": 0.5, "u_probability": 0.25}
    rare = level | {"sql_condition": "x_l = x_r", "tf_adjustment_column": "x", "tf_adjustment_weight": 1.0}
    settings = {
        "probability_two_random_records_match": 0.5,
        "comparisons": [{"comparison_levels": [rare, level | {"sql_condition": "ELSE"}]}],
    }
    rows = pl.DataFrame({"id": [1, 2, 3, 4], "x": ["a", "a", "b", "b"], "tf_x": [None, None, 0.125, None]})
    pairs = pl.DataFrame({"join_key_l": [1, 3], "join_key_r": [2, 4]})
    found = weights.weigh(rows, pairs, settings, least=-9.0)
    assert found.sort("a").rows() == [(1, 2, 1.0), (3, 4, 2.0)]
