"""CSV files: decoding, bad lines apart, truncation, and agreement with the standard library on any content."""

from __future__ import annotations

import csv
import io
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import Column, Stream
from connectors.errors import ContractViolation, Permanent, Truncated
from connectors.formats import csv_file
from connectors.formats.csv_file import CsvFile
from connectors.protocols.base import BadRecord, Page
from tests.known_records import Memory


def stream(*names: str, totals: tuple[str, ...] = ()) -> Stream:
    columns = tuple(Column(name, name, "string", "L1") for name in names)
    return Stream("sys", "st", "f_*.csv", "changes", columns, source={"format": "csv", "totalRows": list(totals)})


def read(
    path: Path,
    content: bytes,
    *names: str,
    encoding: str = "utf-8",
    totals: tuple[str, ...] = (),
    page_rows: int = 1000,
) -> tuple[pl.DataFrame, list[BadRecord], CsvFile]:
    path.write_bytes(content)
    reader = CsvFile(path, stream(*names, totals=totals), encoding, page_rows)
    pages = list(reader.pages())
    frames = [page.frame for page in pages if page.frame.height]
    frame = pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    return frame, [bad for page in pages for bad in page.bad], reader


TWO = stream("bh", "je")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "f_1.csv"


def test_gb18030_keeps_rare_characters(path: Path) -> None:
    content = "编号, 姓名 \r\n1,𠮷田\r\n2,\r\n".encode("gb18030")
    frame, bad, _ = read(path, content, "编号", "姓名", encoding="gb18030")
    assert frame.rows() == [("1", "𠮷田"), ("2", None)]
    assert bad == []


def test_byte_order_mark_is_no_part_of_the_first_name(path: Path) -> None:
    frame, _, _ = read(path, "a,b\n1,2\n".encode("utf-8-sig"), "a", "b", encoding="utf-8-sig")
    assert frame.columns == ["a", "b"]


def test_quoted_separators_and_line_ends(path: Path) -> None:
    frame, bad, _ = read(path, b'a,b\n"x, y","two\nlines ""quoted"""\n3,4\n', "a", "b")
    assert frame.rows() == [("x, y", 'two\nlines "quoted"'), ("3", "4")]
    assert bad == []


def test_a_stray_quote_costs_nothing_and_an_open_one_its_own_line(path: Path) -> None:
    frame, bad, _ = read(path, b'a,b\n5" pipe,1\n"open,2\n"x",3\n', "a", "b")
    assert ("x", "3") in frame.rows() and ('5" pipe', "1") in frame.rows()
    assert frame.height + len(bad) == 3


def test_bad_lines_are_set_apart_with_their_number(path: Path) -> None:
    lines = [b"a,b", b"1,\xc4\xe3", b"2,\xff\xfe", b"3,x,y", b"4", b"", b"5,ok"]
    frame, bad, _ = read(path, b"\n".join(lines) + b"\n", "a", "b", encoding="gb18030")
    assert frame.rows() == [("1", "你"), ("5", "ok")]
    assert [(record.row_no, record.reason) for record in bad] == [
        (2, "undecodable_text"),
        (3, "ragged_line"),
        (4, "ragged_line"),
    ]
    assert "\\xff" in bad[0].raw


def test_replacement_characters_are_lost_text(path: Path) -> None:
    frame, bad, _ = read(path, "a,b\n1,\ufffd\n2,x\n".encode(), "a", "b")
    assert frame.rows() == [("2", "x")]
    assert [record.reason for record in bad] == ["undecodable_text"]


def test_nul_is_left_to_conform(path: Path) -> None:
    frame, bad, _ = read(path, b"a,b\n1,x\x00y\n", "a", "b")
    assert frame.rows() == [("1", "x\x00y")] and not bad


