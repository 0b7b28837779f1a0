"""Why two records are one: the fields' weights are those that the links are made by."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
import pytest

from resolution.residents import explain, model
from resolution.residents.evidence import WORDS
from resolution.residents.features import features
from resolution.residents.representatives import representatives
from resolution.residents.town import LEAST
from resolution.sources import RESIDENT_SCHEMA

NUMBER = "11010519491231002X"


def people(*rows: dict[str, object]) -> pl.DataFrame:
    named = [{"system": "s", "stream": "t", "record_key": str(n), **row} for n, row in enumerate(rows)]
    return pl.DataFrame([dict.fromkeys(RESIDENT_SCHEMA) | row for row in named], schema=RESIDENT_SCHEMA)


def test_every_level_of_the_model_has_its_words() -> None:
    levels = {
        c["output_column_name"]: sum(not level.get("is_null_level", False) for level in c["comparison_levels"])
        for c in model.load().settings["comparisons"]
    }
    assert levels == {name: len(words) for name, words in WORDS.items()}


def test_the_fields_add_up_to_the_weight_that_links() -> None:
    born = dt.date(1961, 3, 4)
    records = people(
        {"name": "王小明", "birth_date": born, "phone": "13900000001", "sex": "male"},
        {"name": "王晓明", "birth_date": born, "phone": "13900000001", "sex": "male"},
        {"name": "赵丽", "birth_date": dt.date(1990, 5, 6), "phone": "13900000001", "sex": "female"},
    )
    found = explain(records)
    seen = {(a, b): 0.0 for a, b in found.select("a", "b").unique().iter_rows()}
    for a, b, weight in found.select("a", "b", "weight").iter_rows():
        seen[a, b] += weight
    cells = features(records)
    rows = representatives(cells, cells.select("row", cluster="row"))
    pairs = pl.DataFrame({"join_key_l": [0, 0, 1], "join_key_r": [1, 2, 2]})
    settings = model.load().sized(LEAST)
    prior = settings["probability_two_random_records_match"]
    for a, b, weight in model.predict(rows, pairs, settings, ["match_weight"]).iter_rows():
        assert seen[a, b] + math.log2(prior / (1 - prior)) == pytest.approx(weight, abs=1e-6)
    words = {(a, b, field): evidence for a, b, field, evidence in found.drop("weight").iter_rows()}
    assert words[0, 1, "name"] == "the same sound"
    assert words[0, 1, "birth"] == "the same birth date"
    assert words[0, 2, "gender"] == "another sex"
    assert (0, 1, "place") not in words
    assert seen[0, 1] > 0 > seen[0, 2]


def test_one_valid_number_needs_no_weights() -> None:
    found = explain(people({"resident_id_no": NUMBER, "name": "王伟"}, {"resident_id_no": NUMBER, "name": "王玮"}))
    assert found.rows() == [(0, 1, "number", "the same valid number", None)]
