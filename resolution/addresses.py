"""Addresses of many records taken apart, each spelling once: a firm tells its own with every lease and permit."""

from __future__ import annotations

import polars as pl

from connectors.standards import address


def parsed(texts: pl.Series) -> pl.DataFrame:
    """`address.parse` of every text, in their order."""
    spellings = texts.unique()
    at = pl.DataFrame({"text": spellings, "at": pl.int_range(len(spellings), eager=True)})
    where = texts.to_frame("text").join(at, on="text", how="left", maintain_order="left", nulls_equal=True)
    return address.parse(spellings)[where["at"]]