def test_total_rows_are_no_records(path: Path) -> None:
    content = "名称,额\n甲,1.50\n合计,1.50\n总计：,\n合计,1,2\n".encode()
    frame, bad, reader = read(path, content, "名称", "额", totals=("合计", "总计"))
    assert frame.rows() == [("甲", "1.50")]
    assert bad == [] and reader.total_rows_dropped == 3


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n3", b'a,b\n1,2\n3,"half', b"a,b\n1,2\n3,\xe4\xb8", b"a,b\n1,2\n" + b"3" * 100]
)
@pytest.mark.parametrize("open_end", [False, True])
def test_a_file_that_ends_in_the_middle_is_refused_whole(path: Path, content: bytes, open_end: bool) -> None:
    path.write_bytes(content)
    with pytest.raises(Truncated):
        list(CsvFile(path, replace(stream("a", "b"), source={"format": "csv", "openEnd": open_end}), "utf-8").pages())


@pytest.mark.parametrize("content", [b"a,b\n1,2", b'a,b\n"1","2"', b"a,b"])
def test_a_whole_last_line_needs_no_line_end_where_the_contract_says_so(path: Path, content: bytes) -> None:
    with pytest.raises(Truncated, match="without a line end"):
        read(path, content, "a", "b")
    of = stream("a", "b")
    pages = list(CsvFile(path, replace(of, source=of.source | {"openEnd": True}), "utf-8").pages())
    rows = [row for page in pages for row in page.frame.rows()]
    assert rows == [("1", "2")] * (len(content) > 4) and not any(page.bad for page in pages)


def test_missing_columns_are_named(path: Path) -> None:
    with pytest.raises(ContractViolation, match="lacks the columns b, c"):
        read(path, b"a,x\n1,2\n", "a", "b", "c")


def test_wrong_declared_encoding_is_named(path: Path) -> None:
    with pytest.raises(ContractViolation, match="UTF-8 mark"):
        read(path, "编号\n1\n".encode("utf-8-sig"), "编号", encoding="gb18030")
    with pytest.raises(ContractViolation, match="header"):
        read(path, "编号\n1\n".encode("gb18030"), "编号", encoding="utf-8")
    with pytest.raises(Permanent, match="utf-16"):
        read(path, b"a\n", "a", encoding="utf-16")


def test_added_columns_are_kept(path: Path) -> None:
    frame, _, _ = read(path, b"a,new,,new\n1,2,3,4\n", "a")
    assert frame.columns == ["a", "new", "column_3", "new_4"]


def test_ten_thousand_columns_are_refused(path: Path) -> None:
    with pytest.raises(ContractViolation, match="10000 columns"):
        read(path, ",".join(f"c{i}" for i in range(10_000)).encode() + b"\n", "c1")


def test_a_huge_field_costs_its_line_and_little_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr(csv_file, "MAX_OPEN_BYTES", 2 << 20)
    content = b"a,b\n0,ok\n1," + b"x" * (40 << 20) + b"\n2,ok\n3," + b"y" * 1_500_000 + b"\n4,ok\n"
    path.write_bytes(content)
    tracemalloc.start()
    pages = list(CsvFile(path, stream("a", "b"), "utf-8").pages())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows = [row for page in pages for row in page.frame.rows()]
    assert rows == [("0", "ok"), ("2", "ok"), ("4", "ok")]
    assert [bad.reason for page in pages for bad in page.bad] == ["oversized_field"] * 2
    assert [bad.row_no for page in pages for bad in page.bad] == [2, 4]
    assert peak < 30 << 20


