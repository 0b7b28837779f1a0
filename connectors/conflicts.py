"""Two contents of one key in a snapshot: the later row is quarantined as received, for a replay to take again."""

from __future__ import annotations

import polars as pl

from connectors.conform import REJECTED_SCHEMA, payloads, record_keys
from connectors.contract import Column, Stream

REASON = "conflicting_duplicate"


def conflict_rejects(rows: pl.DataFrame, stream: Stream) -> pl.DataFrame:
    """Accepted rows as rejected ones (see `conform.Conformed.rejected`)."""
    return pl.DataFrame(
        {
            "row_no": pl.Series([None] * len(rows), dtype=pl.Int64),
            "record_key": record_keys(rows, stream),
            "payload": payloads(_as_received(rows, stream)),
            "reasons": [[f"{stream.primary_key[0].name}:{REASON}"]] * len(rows),
            "version_number": pl.Series([None] * len(rows), dtype=pl.Int64),
            "whole": [True] * len(rows),
        },
        schema=REJECTED_SCHEMA,
    )


def _as_received(rows: pl.DataFrame, stream: Stream) -> pl.DataFrame:
    """Accepted rows under the upstream's own column names, so that a replay can take them again."""
    return rows.select(_received(column).alias(column.physical_name) for column in stream.columns)


def _received(column: Column) -> pl.Expr:
    if column.keeps_raw:
        return pl.col(f"{column.name}_raw")
    value = pl.col(column.name)
    if column.logical_type != "timestamp":
        return value.cast(pl.String)
    if column.format == "epoch":
        return value.dt.epoch("ms").cast(pl.String)
    return value.dt.strftime("%Y-%m-%dT%H:%M:%S%.f+00:00")
