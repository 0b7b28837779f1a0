"""Coded columns: what is read of each distinct text comes back in every row, and keys are equal where values are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from resolution.residents.coding import CODED, as_texts, distinct, each_once, keys_of, looked_up, spread, tally


def test_each_text_is_read_once_and_nulls_stay_null() -> None:
    seen: list[str] = []

    def read(texts: pl.Series) -> pl.DataFrame:
        seen.extend(texts.to_list())
        return pl.DataFrame({"upper": texts.str.to_uppercase(), "length": texts.str.len_chars()})

    found = each_once(pl.Series(["b", None, "a", "b"]), read)
    assert sorted(seen) == ["a", "b"]
    assert found.schema["upper"] == CODED
    assert as_texts(found).rows() == [("B", 1), (None, None), ("A", 1), ("B", 1)]


def test_a_column_of_nulls_alone_is_read_too() -> None:
    found = each_once(pl.Series([None, None], dtype=pl.String), lambda texts: pl.DataFrame({"same": texts}))
    assert found["same"].to_list() == [None, None]


def test_what_was_found_of_each_value_comes_back_in_every_row() -> None:
    values, onto = (pl.Series(texts, dtype=CODED) for texts in (["a", "b"], ["b", None, "a", "nowhere", "b"]))
    found = looked_up(values, pl.DataFrame({"length": [1, 2], "text": ["x", None]}), onto)
    assert found.rows() == [(2, None), (None, None), (1, "x"), (None, None), (2, None)]
    assert looked_up(values.clear(), found.clear(), onto).null_count().row(0) == (5, 5)


def test_keys_are_equal_where_all_values_are_and_null_where_one_is() -> None:
    rows = pl.DataFrame({"name": ["a", "b", "a", None, "a"], "year": [1, 1, 1, 1, None]})
    coded = rows.with_columns(pl.col("name").cast(CODED))
    for frame in (rows, coded):
        keys = keys_of(frame, ("name", "year"))
        assert keys[0] == keys[2] != keys[1]
        assert keys.is_null().to_list() == [False, False, False, True, True]
    assert keys_of(rows, ("name",)).to_list() == keys_of(coded, ("name",)).to_list()


def test_a_key_of_three_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="one or two columns"):
        keys_of(pl.DataFrame({"a": ["x"], "b": ["x"], "c": ["x"]}), ("a", "b", "c"))


def test_values_are_counted_once_in_each_group() -> None:
    column = pl.Series("name", ["a", "a", "b", None, "a"]).cast(CODED)
    found, total = tally(np.array([1, 1, 1, 2, 3]), column)
    assert dict(as_texts(found).rows()) == {"a": 2, "b": 1} and total == 3
    some, _ = tally(np.array([1, 1, 1, 2, 3]), column, pl.Series("name", ["b", "b", None, "elsewhere"]))
    assert dict(as_texts(some).rows()) == {"b": 1, "elsewhere": 0}


def test_numbers_of_values_are_found_for_every_row() -> None:
    values = pl.Series("name", ["a", "b"]).cast(CODED)
    rows = pl.Series(["b", None, "a", "unknown"]).cast(CODED)
    assert spread(values, pl.Series("tf", [0.5, 0.25]), rows).to_list() == [0.25, None, 0.5, None]


def test_distinct_numbers_come_sorted() -> None:
    assert distinct(np.array([3, 0, 3, 1])).tolist() == [0, 1, 3]
    assert distinct(np.array([], dtype=np.int64)).tolist() == []