def test_blocks_do_not_matter(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "a,b\n" + "".join(f'{i},"街道, {i}\n室"\n' if i % 3 else f"{i},x\n" for i in range(500))
    whole, _, _ = read(path, content.encode("gb18030"), "a", "b", encoding="gb18030")
    monkeypatch.setattr(csv_file, "BLOCK_BYTES", 97)
    pieces, bad, _ = read(path, content.encode("gb18030"), "a", "b", encoding="gb18030", page_rows=7)
    assert pieces.equals(whole) and whole.height == 500 and not bad


_CELL = st.text(st.characters(exclude_characters="\x00\r\ufffd\ufeff", exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.tuples(_CELL, _CELL, _CELL), max_size=20), block=st.integers(20, 400))
def test_reads_what_the_standard_library_writes(
    rows: list[tuple[str, str, str]], block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("csv") / "f_2.csv"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("a", "b", "c"), *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK_BYTES", block)
        frame, bad, _ = read(path, out.getvalue().encode("gb18030"), "a", "b", "c", encoding="gb18030")
    assert bad == []
    assert [tuple(cell or "" for cell in row) for row in frame.rows()] == rows


@settings(max_examples=150, deadline=None)
@given(noise=st.binary(max_size=300), block=st.integers(10, 100))
def test_any_bytes_are_read_or_refused_and_no_line_is_lost(
    noise: bytes, block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("csv") / "f_3.csv"
    noise = noise.replace(b'"', b"'")  # without quotes a record is a line, so that they can be counted
    lines = [line for line in noise.split(b"\n") if line not in (b"", b"\r")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "BLOCK_BYTES", block)
        patch.setattr(csv_file, "MAX_OPEN_BYTES", 10_000)
        try:
            frame, bad, _ = read(path, b"a,b\n" + noise, "a", "b")
        except Truncated:
            assert not noise.endswith(b"\n")
            return
    assert frame.height + len(bad) == len(lines)


def register(path: Path, memory: Memory, content: bytes, totals: tuple[str, ...] = ()) -> Page:
    """One block of a register whose columns are a and b."""
    path.write_bytes(content)
    columns = (Column("a", "a", "string", "L1", primary_key=True, required=True), Column("b", "b", "string", "L1"))
    register = Stream("sys", "st", "f_*.csv", "snapshot", columns, source={"format": "csv", "totalRows": list(totals)})
    (page,) = CsvFile(path, register, "gb18030", known=memory).pages()
    return page


def test_known_lines_are_not_parsed_and_bad_ones_stand_beside_them(path: Path) -> None:
    memory = Memory()
    lines = ["1,一\r\n", '2,"x\r\ny"\r\n', "3,\r\n"]
    page = register(path, memory, "".join(["a,b\r\n", *lines]).encode("gb18030"))
    assert page.rows == 3 and page.frame.rows() == [("1", "一"), ("2", "x\r\ny"), ("3", None)]
    memory.keep(1, 2)
    changed = "".join(["a,b\r\n", lines[2], "ragged\r\n", "\r\n", "1,new\r\n", lines[1]]).encode("gb18030")
    page = register(path, memory, changed + b"9,\xff\xff\r\n")
    assert page.records is not None
    assert (page.rows, page.frame.rows()) == (3, [("1", "new")])
    assert page.records.found.at.tolist() == [2, -1, 1]
    assert [(bad.row_no, bad.reason) for bad in page.bad] == [(2, "ragged_line"), (5, "undecodable_text")]
    everything = page.records.parse(np.array([True, True, True]))
    assert everything.rows() == [("3", None), ("1", "new"), ("2", "x\r\ny")]


def test_lines_under_another_header_are_others(path: Path) -> None:
    memory = Memory()
    register(path, memory, b"a,b\r\n1,2\r\n")
    memory.keep(0)
    assert register(path, memory, b"a,b\r\n1,2\r\n").frame.is_empty()
    assert register(path, memory, b"b,a\r\n1,2\r\n").frame.rows() == [("1", "2")]


@pytest.mark.parametrize(
    ("content", "totals"),
    [
        (b"a,b,c\r\n1,2,3\r\n", ()),  # a column that the contract does not know is reported by every load
        (b"a,b\r\n1,2\r\n", ("sum",)),  # a line may be no record
        (b'a,b\r\n1,5" pipe\r\n', ()),  # lines that only the forgiving reader understands
    ],
)
def test_of_any_other_file_all_lines_are_parsed(path: Path, content: bytes, totals: tuple[str, ...]) -> None:
    page = register(path, Memory(), content, totals)
    assert page.records is None and page.rows == page.frame.height == 1


def test_a_file_cut_anywhere_within_a_line_is_refused(tmp_path: Path) -> None:
    """Also in its last column, whose beginning is a value too."""
    whole = b"bh,je\r\nA1,100\r\nA2,2500\r\nA3,7\r\n"
    accepted = []
    for end in range(1, len(whole) + 1):
        path = tmp_path / "cut.csv"
        path.write_bytes(whole[:end])
        with suppress(Truncated, ContractViolation):
            accepted.append(sum(page.frame.height for page in CsvFile(path, TWO, "utf-8").pages()))
    assert accepted == [0, 1, 2, 3]
