"""Excel workbooks: one sheet to String columns, with headers of several rows and merged cells.

An .xlsx is a ZIP: its entries, size and compression ratio are checked before anything is opened. Cells keep the
form that tells what happened to them: dates become ISO text, and a number that Excel can no longer hold exactly
(18-digit IDs) is written in exponent form, so that conform gives `lost_precision` and does not take it for an ID.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from connectors.contract import Stream
from connectors.errors import ContractViolation, Truncated
from connectors.formats.layout import check_header, total_row_marks
from connectors.limits import LONGEST_FIELD, RAW_CHARS
from connectors.protocols.base import BadRecord, Page

MAX_ENTRIES: Final = 2_000
MAX_UNPACKED_BYTES: Final = 192 << 20
MAX_RATIO: Final = 200
"""Sheets of numbers pack 10 to 30 times; a bomb packs a thousand times."""
SMALL_BYTES: Final = 8 << 20
"""So much may any workbook unpack to, whatever its ratio: one long value of one letter is no bomb."""
MAX_CELLS: Final = 2_000_000
"""Of the rectangle from the first cell to the last: the reader has room for each of them, empty or not."""
MAX_TEXT: Final = 64 << 20
"""Characters of the texts that cells name in the table of shared strings: few texts can be named by very many cells."""

EXACT_INTEGERS: Final = 2**53
"""Above it a float no longer holds every integer."""


class ExcelFile:
    """One sheet of a workbook: the one that `source.sheet` names, else the first. Others are never read.

    `source.headerRows` (default 1) header rows are joined to names `Group/Leaf`; a merged group cell holds for all
    its columns, a cell merged downwards counts once. Empty cells are null, empty rows and total rows no records.
    """

    def __init__(self, path: Path, stream: Stream, encoding: str, page_rows: int = 50_000) -> None:
        self.path = path
        self.total_rows_dropped = 0
        self._stream = stream
        self._page_rows = page_rows
        self._marks = total_row_marks(stream)
        self._header_rows = int(stream.source.get("headerRows", 1))

    def pages(self) -> Iterator[Page]:
        check_archive(self.path)
        sheet = self._sheet()
        rows = _rows(sheet)
        head = list(islice(rows, self._header_rows))
        if len(head) < self._header_rows:
            raise ContractViolation(f"{self.path.name} has no header", "Ask the owner for the agreed file")
        names = join_header(head, sheet.merged_cell_ranges or [])
        header = check_header(names, self._stream, self.path)
        size = self.path.stat().st_size
        row_no = 0
        while part := list(islice(rows, self._page_rows)):
            kept: list[Sequence[Any]] = []
            bad: list[BadRecord] = []
            for row in part:
                if all(cell == "" for cell in row):
                    continue
                row_no += 1
                if self._marks and str(row[0]).strip().startswith(self._marks):
                    self.total_rows_dropped += 1
                elif any(isinstance(cell, str) and len(cell) > LONGEST_FIELD // 4 for cell in row):
                    bad.append(BadRecord(row_no, str(row)[:RAW_CHARS], "oversized_field"))
                else:
                    kept.append(row)
            columns = zip(*kept, strict=True) if kept else ((),) * len(header)
            frame = pl.DataFrame(
                {name: texts(cells) for name, cells in zip(header, columns, strict=True)},
                schema=dict.fromkeys(header, pl.String),
            )
            yield Page(frame, tuple(bad), size)
            size = 0

    def _sheet(self) -> CalamineSheet:
        try:
            book = CalamineWorkbook.from_path(self.path)
            name = self._stream.source.get("sheet")
            if name is not None and name not in book.sheet_names:
                raise ContractViolation(
                    f"{self.path.name} has no sheet {name} among its {len(book.sheet_names)}",
                    "Ask the owner whether the sheet was renamed, then mend source.sheet in the contract",
                )
            return book.get_sheet_by_index(0) if name is None else book.get_sheet_by_name(str(name))
        except CalamineError as error:
            raise ContractViolation(
                f"{self.path.name} cannot be read as a workbook ({type(error).__name__})",
                "Ask the owner for an .xlsx without password",
            ) from error


def _rows(sheet: CalamineSheet) -> Iterator[list[Any]]:
    """Rows of the sheet from A1 on, made one by one: the iterator leaves out columns before the first filled one."""
    before = [""] * (sheet.start[1] if sheet.start else 0)
    return ([*before, *row] for row in sheet.iter_rows())


def check_archive(path: Path) -> None:
    """Refuse a workbook that is cut off (Truncated) or needs more than the caps (ContractViolation).

    Declared sizes are checked before anything is unpacked; then every part of a sheet is read through once, block by
    block, because sizes may lie and because a cell far out or a text that is named a million times shows only there.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(path, entries)
            parts = {entry.filename: entry for entry in entries if entry.filename.endswith(".xml")}
            lengths = _text_lengths(archive, parts.get("xl/sharedStrings.xml"))
            for name, entry in parts.items():
                if name != "xl/sharedStrings.xml":
                    _check_part(path, archive, entry, lengths)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        head = path.open("rb").read(4)
        if head[:2] == b"PK":
            raise Truncated(f"{path.name} is cut off", "Ask the owner to send the file again") from error
        raise ContractViolation(f"{path.name} is no .xlsx file", "Ask the owner for the agreed format") from error


