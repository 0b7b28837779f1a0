"""Counts of values: what was asked of the warehouse once is not asked again, known there or not."""

from __future__ import annotations

from typing import cast

import polars as pl
import psycopg
import pytest

from resolution.residents import state as resident_state


def test_no_key_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counts(_: psycopg.Connection, keys: pl.Series) -> pl.DataFrame:
        asked.extend(keys)
        return pl.DataFrame({"key": [1, 2], "entities": [10, 20]}).filter(pl.col("key").is_in(keys.implode()))

    monkeypatch.setattr(resident_state, "counts", counts)
    known = resident_state.Counts(cast("psycopg.Connection", None))
    assert known.of(pl.Series([1, 3])).rows() == [(1, 10)]
    assert sorted(known.of(pl.Series([3, 2, 1, 2])).rows()) == [(1, 10), (2, 20)]
    assert known.of(pl.Series([3])).is_empty()
    assert sorted(asked) == [1, 2, 3]
