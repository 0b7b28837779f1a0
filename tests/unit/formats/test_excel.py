"""Excel workbooks: merged headers, dates, long numbers, total rows, archives that must not be opened."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from openpyxl import Workbook

from connectors.contract import Column, Stream
from connectors.errors import ContractViolation, Truncated
from connectors.formats.excel_file import ExcelFile, join_header, text
from simulator.servers.sftp_files import excel_bytes

NAMES = ("证号", "基本信息/姓名", "基本信息/电话", "证件/有效期")


def stream(*names: str, header_rows: int = 2) -> Stream:
    columns = tuple(Column(name, name, "string", "L1") for name in names)
    source = {"format": "excel", "headerRows": header_rows, "totalRows": ["合计"]}
    return Stream("sys", "st", "f_*.xlsx", "snapshot", columns, source=source)


def read(path: Path, content: bytes, of: Stream) -> tuple[pl.DataFrame, ExcelFile]:
    path.write_bytes(content)
    reader = ExcelFile(path, of, "utf-8")
    return pl.concat([page.frame for page in reader.pages()]), reader


def test_merged_headers_dates_and_totals(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        [["44330119900101123411", "张三", "13800000000", date(2030, 1, 31)], ["2", None, "", date(1900, 3, 1)]],
        schema=dict(zip(NAMES, [pl.String] * 3 + [pl.Date], strict=True)),
        orient="row",
    )
    got, reader = read(tmp_path / "f.xlsx", excel_bytes(frame, total_row=["合计", "2人"]), stream(*NAMES))
    assert tuple(got.columns) == NAMES
    assert got.rows() == [
        ("44330119900101123411", "张三", "13800000000", "2030-01-31"),
        ("2", None, None, "1900-03-01"),
    ]
    assert reader.total_rows_dropped == 1


def test_ids_that_went_through_a_float_are_recognisable(tmp_path: Path) -> None:
    frame = pl.DataFrame({"id": ["330199199001011234", "15", "330199900101123"]})
    got, _ = read(tmp_path / "f.xlsx", excel_bytes(frame, numbers=["id"]), stream("id", header_rows=1))
    assert got["id"].to_list() == ["3.301991990010113e+17", "15", "330199900101123"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (True, "true"),
        (1234.5, "1234.5"),
        (-3.0, "-3"),
        (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02 03:04:05"),
        (datetime(2026, 1, 2), "2026-01-02"),
        (date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_cells_as_text(cell: object, expected: str) -> None:
    assert text(cell) == expected


def test_header_of_three_rows() -> None:
    rows = [["甲", "", "丙"], ["乙", "丁", ""], ["x", "y", ""]]
    assert join_header(rows, [((0, 0), (0, 1)), ((0, 2), (2, 2))]) == ["甲/乙/x", "甲/丁/y", "丙"]


def test_missing_column_is_named(tmp_path: Path) -> None:
    content = excel_bytes(pl.DataFrame({"a": ["1"]}))
    with pytest.raises(ContractViolation, match="lacks the column b"):
        read(tmp_path / "f.xlsx", content, stream("a", "b", header_rows=1))


def test_cut_file_is_refused(tmp_path: Path) -> None:
    content = excel_bytes(pl.DataFrame({"a": ["1"] * 100}))
    with pytest.raises(Truncated):
        read(tmp_path / "f.xlsx", content[: len(content) // 2], stream("a", header_rows=1))


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractViolation, match=r"no \.xlsx"):
        read(tmp_path / "f.xlsx", b"<html>login</html>", stream("a", header_rows=1))


def test_zip_bomb_is_not_opened(tmp_path: Path) -> None:
    book, out = Workbook(), io.BytesIO()
    book.save(out)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b"0" * (64 << 20))
    with pytest.raises(ContractViolation, match="would unpack"):
        read(tmp_path / "f.xlsx", out.getvalue(), stream("a", header_rows=1))


def test_the_named_sheet_is_read_and_no_other(tmp_path: Path) -> None:
    roster = {"党员名册": pl.DataFrame({"姓名": ["甲某某"], "a": ["x"]})}
    content = excel_bytes(pl.DataFrame({"a": ["1", "2"]}), title="党组织", beside=roster)
    of = stream("a", header_rows=1)
    named = replace(of, source=of.source | {"sheet": "党组织"})
    assert read(tmp_path / "f.xlsx", content, named)[0].to_dict(as_series=False) == {"a": ["1", "2"]}
    other = replace(of, source=of.source | {"sheet": "党员名册"})
    assert read(tmp_path / "f.xlsx", content, other)[0]["姓名"].to_list() == ["甲某某"]
    with pytest.raises(ContractViolation, match="has no sheet 活动 among its 2"):
        read(tmp_path / "f.xlsx", content, replace(of, source=of.source | {"sheet": "活动"}))


def test_a_file_without_a_header_does_not_tell_its_first_record(tmp_path: Path) -> None:
    headless = Workbook()
    sheet = headless.active
    assert sheet is not None
    sheet.append(["甲某某", "44330119900101123411"])
    out = io.BytesIO()
    headless.save(out)
    with pytest.raises(ContractViolation) as refused:
        read(tmp_path / "f.xlsx", out.getvalue(), stream("姓名", "证号", header_rows=1))
    assert "甲某某" not in str(refused.value) and "perhaps no header" in str(refused.value)
