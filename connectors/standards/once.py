"""Each distinct text worked out once: many reports tell of one door, a firm names its own with every permit."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl


def once_each(texts: pl.Series, work: Callable[[pl.Series], pl.DataFrame]) -> pl.DataFrame:
    """What ``work`` gives for each distinct text (a row each, in their order), a row for every text in its order."""
    distinct = texts.unique()
    at = pl.DataFrame({"text": distinct, "at": pl.int_range(len(distinct), eager=True)})
    where = texts.to_frame("text").join(at, on="text", how="left", maintain_order="left", nulls_equal=True)
    return work(distinct)[where["at"]]
