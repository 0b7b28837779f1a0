"""A sample as the hub itself would read it: the very readers of intake, told nothing of any column yet.

What a reader must be told (encoding, header rows, total rows) is found out here; what the columns mean is not.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from connectors.contract import Stream
from connectors.encodings import ENCODINGS
from connectors.errors import ContractViolation, Permanent
from connectors.formats.csv_file import CsvFile
from connectors.formats.excel_file import ExcelFile, check_archive
from connectors.formats.geojson_file import GeoJsonFile
from connectors.formats.json_pages import loads_exact, records_page
from connectors.formats.layout import FileReader
from connectors.protocols.base import BadRecord
from connectors.standards import phone, resident_id

SAMPLE_ROWS: Final = 20_000
"""So many rows are looked at; what shows in none of them is the owner's to say."""

TOTALS: Final = ("合计", "总计", "小计", "共计", "总数", "汇总")
_SNIFF_BYTES: Final = 4 << 20
_MOST_HEADER_ROWS: Final = 6
_CODECS: Final = ("utf-8", "gb18030", "big5")


@dataclass(frozen=True)
class Sample:
    """Rows as received (String columns named as the upstream names them) and how they were got.

    `source` and `server` are what a contract must say so that intake reads the same; `types` are SQL types where
    the upstream has any, `key` its own primary key; `remarks` are for the person who completes the contract.
    """

    frame: pl.DataFrame
    protocol: str
    physical_name: str
    source: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read_file(path: Path) -> Sample:
    """The sample in a CSV, Excel, JSON or GeoJSON file.

    Raises ContractViolation or Permanent, which never quote a value, when the hub could not take such a file in.
    """
    if not path.is_file():
        raise Permanent(f"there is no file {path}", "Name a sample file, or a database address with --table")
    match path.suffix.lower():
        case ".csv" | ".txt":
            sample = _csv(path)
        case ".xlsx" | ".xlsm":
            sample = _excel(path)
        case ".json":
            sample = _json(path)
        case ".geojson":
            sample = _geojson(path, path.read_bytes())
        case other:
            raise Permanent(
                f"samples of the kind {other or 'without a suffix'} are not read",
                "Give a .csv, .xlsx, .json or .geojson; save an old .xls as .xlsx",
            )
    if not sample.frame.width or not sample.frame.height:
        raise ContractViolation(f"{path.name} holds no records", "Give a sample with at least one")
    _refuse_records_as_headings(sample.frame.columns, path.name)
    return sample


def file_pattern(name: str) -> str:
    """The file name with its dates and counters as `*`: 名册_202605.csv → 名册_*.csv."""
    stem, dot, suffix = name.rpartition(".")
    return re.sub(r"\d[\d\-_.]*\d|\d", "*", stem) + dot + suffix


def _csv(path: Path) -> Sample:
    head = _head(path)
    encoding, remark = encoding_of(head)
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode(ENCODINGS[encoding], "replace")
    for mark, name in (("\t", "tabs"), (";", "semicolons"), ("|", "bars")):
        if "," not in first and mark in first:
            raise ContractViolation(
                f"{path.name} is separated by {name}", "The hub reads commas: ask the owner for them"
            )
    source: dict[str, Any] = {"format": "csv"}
    if not _ends_its_line(path):
        source["openEnd"] = True
    frame, bad = _through(CsvFile(path, _draft(path, source), encoding))
    marks = [mark for mark in TOTALS if _begins(frame, bad, mark)]
    if marks:
        source["totalRows"] = marks
        frame, bad = _through(CsvFile(path, _draft(path, source), encoding))
    remarks = [remark] if remark else []
    remarks += [f"{len(bad)} lines of the sample are broken and will be quarantined"] if bad else []
    return Sample(
        frame, "sftp", file_pattern(path.name), source, {"encoding": encoding}, remarks=(*remarks, *_of_totals(marks))
    )


def _ends_its_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-min(1, path.stat().st_size), os.SEEK_END)
        return file.read() == b"\n"


def _excel(path: Path) -> Sample:
    check_archive(path)
    source: dict[str, Any] = {"format": "excel"}
    rows = header_rows(_merged(path))
    if rows > 1:
        source["headerRows"] = rows
    frame, bad = _through(ExcelFile(path, _draft(path, source), ""))
    marks = [mark for mark in TOTALS if _begins(frame, bad, mark)]
    if marks:
        source["totalRows"] = marks
        frame, _ = _through(ExcelFile(path, _draft(path, source), ""))
    remarks = [f"the header has {rows} rows, by its merged cells"] if rows > 1 else []
    return Sample(frame, "sftp", file_pattern(path.name), source, remarks=(*remarks, *_of_totals(marks)))


def _geojson(path: Path, raw: bytes) -> Sample:
    encoding, remark = encoding_of(raw[:_SNIFF_BYTES])
    source = {"format": "geojson"}
    frame, _ = _through(GeoJsonFile(path, _draft(path, source), encoding))
    remarks = (remark,) if remark else ()
    return Sample(frame, "sftp", file_pattern(path.name), source, {"encoding": encoding}, remarks=remarks)


