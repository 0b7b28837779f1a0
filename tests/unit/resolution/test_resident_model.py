"""The model of residents: its weights are Splink's, its bounds hold, and nothing trains it but the command for it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from connectors.standards import resident_id
from resolution.residents import blocking, model, training
from resolution.residents.features import features
from resolution.residents.keys import COUNTED
from resolution.residents.representatives import representatives
from resolution.residents.town import LEAST, town_of
from resolution.sources import RESIDENT_SCHEMA


def town(people: int, seed: int = 1) -> pl.DataFrame:
    """Two records each of made-up people; the second without a number and, now and then, with a slip."""
    rng = np.random.default_rng(seed)
    born = pl.Series(rng.integers(-9000, 12000, people).astype(np.int32)).cast(pl.Date)
    numbers = resident_id.make(pl.Series(["330199"] * people), born, pl.Series(rng.integers(1, 990, people)))
    names = [
        surname + given
        for surname, given in zip(rng.choice(list("王李张刘陈杨黄赵"), people), rng.choice(
            ["伟", "芳", "秀英", "小明", "建国", "丽丽", "子涵", "志强", "桂花", "文博"], people), strict=True)
    ]  # fmt: skip
    lines = [f"139{n:08d}" for n in rng.integers(10_000_000, 99_999_999, people)]
    base = pl.DataFrame(
        {
            "resident_id_no": numbers,
            "name": names,
            "birth_date": born,
            "phone": lines,
            "community": ["c1", "c2"] * (people // 2),
        }
    )
    again = base.with_columns(
        phone=pl.when(pl.Series(rng.random(people) < 0.2)).then(pl.lit("13700000017")).otherwise("phone"),
        birth_date=pl.when(pl.Series(rng.random(people) < 0.1))
        .then(pl.lit(dt.date(1960, 1, 1)))
        .otherwise("birth_date"),
    )
    frame = pl.concat([base, again]).with_columns(
        system=pl.lit("s"), stream=pl.lit("t"), record_key=pl.int_range(pl.len()).cast(pl.String)
    )
    missing = [
        pl.lit(None, dtype=kind).alias(name) for name, kind in RESIDENT_SCHEMA.items() if name not in frame.columns
    ]
    return frame.with_columns(missing).select(list(RESIDENT_SCHEMA))


def loosened(records: pl.DataFrame) -> pl.DataFrame:
    """The second half without its numbers."""
    half = records.height // 2
    return records.with_columns(resident_id_no=pl.when(pl.int_range(pl.len()) < half).then(pl.col("resident_id_no")))


def scored_by_splink(rows: pl.DataFrame, trained: model.Model) -> pl.DataFrame:
    """Weights by Splink's own predict with its own blocking, given the same term frequencies."""
    settings = trained.sized(rows.height) | {
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": "l.phone = r.phone", "sql_dialect": "duckdb"},
            {"blocking_rule": "l.pinyin = r.pinyin and l.birth = r.birth", "sql_dialect": "duckdb"},
        ]
    }
    api, linker = model.connect(rows, settings)
    town = town_of(rows.rename({"id": "row"}), rows["cluster"])
    for column in COUNTED:
        table = api.register(town.shares(column).to_arrow())
        linker.table_management.register_term_frequency_lookup(table, column)
    found = linker.inference.predict(threshold_match_weight=-5.0)
    frame = pl.from_arrow(
        api.duckdb_con.sql(f"SELECT id_l AS a, id_r AS b, match_weight FROM {found.physical_name}").to_arrow_table()
    )
    assert isinstance(frame, pl.DataFrame)
    return frame.select(
        a=pl.min_horizontal("a", "b").cast(pl.Int64),
        b=pl.max_horizontal("a", "b").cast(pl.Int64),
        theirs="match_weight",
    )


def test_weights_are_those_of_splinks_own_predict() -> None:
    people = features(loosened(town(400)))
    rows = representatives(people, people.select("row", cluster="row"))
    trained = model.load()
    theirs = scored_by_splink(rows, trained)
    pairs, _ = blocking.candidate_pairs(rows, {"phone": ("phone",), "both": ("pinyin", "birth")})
    ours = model.score(rows, pairs, trained, least=-5.0)
    fixed = set(rows.filter(pl.col("number").is_not_null())["id"])
    expected = theirs.filter(~(pl.col("a").is_in(fixed) & pl.col("b").is_in(fixed)))
    both = ours.join(expected, on=["a", "b"], how="full", coalesce=True)
    assert both.height > 300 and both.null_count().sum_horizontal().item() == 0
    assert (both["weight"] - both["theirs"]).abs().max() < 1e-9


def test_values_are_counted_once_per_person_and_as_in_a_town() -> None:
    told = {name: pl.lit(None, dtype=pl.String) for name in COUNTED}
    people = pl.DataFrame({"row": range(5)}).with_columns(**told)
    people = people.with_columns(name=pl.Series(["王伟", "王伟", "王伟", "古丽", None]))
    town = town_of(people, pl.Series([1, 1, 2, 3, 4]))
    assert town.size() == 4
    assert dict(town.shares("name").rows()) == {"王伟": 2 / LEAST, "古丽": 1 / LEAST}
    assert town.shares("phone").is_empty()
    # A second 王伟 turns out to be the first.
    joined = town.grouped(pl.DataFrame({"row": [2], "cluster": [1]}))
    assert joined.size() == 3
    assert dict(joined.shares("name").rows()) == {"王伟": 1 / LEAST, "古丽": 1 / LEAST}


def test_training_learns_from_shared_numbers_and_the_same_records_give_the_same_model(tmp_path: Path) -> None:
    records = town(1200)
    trained = training.train(records)
    model.save(trained, tmp_path / "a.json")
    model.save(training.train(records), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_text() == (tmp_path / "b.json").read_text()
    assert model.load(tmp_path / "a.json") == trained
    phone = next(c for c in trained.settings["comparisons"] if c["output_column_name"] == "phone")
    same = phone["comparison_levels"][1]
    assert 0.75 < same["m_probability"] < 0.85 and same["u_probability"] < 0.1


def test_too_little_to_learn_from_is_said() -> None:
    with pytest.raises(training.TrainingError, match="at least 1000 are needed"):
        training.train(town(20))


@pytest.mark.parametrize("text", [None, "", "{}", '{"settings": {}}', "[]"])
def test_a_model_that_is_none_is_told_with_its_remedy(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "m.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(model.ModelError, match="townhub resolve train"):
        model.load(path)


def test_the_saved_model_has_a_weight_for_every_level() -> None:
    saved: dict[str, Any] = json.loads(model.PATH.read_text(encoding="utf-8"))
    for comparison in saved["settings"]["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                assert 0 < level["m_probability"] <= 1 and 0 < level["u_probability"] <= 1
