"""A message that no page can hold is set apart; the others are read."""

from __future__ import annotations

import json

import pytest

from connectors.contract import Column, Stream
from connectors.formats.messages import MessageBatch

STREAM = Stream(
    system="door", name="readings", physical_name="t", load="messages",
    columns=(
        Column("number", "bh", "string", "L1", primary_key=True, required=True),
        Column("note", "bz", "string", "L1"),
    ),
)  # fmt: skip
ODD = {
    "fields": json.dumps({f"f{number}": 1 for number in range(1_001)}).encode(),
    "depth": b'{"bh": "2", "bz": ' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    "deeper": b'{"bh": "2", "bz": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "commas": json.dumps({"bh": "2", "bz": {"x": "," * 1_000_001}}).encode(),
    "an array of them": b"[" + b",".join([b'{"bz": ' + b"[" * 1_000 + b"]" * 1_000 + b"}"] * 2) + b"]",
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_one_odd_message_stops_no_other(name: str, place: int) -> None:
    sound = [json.dumps({"bh": str(number)}).encode() for number in range(6)]
    batch = MessageBatch(STREAM, 10)
    for message in [*sound[:place], ODD[name], *sound[place:]]:
        batch.add(message)
    page = batch.page()
    assert page.frame["bh"].to_list() == [str(number) for number in range(6)]
    (bad,) = page.bad
    assert bad.reason == "malformed_json" and len(bad.raw) <= 2_000
    assert batch.records == page.frame.height + len(page.bad) == 7


def test_messages_of_many_different_fields_are_read_in_parts() -> None:
    batch = MessageBatch(STREAM, 0)
    for number in range(4):
        batch.add(json.dumps({"bh": str(number)} | {f"f{number}_{field}": "1" for field in range(600)}).encode())
    page = batch.page()
    assert page.frame["bh"].to_list() == ["0", "1", "2", "3"] and not page.bad


def test_messages_without_a_known_field_are_still_rows() -> None:
    batch = MessageBatch(STREAM, 0)
    for message in (b"{}", b"{}", ODD["depth"], b"{}"):
        batch.add(message)
    page = batch.page()
    assert page.frame["bh"].to_list() == [None, None, None] and len(page.bad) == 1
