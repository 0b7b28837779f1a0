# ruff: noqa: E501 (a case a line, as far as it goes)
"""Excel workbooks, written by hand so that they can hold what no honest program would write."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape

from connectors.contract import Stream
from connectors.errors import ContractViolation, Truncated
from tests.corpus.cases import CANARY_FILE, FIELDS, Case, Ends, Read, Refused, Row, good_rows, luck
from tests.corpus.values import spoilt_cases

SHEET = "xl/worksheets/sheet1.xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" Type="{_RELATIONS}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
    '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" '
    f'Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" '
    f'Type="{_RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}"><si><t>shared</t></si></sst>',
}

Cell = str | None


def _name(column: int) -> str:
    letters = ""
    while column >= 0:
        column, letter = column // 26 - 1, chr(65 + column % 26)
        letters = letter + letters
    return letters


def _cell(place: str, value: Cell) -> str:
    """A cell as text, or, of a value that begins with '<', as the XML that it is."""
    if value is None or value == "":
        return ""
    if value.startswith("<c"):
        return value.replace("<c", f'<c r="{place}"', 1)
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def sheet(rows: Iterable[Iterable[Cell]], more: str = "", after: str = "", doctype: str = "") -> str:
    """A worksheet; `more` stands among its rows, `after` behind them."""
    lines = "".join(
        f'<row r="{number}">{"".join(_cell(f"{_name(n)}{number}", value) for n, value in enumerate(row))}</row>'
        for number, row in enumerate(rows, 1)
    )
    return f'<?xml version="1.0"?>{doctype}<worksheet xmlns="{_MAIN}"><sheetData>{lines}{more}</sheetData>{after}</worksheet>'


def book(content: str, parts: Mapping[str, str | bytes] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in {**_PARTS, SHEET: content, **(parts or {})}.items():
            archive.writestr(name, part)
    return out.getvalue()


def table(rows: list[Row]) -> list[list[Cell]]:
    return [list(FIELDS), *([row[field] for field in FIELDS] for row in rows)]


def workbook(rows: list[Row]) -> bytes:
    return book(sheet(table(rows)))


def _with(field: str, cell: str) -> bytes:
    """Six good rows and a seventh with XML of its own in one cell."""
    return workbook([*good_rows(), good_rows(9)[-1] | {field: cell}])


def _spread(size: int, part: str = "xl/media/image1.bin") -> bytes:
    """A workbook with a part that begins as it should and goes on with so many zeros."""
    out = io.BytesIO()
    parts = {**_PARTS, SHEET: sheet(table(good_rows()))}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            if name != part:
                archive.writestr(name, content)
        with archive.open(part, "w", force_zip64=True) as file:
            file.write(parts.get(part, "").encode())
            for _ in range(size >> 20):
                file.write(bytes(1 << 20))
    return out.getvalue()


def _lying(size: int) -> bytes:
    """A sheet of `size` blanks that its archive declares as of 100 bytes."""
    data = bytearray(book(sheet(table(good_rows())) + " " * size))
    at = data.rfind(SHEET.encode())
    true = struct.unpack_from("<I", data, at - 22)[0]
    data = data.replace(struct.pack("<I", true), struct.pack("<I", 100))
    return bytes(data)


def _parts(count: int) -> bytes:
    return book(sheet(table(good_rows())), {f"xl/media/{number}.txt": "x" for number in range(count)})


def _symlink() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in {**_PARTS, SHEET: sheet(table(good_rows()))}.items():
            archive.writestr(name, part)
        link = zipfile.ZipInfo("xl/link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


def _merged() -> bytes:
    """Two header rows, a group merged over two columns, the others merged downwards."""
    top: list[Cell] = ["bh", "xm", "证件", None, "je", "bz", "gxsj"]
    leaves: list[Cell] = [None, None, "sfzh", "zt", None, None, None]
    rows = [[row[field] for field in FIELDS] for row in good_rows()]
    downwards = "".join(f'<mergeCell ref="{letter}1:{letter}2"/>' for letter in "ABEFG")
    return book(
        sheet([top, leaves, *rows], after=f'<mergeCells count="6"><mergeCell ref="C1:D1"/>{downwards}</mergeCells>')
    )


def _shared(strings: int, length: int, cells: int) -> bytes:
    """Few long shared strings that very many cells name."""
    texts = "".join(f"<si><t>{'x' * length}</t></si>" for _ in range(strings))
    rows = "".join(
        f'<row r="{row}"><c r="A{row}" t="s"><v>{row % strings}</v></c></row>' for row in range(9, 9 + cells)
    )
    return book(sheet(table(good_rows()), rows), {"xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{texts}</sst>'})


def excel_cases() -> list[Case]:
    rows = table(good_rows())
    refused, many = ContractViolation, "Ask the owner"
    nine = ("R0009", "")
    entities = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    outside = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{CANARY_FILE}">]>'
    whole = workbook(good_rows())
    external = {
        "xl/externalLinks/externalLink1.xml": f'<externalLink xmlns="{_MAIN}"><externalBook/></externalLink>',
        "xl/externalLinks/_rels/externalLink1.xml.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="rId1" '
        f'Type="{_RELATIONS}/externalLinkPath" Target="http://198.51.100.1/x.xlsx" TargetMode="External"/>'
        "</Relationships>",
    }
    broken: list[tuple[str, Callable[[], bytes], Ends, dict[str, Any]]] = [
        ("empty", lambda: b"", Refused(refused, "is no .xlsx file", "agreed format"), {}),
        ("html_page", lambda: b"<html><table><tr><td>1</td></tr></table></html>",
         Refused(refused, "is no .xlsx file", "agreed format"), {}),
        ("old_xls", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000),
         Refused(refused, "is no .xlsx file", "agreed format"), {}),
        ("zip_of_something_else", lambda: _zipped({"a.txt": b"x"}), Refused(refused, "as a workbook", many), {}),
        ("sheet_is_no_xml", lambda: book("not xml at all <<<"), Refused(refused, "", many), {}),
        ("sheet_ends_early", lambda: book(sheet(rows)[:-300]), Refused(refused, "as a workbook", many), {}),
        ("no_sheet_in_the_archive", lambda: _zipped(_PARTS), Refused(refused, "as a workbook", many), {}),
        ("no_rows", lambda: book(sheet([])), Refused(refused, "has no header", "agreed file"), {}),
        ("header_only", lambda: book(sheet(rows[:1])), Read(0), {}),
        ("another_sheet", lambda: whole, Refused(refused, "has no sheet 名单", "source.sheet"), {"sheet": "名单"}),
        ("merged_header", _merged, Read(6), {"headerRows": 2, "grouped": True}),
        ("merged_header_unforeseen", _merged, Refused(refused, "lacks the columns", "physicalName"), {}),
        ("header_rows_missing", lambda: book(sheet(rows[:1])), Refused(refused, "has no header", "agreed file"),
         {"headerRows": 2}),
        ("total_row", lambda: book(sheet([*rows, ["合计", None, None, None, "21.00"]])), Read(6), {"totalRows": ["合计"]}),
        ("total_row_unknown_to_the_contract", lambda: book(sheet([*rows, ["合计", None, None, None, "21.00"]])),
         Read(7, (("合计", "name:missing_required"),)), {}),
        ("title_above_the_header", lambda: book(sheet([["2026年6月名单"], *rows])),
         Refused(refused, "lacks the columns", "Ask the owner"), {}),
        ("empty_rows", lambda: book(sheet([*rows[:3], [], [], *rows[3:]])), Read(6), {}),
        ("shifted_to_the_right", lambda: book(sheet([[None, *row] for row in rows])), Read(6), {}),
        ("renamed_column", lambda: book(sheet([[*rows[0][:3], "状态", *rows[0][4:]], *rows[1:]])),
         Refused(refused, "lacks the column zt", "physicalName"), {}),
        ("column_twice", lambda: book(sheet([[*row, row[0]] for row in rows])),
         Refused(refused, "bh more than once", "mend it"), {}),
        ("ten_thousand_columns", lambda: book(sheet([[*rows[0], *(f"c{n}" for n in range(10_000))], *rows[1:]])),
         Refused(refused, "more than 1000", "agreed file"), {}),
        ("id_as_a_number", lambda: _with("sfzh", '<c><v>110105194912310029</v></c>'),
         Read(7, (("R0009", "resident_id:lost_precision"),)), {}),
        ("id_in_exponents", lambda: _with("sfzh", "<c><v>1.10105194912310E+17</v></c>"),
         Read(7, (("R0009", "resident_id:lost_precision"),)), {}),
        ("key_as_a_number", lambda: _with("bh", "<c><v>9.0</v></c>"), Read(7, values={("9", "note"): "第9号"}), {}),
        ("serial_date", lambda: _with("gxsj", "<c><v>46143.5</v></c>"), Read(7), {}),
        ("serial_date_of_no_year", lambda: _with("gxsj", "<c><v>99999999999</v></c>"),
         Read(7, (("R0009", "changed_at"),)), {}),
        ("boolean_code", lambda: _with("zt", '<c t="b"><v>1</v></c>'), Read(7, (("R0009", "state:unknown_code"),)), {}),
        ("error_cell", lambda: _with("zt", '<c t="e"><v>#N/A</v></c>'), Read(7), {}),
        ("error_key", lambda: _with("bh", '<c t="e"><v>#REF!</v></c>'), Read(7, ((None, "id:missing_required"),)), {}),
        ("formula_with_a_value", lambda: _with("je", "<c><f>1+1</f><v>2</v></c>"), Read(7), {}),
        ("formula_without_a_value", lambda: _with("je", "<c><f>1+1</f></c>"), Read(7), {}),
        ("formula_to_another_book", lambda: _with("bz", '<c t="str"><f>[1]Sheet1!A1</f><v>copy</v></c>'),
         Read(7, values={("R0009", "note"): "copy"}), {}),
        ("external_links", lambda: book(sheet(rows), external), Read(6), {}),
        ("dde", lambda: _with("bz", '<c t="str"><f>cmd|\' /C calc\'!A0</f><v>=cmd|1</v></c>'),
         Read(7, values={("R0009", "note"): "=cmd|1"}), {}),
        ("shared_string_beyond_the_table", lambda: _with("bz", '<c t="s"><v>4000000000</v></c>'),
         Refused(refused, "as a workbook", many), {}),
        ("entities_in_the_sheet", lambda: book(sheet(rows, doctype=entities).replace("第1号", "&b;")),
         Refused(refused, "document type", "plain"), {}),
        ("entity_of_a_file", lambda: book(sheet(rows, doctype=outside).replace("第1号", "&a;")),
         Refused(refused, "document type", "plain"), {}),
        ("last_cell_of_all", lambda: book(sheet(rows, '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')),
         Refused(refused, "would need", "smaller"), {}),
        ("cell_beyond_the_sheet", lambda: book(sheet(rows, '<row r="9"><c r="ZZZZ999999999"><v>1</v></c></row>')),
         Refused(refused, "would need", "smaller"), {}),
        ("far_empty_cell", lambda: book(sheet(rows, '<row r="1048576"><c r="XFD1048576" s="0"/></row>')), Read(6), {}),
        ("last_row_of_the_first_column", lambda: book(sheet(rows, '<row r="1048576"><c r="A1048576"><v>1</v></c></row>')),
         Refused(refused, "would need", "smaller"), {}),
        ("three_million_cells", lambda: book(sheet(rows, "<row>" + "<c><v>1</v></c>" * 3_000_000 + "</row>")),
         Refused(refused, "would", ""), {}),
        ("shared_string_in_every_cell", lambda: _shared(1, 30_000, 50_000),
         Refused(refused, "would need", "smaller"), {}),
        ("bomb_of_512_mb", lambda: _spread(512 << 20), Refused(refused, "would unpack to", "what it is"), {}),
        ("sheet_bomb", lambda: _spread(200 << 20, SHEET), Refused(refused, "would unpack to", "what it is"), {}),
        ("bomb_with_a_lying_size", lambda: _lying(50_000_000), Refused(Truncated, "is cut off", "again"), {}),
        ("five_thousand_entries", lambda: _parts(5_000), Refused(refused, "in 50", "what it is"), {}),
        ("entry_out_of_the_folder", lambda: book(sheet(rows), {"../../escaped.txt": "x", "/tmp/escaped.txt": "x"}),
         Read(6), {}),
        ("entry_is_a_link", _symlink, Read(6), {}),
        ("entry_twice", lambda: _twice(rows), Read(6), {}),
        ("oversized_number", lambda: _with("je", "<c><v>1e308</v></c>"), Read(7, (("R0009", "amount:not_an_amount"),)), {}),
        ("endless_number", lambda: _with("je", "<c><v>1e999</v></c>"), Read(7, (nine,)), {}),
    ]  # fmt: skip
    cases = [Case(f"excel/{name}", "excel", body, ends, options) for name, body, ends, options in broken]
    cases += [
        Case(
            f"excel/cut-{number}",
            "excel",
            lambda number=number: whole[: luck(f"excel/{number}").randrange(64, len(whole) - 30)],  # type: ignore[misc]
            Refused(Truncated, "is cut off", "again"),
        )
        for number in range(6)
    ]
    cases += [
        Case(
            f"excel/flipped-{number}",
            "excel",
            lambda number=number: _flipped(whole, number),  # type: ignore[misc]
            Refused(Truncated, "is cut off", "again"),
        )
        for number in range(4)
    ]
    return spoilt_cases("excel", workbook) + cases


def _zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def _twice(rows: list[list[Cell]]) -> bytes:
    out = io.BytesIO(book(sheet(rows)))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("docProps/app.xml", "<a/>")
        archive.writestr("docProps/app.xml", "<b/>")
    return out.getvalue()


def _flipped(whole: bytes, number: int) -> bytes:
    """One byte of the sheet's packed content is another."""
    at = whole.find(SHEET.encode()) + len(SHEET) + luck(f"excel/flip-{number}").randrange(20, 200)
    return whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]


def grouped(of: Stream) -> Stream:
    """The stream whose sheet has two columns under the merged heading 证件."""
    columns = tuple(
        replace(column, physical_name=f"证件/{column.physical_name}")
        if column.name in ("resident_id", "state")
        else column
        for column in of.columns
    )
    return replace(of, columns=columns, cursor=columns[-1])
