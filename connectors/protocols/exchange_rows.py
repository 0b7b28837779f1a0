"""Rows of an exchange database as PostgreSQL prints them, one message for each: known ones are not parsed."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import compress

import polars as pl

from connectors.ordering import Mask
from connectors.protocols.base import Page
from connectors.raw_records import Known, RawRecords, salted
from connectors.versions import hash_texts


@dataclass(frozen=True)
class Register:
    """What to ask about rows that come again and again, and the columns of their key."""

    known: Known
    key: list[str]


def page_of(rows: list[bytes], names: list[str], size: int, register: Register | None) -> Page:
    """Rows of COPY's csv format, every value quoted, as a page; of a register only those that are new are parsed."""
    if register is None:
        return Page(_from_csv(rows, names), bytes_in=size)

    def parse(which: Mask) -> pl.DataFrame:
        return _from_csv(list(compress(rows, which)), names)

    hashes = salted(hash_texts(pl.Series(rows, dtype=pl.Binary)), "\n".join(names))
    found = register.known(hashes)
    new = found.at < 0
    frame = parse(new) if new.any() else pl.DataFrame()
    raw = RawRecords.of(hashes, found, frame, register.key, parse)
    return Page(frame if raw is not None else _from_csv(rows, names), bytes_in=size, records=raw)


def _from_csv(rows: list[bytes], names: list[str]) -> pl.DataFrame:
    """Every value is quoted and null is not, so that a null and an empty text stay apart."""
    return pl.read_csv(b"".join(rows), has_header=False, schema=dict.fromkeys(names, pl.String))
