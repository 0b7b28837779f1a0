"""Pages put together into chunks: nothing lost, nothing moved, whatever the sizes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.pipeline import LOOSE_PAGES, begun, in_chunks
from connectors.protocols.base import Answered, BadRecord, Page


def _page(first: int, rows: int, column: str = "a") -> Page:
    frame = pl.DataFrame({column: [str(first + i) for i in range(rows)]}, schema={column: pl.String})
    return Page(frame, (BadRecord(first, "{}", "unreadable"),), rows)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 40))
def test_rows_bad_records_and_bytes_of_all_pages_come_in_order(sizes: list[int], size: int) -> None:
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    chunks = list(in_chunks([_page(first, rows) for first, rows in zip(starts, sizes, strict=True)], size))
    assert [value for chunk in chunks for value in chunk.frame["a"]] == [str(i) for i in range(sum(sizes))]
    assert [record.row_no for chunk in chunks for record in chunk.bad] == starts
    assert sum(chunk.bytes_in for chunk in chunks) == sum(sizes)
    assert all(len(chunk.frame) >= size for chunk in chunks[:-1])


def test_thousands_of_single_rows_become_one_chunk_held_in_few_pieces() -> None:
    count = 3 * LOOSE_PAGES + 7
    (chunk,) = in_chunks([_page(i, 1) for i in range(count)], 50_000)
    assert chunk.frame["a"].to_list() == [str(i) for i in range(count)]
    assert chunk.frame.n_chunks() == 1
    assert chunk.frame.estimated_size() < 100 * count


def test_pages_with_other_columns_begin_a_new_chunk() -> None:
    chunks = list(in_chunks([_page(0, 2), _page(2, 1), _page(3, 4, "b"), _page(7, 1)], 100))
    assert [chunk.frame.columns for chunk in chunks] == [["a"], ["b"], ["a"]]
    assert [len(chunk.frame) for chunk in chunks] == [3, 4, 1]


def test_answers_without_rows_begin_no_chunk() -> None:
    pages = [
        Page(_page(n, 1).frame if n % 3 else pl.DataFrame(), (), 1, (Answered(str(n), n % 3, 0),)) for n in range(9)
    ]
    (chunk,) = in_chunks(pages, 100)
    assert chunk.frame["a"].to_list() == ["1", "2", "4", "5", "7", "8"]
    assert [answer.value for answer in chunk.answers] == [str(n) for n in range(9)]
    assert chunk.bytes_in == 9


def test_a_stage_begins_before_it_is_asked() -> None:
    asked = threading.Event()

    def items() -> Iterator[int]:
        asked.set()
        yield from range(3)

    with begun(items(), "stage") as made:
        assert asked.wait(5)
        assert list(made) == [0, 1, 2]


def test_who_waits_for_a_stage_that_is_left_is_told_that_it_did_not_end() -> None:
    """A thread that conforms must not take a load that broke off for one whose pages have all come."""
    told: list[BaseException] = []
    go = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        go.wait(10)

    def wait(made: Iterator[int]) -> None:
        try:
            list(made)
        except RuntimeError as error:
            told.append(error)

    with begun(items(), "stage") as made:
        waiting = threading.Thread(target=wait, args=(made,))
        waiting.start()
        time.sleep(0.3)
        threading.Timer(1, go.set).start()
    waiting.join(5)
    assert [str(error) for error in told] == ["stage was stopped"]


def test_an_error_in_a_stage_is_raised_where_its_items_are_taken() -> None:
    def items() -> Iterator[int]:
        yield 0
        raise ValueError("no more")

    with begun(items(), "stage") as made:
        assert next(made) == 0
        with pytest.raises(ValueError, match="no more"):
            next(made)
