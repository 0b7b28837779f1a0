"""Records known by their bytes: put together page by page, parsed again from wherever they came."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.pipeline import in_chunks
from connectors.protocols.base import Page
from connectors.protocols.reconcile import Round
from connectors.raw_records import Found, RawRecords, byte_hashes
from connectors.versions import row_hashes

KEY = ["a"]


def page_of(values: list[int], known: list[bool]) -> Page:
    """Rows of one column; those that are known are not in the frame, and their position is their value."""
    rows = pl.DataFrame({"a": [str(value) for value in values]}, schema={"a": pl.String})
    at = np.where(known, values, -1).astype(np.int32)
    hashes = row_hashes(rows, KEY)
    frame = rows.filter(pl.Series(at < 0))
    found = Found(at, at >= 0, np.where(at >= 0, hashes[:, 0], 0))
    raw = RawRecords.of(hashes, found, frame, KEY, lambda which: rows.filter(pl.Series(which)))
    return Page(frame, bytes_in=len(values), records=raw)


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=9), max_size=30), st.integers(1, 30))
def test_chunks_have_every_record_in_its_place(pages: list[list[bool]], size: int) -> None:
    starts = np.cumsum([0, *map(len, pages)])
    made = [page_of(list(range(s, s + len(p))), p) for s, p in zip(starts, pages, strict=False)]
    chunks = list(in_chunks(made, size))
    known = [known for page in pages for known in page]
    at = [int(at) for chunk in chunks if chunk.records for at in chunk.records.found.at]
    assert at == [number if is_known else -1 for number, is_known in enumerate(known)]
    told = [value for chunk in chunks if chunk.frame.height for value in chunk.frame["a"]]
    assert told == [str(number) for number, is_known in enumerate(known) if not is_known]
    first = 0
    for chunk in chunks:
        assert chunk.records is not None
        every = chunk.records.parse(np.ones(chunk.rows, dtype=np.bool_))
        assert every["a"].to_list() == [str(number) for number in range(first, first + chunk.rows)]
        last = np.arange(chunk.rows) == chunk.rows - 1
        assert chunk.records.parse(last)["a"].to_list() == [str(first + chunk.rows - 1)]
        first += chunk.rows


def test_pages_with_and_without_records_are_not_mixed() -> None:
    plain = Page(pl.DataFrame({"a": ["7", "8"]}))
    chunks = list(in_chunks([page_of([0, 1], [True, False]), plain, page_of([2], [True])], 100))
    assert [(chunk.rows, chunk.records is None) for chunk in chunks] == [(2, False), (2, True), (1, False)]


def test_rows_that_are_not_one_for_each_record_are_not_believed() -> None:
    found = Found(np.array([-1, -1]), np.zeros(2, np.bool_), np.zeros(2, np.uint64))
    hashes = np.zeros((2, 2), np.uint64)
    frame = pl.DataFrame({"a": ["only one"]})
    assert RawRecords.of(hashes, found, frame, KEY, lambda which: frame) is None


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_a_key_on_two_pages_is_seen_whether_its_rows_are_parsed_or_not(first: bool, second: bool) -> None:
    for key, consistent in ((1, False), (4, True)):
        pages = Round(KEY)
        pages.add(page_of([1, 2], [first, False]), 4)
        pages.add(page_of([3, key], [False, second]), 4)
        assert pages.consistent is consistent


def test_pages_of_known_and_unknown_records_are_the_whole() -> None:
    pages = Round(KEY)
    pages.add(page_of([1, 2], [True, False]), 3)
    assert not pages.consistent
    pages.add(Page(pl.DataFrame({"a": ["3"]})), 3)
    assert pages.consistent


def test_bytes_mean_another_thing_under_another_header() -> None:
    data, offsets = b"1,2\n3,4\n", np.array([0, 4, 8])
    plain = byte_hashes(data, offsets, "a\nb")
    assert plain.shape == (2, 2) and not (plain[0] == plain[1]).any()
    assert not (byte_hashes(data, offsets, "b\na") == plain).any()
    assert (byte_hashes(b"x3,4\n", np.array([1, 5]), "a\nb") == plain[1]).all()
