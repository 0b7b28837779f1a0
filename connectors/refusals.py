"""Keeping out what must never be taken in: party members, petitioners, authors, plates, tracks.

A contract names it under `refused` (see `contract.Refusal`), and `contract_check` lets no column and no stream of it
through. Keeping it out does not lean on those names, because upstreams rename fields without a word: of a system
that refuses anything, nothing is kept but the columns that its contract describes. What goes beyond them is
dropped before the first thing is written, in landing, quarantine and inbox alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import polars as pl

from connectors.contract import Stream
from connectors.errors import ContractViolation
from connectors.formats.json_pages import loads_exact
from connectors.protocols.base import BadRecord

_NESTED = r"^\s*[\[{]"
_NOT_KEPT = "not kept: its upstream sends what may never be taken in)"
_STAND_IN = rf"^\(a record of \d+ characters, {re.escape(_NOT_KEPT)}$"
_BEGUN = re.compile(r"""\s*(\{|\[\s*[\[{"N])""")


def only_described(page: pl.DataFrame, stream: Stream, expected: Iterable[str]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The page without what the contract does not describe, and the names of columns that are news in it.

    A refused column is no news: that it is sent is why the contract names it. An object or a list inside a described
    field has fields of its own, which no contract describes: its length takes its place (see `stand_ins`).
    """
    kept = set(expected)
    shapes = {column.physical_name for column in stream.columns if column.semantic_type == "geo.polygon"}
    beyond = [name for name in page.columns if name not in kept]
    flat = page.drop(beyond).with_columns(
        pl.col(name).map_elements(_flat, return_dtype=pl.String, skip_nulls=True)
        for name, kind in page.schema.items()
        if name in kept - shapes and kind == pl.String and page[name].str.contains(_NESTED).any()
    )
    flat = flat.with_columns(
        pl.Series(name, [None if value is None else _measured(value) for value in page[name].to_list()], pl.String)
        for name, kind in flat.schema.items()
        if kind.is_nested()
    )
    return flat, tuple(name for name in beyond if not stream.refuses_field(name))


def stand_ins(texts: pl.Series) -> pl.Series:
    """Which values are a sentence about the length of an object or a list: no value of the upstream's, in any column.

    It stands in messages from the inbox on, so that it is known by its words alone.
    """
    return texts.str.contains(_STAND_IN).fill_null(False)


def without_text(bad: Iterable[BadRecord]) -> tuple[BadRecord, ...]:
    """Records that never became rows, with their length for their text: nothing tells where in it the refused is."""
    return tuple(BadRecord(record.row_no, _stand_in(len(record.raw), "characters"), record.reason) for record in bad)


def reduced_message(payload: bytes, stream: Stream) -> bytes:
    """A message (a JSON object or an array of them) with the contract's fields alone, numbers as the digits sent.

    What is no such message becomes a sentence about its length, which is no JSON and so is quarantined like one.
    """
    try:
        value = loads_exact(payload)
    except (ValueError, ContractViolation):
        value = None
    events = value if isinstance(value, list) else [value]
    if not all(isinstance(event, dict) for event in events):
        return _stand_in(len(payload), "bytes").encode()
    names = [column.physical_name for column in stream.columns]
    kept = [{name: _scalar(event[name]) for name in names if name in event} for event in events]
    text = json.dumps(kept if isinstance(value, list) else kept[0], ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogateescape")


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return _flat(value)
    return _measured(value) if isinstance(value, dict | list) else value


def _measured(nested: Any) -> str:
    return _stand_in(len(json.dumps(nested, default=str)), "characters")


def _flat(text: str) -> str:
    """A text as it is, unless it is an object or a list, or begins an object and cannot be read."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        nested = isinstance(loads_exact(text.encode("utf-8", "surrogateescape")), dict | list)
    except (RecursionError, ContractViolation):
        nested = True  # too deep to be read
    except ValueError:
        nested = _BEGUN.match(text) is not None  # "[转办] …" and "[2026] 3 号" are texts
    return _stand_in(len(text), "characters") if nested else text


def _stand_in(size: int, unit: str) -> str:
    return f"(a record of {size} {unit}, {_NOT_KEPT}"
