"""Fields too large to be a value: their record is a bad one, the others of the page pass."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final

import polars as pl

from connectors.errors import ContractViolation
from connectors.limits import JSON_RAW_CHARS, LONGEST_FIELD
from connectors.protocols.base import BadRecord, Page

MAX_COLUMNS: Final = 1_000
"""Different fields of one page; every record has room for each of them."""


def without_oversized(frame: pl.DataFrame, size: int, first_row: int = 0, *, clean: bool = False) -> Page:
    """``frame`` as a page of ``size`` bytes, records with an oversized text set apart; a clean page has none."""
    if clean:
        return Page(frame, bytes_in=size, clean=True)
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    if size <= LONGEST_FIELD or not texts:
        return Page(frame, bytes_in=size)
    # Bytes are free to look up, characters must be counted: count only where the bytes make it possible.
    longest = frame.select(pl.col(texts).str.len_bytes().max()).row(0)
    suspects = [name for name, length in zip(texts, longest, strict=True) if (length or 0) > LONGEST_FIELD]
    if not suspects:
        return Page(frame, bytes_in=size)
    too_long = frame.select(
        pl.any_horizontal((pl.col(suspects).str.len_chars() > LONGEST_FIELD).fill_null(False))
    ).to_series()
    bad = tuple(
        BadRecord(first_row + int(row), shortened(frame.row(int(row), named=True)), "oversized_field")
        for row in too_long.arg_true()
    )
    return Page(frame.filter(~too_long), bad, size)


def refuse_too_many(names: Collection[str], where: str) -> None:
    """Raise ContractViolation for a page whose records have more different fields than any table."""
    if len(names) > MAX_COLUMNS:
        raise ContractViolation(
            f"{where}: the records have {len(names)} different fields, more than {MAX_COLUMNS}",
            "Ask the owner whether the interface was changed; the page was refused whole",
        )


def shortened(record: dict[str, Any]) -> str:
    """The record as JSON with its giant values cut, so that a person can see which row it was."""
    cut = {
        key: f"{value[:200]}… ({len(value)} characters)" if isinstance(value, str) and len(value) > 200 else value
        for key, value in record.items()
    }
    return json.dumps(cut, ensure_ascii=False, default=str)[:JSON_RAW_CHARS]
