"""Coded columns: what is read of each distinct text comes back in every row, and keys are equal where values are."""

from __future__ import annotations

import polars as pl
import pytest

from resolution.residents.coding import CODED, as_texts, each_once, keys_of


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
