"""Values as 64-bit hashes, equal on every machine: what one run wrote is found by the next (docs/decisions/0002)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import polars_hash as plh

_SEED = 0x4B455953
_SEPARATOR = "\x1f"


def hashed(rows: pl.DataFrame, label: str, columns: Sequence[str]) -> pl.Series:
    """key: a hash of each row's values under a label, null where one of them is."""
    values = (pl.col(name).cast(pl.String) for name in columns)
    texts = rows.select(text=pl.concat_str([pl.lit(label), *values], separator=_SEPARATOR))
    return texts.select(key=plh.col("text").nchash.xxh3_64(seed=_SEED)).to_series().reinterpret(signed=True)
