"""Conform for any contract and any page: nothing is lost, everything accepted obeys, pages may be cut anywhere."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.conform import Conformed, Conformer, payloads
from connectors.contract import Column, Server, Stream
from connectors.reasons import REASONS
from connectors.rules import column_dtype
from connectors.semantics import SEMANTICS

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
SETTINGS = settings(max_examples=60, deadline=None)
PLAIN = ["string", "integer", "number", "date", "timestamp", "boolean"]


@st.composite
def columns(draw: st.DrawFn, number: int) -> Column:
    semantic = draw(st.none() | st.sampled_from(sorted(name for name in SEMANTICS if not name.startswith("geo."))))
    logical = next(iter(SEMANTICS[semantic].logical_types)) if semantic else draw(st.sampled_from(PLAIN))
    required = draw(st.booleans())
    return Column(
        name=f"c{number}",
        physical_name=f"p{number}",
        logical_type=logical,
        classification="L1",
        required=required,
        semantic_type=semantic,
        codes=draw(st.none() | st.just({"1": "one", "2": "two"})) if logical == "string" and not semantic else None,
        on_invalid="quarantine" if required else draw(st.sampled_from(["quarantine", "withhold"])),
        format=draw(st.sampled_from([None, "epoch"])) if logical == "timestamp" else None,
    )


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    key = Column("id", "id", "string", "L1", primary_key=True, required=True)
    count = draw(st.integers(1, 4))
    return Stream("any", "any", "any", "changes", (key, *(draw(columns(number)) for number in range(count))))


ODD = ["", " ", "1", "2", "0", "3.5", "1.23E+19", "2026-02-30", "2026-03-05", "2026-03-05 08:00:00", "20260305",
       "46086", "\x00", "\ufffd", "男", "王伟", "11010519491231002X", "91350100M000100Y43", "13912345670", "true",
       "1.50", "=1+1", "𠮷", "９９", "1767225600", '{"a": "b"}', "\n", '"', "\\"]  # fmt: skip
texts = st.none() | st.sampled_from(ODD) | st.text(max_size=8)


@st.composite
def pages(draw: st.DrawFn) -> tuple[Stream, Server, pl.DataFrame]:
    stream = draw(streams())
    names = [column.physical_name for column in stream.columns] + draw(st.sampled_from([[], ["unknown"]]))
    rows = draw(st.lists(st.tuples(*(texts for _ in names)), max_size=10))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return stream, Server("any", {"protocol": "gateway"}), frame


def key(done: Conformed) -> tuple[list[object], list[object], Counter[object]]:
    rejected = done.rejected.drop("row_no").rows()
    return done.accepted.rows(), rejected, Counter(done.outcomes)


@SETTINGS
@given(pages())
def test_every_row_is_accepted_or_refused_with_a_known_reason(given: tuple[Stream, Server, pl.DataFrame]) -> None:
    stream, server, page = given
    done = Conformer(stream, server, now=NOW)(page)
    assert len(done.accepted) + len(done.rejected) == len(page)
    assert done.rejected["row_no"].is_unique().all()
    for row in done.rejected.iter_rows(named=True):
        assert row["reasons"]
        assert all(reason.rpartition(":")[2] in REASONS for reason in row["reasons"])
        assert json.loads(row["payload"]) == page.row(row["row_no"], named=True)
    counted = Counter(reason for reasons in done.rejected["reasons"] for reason in reasons)
    assert counted == {f"{c}:{r}": n for (c, r, outcome), n in done.outcomes.items() if outcome == "quarantined"}


@SETTINGS
@given(pages())
def test_what_is_accepted_obeys_its_contract(given: tuple[Stream, Server, pl.DataFrame]) -> None:
    stream, server, page = given
    accepted = Conformer(stream, server, now=NOW)(page).accepted
    for column in stream.columns:
        values = accepted[column.name]
        assert values.dtype == column_dtype(column)
        assert not (column.required and accepted[column.name + "_raw" * column.keeps_raw].null_count())
        if column.codes:
            assert set(values.drop_nulls()) <= set(column.codes.values())
        if values.dtype == pl.String:
            assert not values.str.contains("[\x00\ufffd]").any()


@SETTINGS
@given(pages(), st.integers(1, 10))
def test_pages_may_be_cut_anywhere(given: tuple[Stream, Server, pl.DataFrame], size: int) -> None:
    stream, server, page = given
    conform = Conformer(stream, server, now=NOW)
    whole = key(conform(page))
    parts = [key(conform(page[at : at + size])) for at in range(0, len(page), size)]
    assert whole[0] == [row for accepted, _, _ in parts for row in accepted]
    assert whole[1] == [row for _, rejected, _ in parts for row in rejected]
    assert whole[2] == sum((outcomes for _, _, outcomes in parts), Counter())


@SETTINGS
@given(pages())
def test_refused_rows_taken_again_are_refused_for_the_same(given: tuple[Stream, Server, pl.DataFrame]) -> None:
    stream, server, page = given
    conform = Conformer(stream, server, now=NOW)
    first = conform(page).rejected
    rows = [json.loads(payload) for payload in first["payload"]]
    again = conform(pl.DataFrame(rows, schema=page.schema)).rejected
    assert again.drop("row_no").rows() == first.drop("row_no").rows()


@SETTINGS
@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.none() | st.text()), max_size=5))
def test_payloads_hold_any_text(rows: list[dict[str, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.String, "b": pl.String})
    texts = payloads(frame)
    assert [json.loads(text) for text in texts] == frame.to_dicts()
    assert not texts.str.contains("\x00", literal=True).any()
