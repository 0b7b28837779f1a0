"""Of a register's page only new records are parsed, and only where it is sure which bytes are whose."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from connectors.contract import Column, Server, Stream
from connectors.formats.json_pages import read_records
from connectors.formats.json_register import read_page
from connectors.limits import LONGEST_FIELD
from connectors.pipeline import in_chunks
from connectors.protocols.base import Page, Pull
from tests.known_records import Memory

COLUMNS = (Column("id", "bh", "string", "L1", primary_key=True, required=True), Column("value", "z", "string", "L1"))
STREAM = Stream("demo", "register", "register", "snapshot", COLUMNS, server_name="any")


@pytest.fixture
def memory() -> Memory:
    return Memory()


def read(payload: bytes, memory: Memory | None) -> Page:
    return read_page(payload, "test", 0, Pull(STREAM, Server("any", {}), known=memory))


def sent(*records: Any) -> bytes:
    return json.dumps(records, ensure_ascii=False, separators=(",", ":")).encode()


GOOD = [{"bh": "1", "z": "一"}, {"bh": "2", "z": None}, {"bh": "3", "z": 1.50}, {"bh": "4", "z": '"],['}]


def test_what_is_known_is_not_parsed_wherever_it_stands(memory: Memory) -> None:
    page = read(sent(*GOOD), memory)
    assert page.records is not None
    assert page.frame.rows() == [("1", "一"), ("2", None), ("3", "1.5"), ("4", '"],[')]
    memory.keep(0, 3)
    page = read(sent(GOOD[3], {"z": "new", "bh": "5"}, GOOD[0]), memory)
    assert page.records is not None
    assert (page.rows, page.frame.rows(named=True)) == (3, [{"z": "new", "bh": "5"}])
    assert page.frame.columns == ["z", "bh"], "a row that is held is shown as it was sent"
    assert page.records.found.at.tolist() == [3, -1, 0]
    assert page.records.parse(np.array([True, True, False])).rows() == [("4", '"],['), ("5", "new")]
    (chunk,) = in_chunks([page, read(sent(GOOD[3]), memory)], 100)
    assert chunk.records is not None
    assert chunk.records.parse(np.array([False, True, False, True]))["bh"].to_list() == ["5", "4"]


def test_a_key_has_one_hash_whether_its_row_is_parsed_or_not(memory: Memory) -> None:
    first = read(sent(*GOOD), memory).records
    second = read(sent(*(record | {"z": "other"} for record in GOOD)), memory).records
    assert first is not None and second is not None
    assert first.found.keys.tolist() == second.found.keys.tolist()
    assert len(set(first.found.keys.tolist())) == 4


@pytest.mark.parametrize(
    "payload",
    [
        sent({"bh": "1", "z": "}"}, {"bh": "2", "z": "a"}),  # a brace in a text
        sent({"bh": "1", "z": {"a": "b"}}),  # an object in another
        sent({"bh": "1", "z": "a", "neu": "b"}),  # what the contract does not know is reported by every load
        sent({"bh": "1", "z": "a"}, {"bh": "2"}),  # a key left out
        sent({"bh": "1", "z": "a"}, 7),  # no record
        sent({"bh": "1", "z": "a" * (LONGEST_FIELD + 1)}),  # no value that is taken in
        b'[{"bh":"1","z":"a"}, {"bh":"2","z":"},{"}]',  # as many marks as boundaries, at other places
        b'[{"bh":"1","z":"\xff"}]',
        b"[]",
    ],
)
def test_a_page_of_any_other_shape_is_read_whole(memory: Memory, payload: bytes) -> None:
    page, whole = read(payload, memory), read_records(payload, "test")
    assert page.records is None
    assert page.frame.equals(whole.frame)
    assert page.bad == whole.bad


def test_a_new_record_of_another_shape_makes_the_whole_page_be_read(memory: Memory) -> None:
    read(sent(*GOOD), memory)
    memory.keep(0, 1, 2, 3)
    page = read(sent(*GOOD, {"bh": "5", "z": "a", "neu": "b"}), memory)
    assert page.records is None
    assert page.frame["neu"].to_list() == [None, None, None, None, "b"]


def test_known_bytes_between_others_that_are_no_records_hide_nothing(memory: Memory) -> None:
    """Without the known piece the others would be one good record; with it the page is no JSON at all."""
    read(b'[{"bh":"5","z":"a"}]', memory)
    memory.keep(0)
    broken = b'[{"bh":"x},{"bh":"5","z":"a"},{y","z":"b"}]'
    with pytest.raises(Exception, match="no valid JSON"):
        read(broken, memory)


def test_without_a_memory_pages_are_read_as_ever(memory: Memory) -> None:
    page = read(sent(*GOOD), None)
    assert page.records is None
    assert isinstance(page.frame, pl.DataFrame) and page.rows == 4
