"""A register's page of JSON, of which only those records are parsed that are not known from before.

Where the records begin and end is told from their braces, and believed only where nothing else is possible: as many
braces open as records end, and what is parsed gives a row for each of its records. So no brace stands in a text and no
object in another, and each record can be read by itself. Any other page is read whole by `json_pages`.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from connectors.formats.fields import without_oversized
from connectors.formats.json_pages import quick, read_records
from connectors.formats.json_plain import Plain
from connectors.formats.octets import positions
from connectors.ordering import Mask
from connectors.protocols.base import Page, Pull
from connectors.raw_records import RawRecords, byte_pieces
from connectors.versions import hash_texts

_OPEN, _CLOSE, _COMMA = (np.uint8(ord(character)) for character in "{},")


def read_page(payload: bytes, where: str, first_row: int, pull: Pull) -> Page:
    """A JSON array of objects → a page; see `json_pages.read_records`."""
    raw = _raw(payload, where, pull) if pull.known is not None else None
    return raw or read_records(payload, where, first_row)


def _raw(payload: bytes, where: str, pull: Pull) -> Page | None:
    """None where the records cannot be told apart, or do not have just the columns of the contract."""
    assert pull.known is not None
    records = _apart(payload)
    if records is None:
        return None
    names = {column.physical_name for column in pull.stream.columns}

    def rows(which: Mask) -> Plain | None:
        text = payload if which.all() else _array(records, which)
        read = quick(text, where)
        whole = read is not None and read.frame.height == int(which.sum()) and set(read.frame.columns) == names
        return read if whole else None

    def parse(which: Mask) -> pl.DataFrame:
        read = rows(which)
        assert read is not None, "records that were each read by themselves can be read together"
        return read.frame

    hashes = hash_texts(records)
    found = pull.known(hashes)
    new = found.at < 0
    read = rows(new) if new.any() else Plain(pl.DataFrame())
    if read is None or without_oversized(read.frame, len(payload), clean=read.clean).bad:
        return None
    key = [column.physical_name for column in pull.stream.primary_key]
    raw = RawRecords.of(hashes, found, read.frame, key, parse)
    return Page(read.frame, (), len(payload), records=raw, clean=read.clean)


def _apart(payload: bytes) -> pl.Series | None:
    """The records of an array of flat objects, each as its bytes and a comma."""
    if payload[:2] != b"[{" or payload[-2:] != b"}]":
        return None
    data = np.frombuffer(payload, np.uint8)
    ends = positions(data, _CLOSE)
    between = ends[:-1]
    apart = (data[between + 1] == _COMMA).all() and (data[between + 2] == _OPEN).all()
    if not apart or payload.count(b"{") != len(ends):
        return None
    starts = np.concatenate([[1], between + 2])
    series = pl.from_arrow(byte_pieces(payload, starts))
    assert isinstance(series, pl.Series)
    # The last one gets the comma that the others have, so that it is known wherever it stands; the page is not copied.
    return series.append(pl.Series([payload[starts[-1] : -1] + b","], dtype=pl.Binary))


def _array(records: pl.Series, which: Mask) -> bytes:
    return b"[" + b"".join(records.filter(pl.Series(which)).to_list())[:-1] + b"]"