def _json(path: Path) -> Sample:
    """The gateway's envelope (datas as text or as a list), a plain array, or GeoJSON."""
    raw = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        document = loads_exact(raw)
        if isinstance(document, dict) and document.get("type") == "FeatureCollection":
            return _geojson(path, raw)
        records = document.get("datas") if isinstance(document, dict) else document
        if isinstance(records, str):
            records = loads_exact(records.encode("utf-8", "surrogateescape"))
    except ValueError:
        raise ContractViolation(f"{path.name} is no JSON", "Save one answer of the interface as it came") from None
    if not isinstance(records, list):
        raise ContractViolation(
            f"{path.name} is neither the gateway's envelope nor an array of records",
            "Save one page of the gateway as it came, or its records alone",
        )
    page = records_page(records[:SAMPLE_ROWS], len(raw))
    remarks = [] if isinstance(document, dict) else ["the sample is a plain array; the gateway is a guess"]
    remarks += [f"{len(page.bad)} records of the sample are broken and will be quarantined"] if page.bad else []
    return Sample(page.frame, "gateway", re.sub(r"\d+", "", path.stem) or "records", remarks=tuple(remarks))


def encoding_of(head: bytes) -> tuple[str, str]:
    """The encoding of the first bytes of a file, and a remark where a person must confirm it ("" where not).

    Judged line by line, because one broken line must not decide. Raises ContractViolation for UTF-16.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ContractViolation("the sample is UTF-16", "Ask the owner for UTF-8 or GB18030")
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", ""
    lines = [line for line in head.split(b"\n") if not line.isascii()]
    if not lines:
        return "utf-8", "the sample is plain ASCII: ask how Chinese is encoded"
    failing = {codec: sum(not _decodes(line, codec) for line in lines) for codec in _CODECS}
    best = next((codec for codec in _CODECS if failing[codec] * 10 <= len(lines)), None)
    if best is None:
        raise ContractViolation(
            f"the sample is none of {', '.join(_CODECS)}", "Ask the owner which encoding it is, or for UTF-8"
        )
    return best, "" if best == "utf-8" else f"{best} by trial"


def header_rows(merged: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> int:
    """How many rows the header has, by the merged cells (top, left), (bottom, right) that begin in it.

    A cell merged sideways has its parts below; one merged downwards reaches to its own bottom.
    """
    rows = 1
    for (top, left), (bottom, right) in sorted(merged):
        if top < rows:
            rows = max(rows, bottom + (2 if right > left else 1))
    return min(rows, _MOST_HEADER_ROWS)


def _merged(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        return list(CalamineWorkbook.from_path(path).get_sheet_by_index(0).merged_cell_ranges or [])
    except CalamineError:
        raise ContractViolation(f"{path.name} cannot be read as a workbook", "Save it again without password") from None


def _refuse_records_as_headings(headings: Sequence[str], file: str) -> None:
    """A file without a header would show its first person as column names."""
    parts = pl.Series([part for heading in headings for part in heading.split("/")], dtype=pl.String)
    data = (
        resident_id.is_valid(resident_id.normalise(parts))
        | phone.is_mobile(phone.normalise(parts))
        | parts.str.contains(r"^\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|^[\d.,]+$|\d{6}")
    )
    # 男 alone is a value; under a group's heading (人数/男) it is the name of a column.
    if data.fill_null(False).any() or {"男", "女"} & set(headings):
        raise ContractViolation(
            f"the header of {file} looks like a record", "Ask the owner for a file with column names in its first row"
        )


def _head(path: Path) -> bytes:
    """Whole lines from the beginning of the file."""
    with path.open("rb") as file:
        head = file.read(_SNIFF_BYTES)
    return head if len(head) < _SNIFF_BYTES else head[: head.rfind(b"\n") + 1]


def _decodes(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _draft(path: Path, source: dict[str, Any]) -> Stream:
    """A stream without columns: the readers then want none and give them all."""
    return Stream(system="sample", name=path.stem, physical_name=path.name, load="snapshot", columns=(), source=source)


def _through(reader: FileReader) -> tuple[pl.DataFrame, list[BadRecord]]:
    frames: list[pl.DataFrame] = []
    bad: list[BadRecord] = []
    for page in reader.pages():
        frames.append(page.frame)
        bad += page.bad
        if sum(frame.height for frame in frames) >= SAMPLE_ROWS:
            break
    return (pl.concat(frames).head(SAMPLE_ROWS) if frames else pl.DataFrame()), bad


def _begins(frame: pl.DataFrame, bad: Sequence[BadRecord], mark: str) -> bool:
    """Whether a row begins with the mark of a total row; such rows often have too few cells."""
    first = frame.to_series(0).str.strip_chars() if frame.width else pl.Series(dtype=pl.String)
    broken = any(record.raw.lstrip('"').strip().startswith(mark) for record in bad)
    return broken or bool(first.str.starts_with(mark).fill_null(False).any())


def _of_totals(marks: Sequence[str]) -> tuple[str, ...]:
    return (f"rows that begin with {', '.join(marks)} sum up others and are no records",) if marks else ()