def _check_sizes(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = max(1, sum(entry.compress_size for entry in entries))
    if (
        len(entries) > MAX_ENTRIES
        or unpacked > MAX_UNPACKED_BYTES
        or (unpacked > SMALL_BYTES and unpacked / packed > MAX_RATIO)
    ):
        raise ContractViolation(
            f"{path.name} would unpack to {unpacked} bytes in {len(entries)} entries "
            f"({unpacked / packed:.0f} times its size)",
            "It was not opened; ask the owner what it is",
        )


_BLOCK_BYTES: Final = 1 << 20
# A cell that holds something: empty ones end with "/>" and take no room. Names may have a prefix.
_PLACE: Final = re.compile(rb"""<(?:\w+:)?c\b[^<>]*?\br\s*=\s*["']([A-Za-z]+)(\d+)["'][^<>]*(?<!/)>""")
_NAMES_TEXT: Final = re.compile(rb"""\bt\s*=\s*["']s["'][^<>]*>\s*<(?:\w+:)?v\b[^<>]*>\s*(\d{1,9})\s*<""")
_TEXT_END: Final = re.compile(rb"</(?:\w+:)?si>")


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, end: bytes) -> Iterator[bytes]:
    """The part in blocks that end with `end`, or at least with a tag. Raises BadZipFile where its checksum is wrong."""
    rest = b""
    with archive.open(entry) as file:
        while read := file.read(_BLOCK_BYTES):
            rest += read
            last = rest.rfind(end)
            cut = last + len(end) if last >= 0 else rest.rfind(b">") + 1
            # Text of no end is none of what is looked for.
            cut = cut or (len(rest) if len(rest) > 4 * _BLOCK_BYTES else 0)
            yield rest[:cut]
            rest = rest[cut:]
    yield rest


def _text_lengths(archive: zipfile.ZipFile, entry: zipfile.ZipInfo | None) -> list[int]:
    """Characters of each shared string, its markup counted too."""
    if entry is None:
        return []
    return [len(text) for block in _blocks(archive, entry, b"si>") for text in _TEXT_END.split(block)[:-1]]


def _check_part(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, lengths: Sequence[int]) -> None:
    """Refuse a part whose cells would need more room than the caps; a document type has no place in a workbook."""
    rows = cells = named = 0
    letters: set[bytes] = set()
    for number, block in enumerate(_blocks(archive, entry, b"c>")):
        if number == 0 and b"<!DOCTYPE" in block:
            raise ContractViolation(
                f"{path.name} declares a document type or entities, which are never expanded",
                "Ask the owner for a plain .xlsx",
            )
        cells += block.count(b"</c>") + block.count(b":c>")
        places = _PLACE.findall(block)
        letters.update(column[:12] for column, _ in places)
        rows = max(rows, max((int(row[:12]) for _, row in places), default=0))
        if lengths:
            texts = (int(text) for text in _NAMES_TEXT.findall(block))
            named += sum(lengths[text] for text in texts if text < len(lengths))
    room = max(cells, rows * max(map(_column, letters), default=0))
    if room > MAX_CELLS or named > MAX_TEXT:
        raise ContractViolation(
            f"{path.name} would need room for {room} cells and {named} characters of text",
            "It was not opened; ask the owner for smaller files, or to delete what stands far outside of the table",
        )


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def join_header(rows: Sequence[Sequence[Any]], merged: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> list[str]:
    """Header rows to one name per column: `Group/Leaf`, or the single name where the cell spans the rows."""
    cells = [[str(cell).strip() for cell in row] for row in rows]
    for (top, left), (bottom, right) in merged:
        for row in range(top, min(bottom, len(cells) - 1) + 1):
            for column in range(left, min(right, len(cells[row]) - 1) + 1):
                cells[row][column] = cells[top][left]
    return ["/".join(dict.fromkeys(part for part in column if part)) for column in zip(*cells, strict=True)]


def texts(cells: Sequence[Any]) -> list[str | None]:
    """A column of cells as text, null where empty."""
    return [cell or None if type(cell) is str else text(cell) for cell in cells]


def text(cell: Any) -> str | None:
    """One cell that is not text: 3.0 → 3, dates to ISO, integers beyond 2^53 to exponent form."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        if abs(cell) >= EXACT_INTEGERS:
            return f"{float(cell):.15e}"
        return str(int(cell)) if cell == int(cell) else repr(cell)
    if isinstance(cell, datetime):
        midnight = cell.time() == time(0)
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell) or None
