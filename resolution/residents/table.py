"""Any table of person records, resolved by the hub's own code: a Parquet file in, a Parquet file of links out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from resolution.residents import cluster
from resolution.sources import RESIDENT_SCHEMA

COLUMNS = ("record_id", "system", "resident_id_no", "name", "birth_date", "sex", "phone", "address", "community")
"""What a table may have; all but the first may be missing or null."""


class TableError(RuntimeError):
    """A table cannot be resolved as it is; the message says what to mend."""


def read(path: Path) -> pl.DataFrame:
    """Records of `RESIDENT_SCHEMA` (record_key is the table's record_id) from a Parquet file. Raises TableError."""
    try:
        table = pl.read_parquet(path)
    except FileNotFoundError:
        raise TableError(f"there is no file {path}") from None
    except (pl.exceptions.PolarsError, OSError) as error:
        raise TableError(f"{path} cannot be read as Parquet ({type(error).__name__}): write it anew") from error
    return records(table)


def records(table: pl.DataFrame) -> pl.DataFrame:
    """Records of `RESIDENT_SCHEMA` from a table of `COLUMNS`, in its order. Raises TableError."""
    if "record_id" not in table.columns:
        raise TableError(f"the table has no column record_id; its columns may be {', '.join(COLUMNS)}")
    if unknown := sorted(set(table.columns) - set(COLUMNS)):
        raise TableError(
            f"unknown columns {', '.join(unknown)}: name them as in {', '.join(COLUMNS)}, or leave them out"
        )
    nested = [name for name, kind in table.schema.items() if kind.is_nested() or kind == pl.Binary]
    if nested:
        raise TableError(f"columns {', '.join(nested)} hold no text: give one value per record")
    ids = table["record_id"].cast(pl.String)
    if ids.null_count():
        raise TableError(f"record_id is null in {ids.null_count()} rows: every record needs one")
    if twice := table.height - ids.n_unique():
        raise TableError(f"record_id is not unique: {twice} rows repeat one; give each record its own")
    missing = {name: pl.lit(None, dtype=pl.String) for name in COLUMNS if name not in table.columns}
    texts = table.with_columns(**missing).with_columns(pl.col(COLUMNS).cast(pl.String))
    return texts.select(
        pl.col("system").fill_null("").alias("system"),
        pl.lit("").alias("stream"),
        pl.col("record_id").alias("record_key"),
        *[_day(texts["birth_date"]) if name == "birth_date" else pl.col(name) for name in list(RESIDENT_SCHEMA)[3:]],
    )


def links(found: pl.DataFrame) -> pl.DataFrame:
    """record_id, resident_key, link_kind of `records`, sorted by record_id.

    Keys are for this table alone and hang neither on the order of its rows nor on anything personal; only the hub's
    ledger has keys that last.
    """
    assigned = cluster(found).assigned.sort("row")
    named = assigned.with_columns(record_id=found["record_key"]).with_columns(
        first=pl.col("record_id").min().over("cluster")
    )
    number = pl.col("first").rank("dense").cast(pl.String).str.zfill(9)
    return named.select("record_id", resident_key=pl.lit("R") + number, link_kind="link_kind").sort("record_id")


def _day(texts: pl.Series) -> pl.Series:
    """Dates as 1975-03-05, 1975-03-05 00:00:00, 19750305, 1975/3/5; what is no day becomes null."""
    plain = texts.str.strip_chars().str.head(10)
    tries: Sequence[str] = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d")
    return (
        pl.select(pl.coalesce([pl.lit(plain.str.to_date(form, strict=False)) for form in tries]))
        .to_series()
        .alias("birth_date")
    )
