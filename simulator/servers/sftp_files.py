"""Frames as the files that offices drop: GB18030 or BOM-ed CSV, workbooks with merged headers, GeoJSON."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import polars as pl
from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from simulator.views.base import UNDECODABLE


def csv_bytes(
    frame: pl.DataFrame, encoding: str = "gb18030", *, total_row: Sequence[Any] | None = None, line_end: str = "\r\n"
) -> bytes:
    """CSV with a header as Windows offices write it; `utf-8-sig` puts the byte order mark in front.

    `total_row` is appended as it is, e.g. `["合计", None, "1234.50"]`. What the encoding lacks becomes a question
    mark, as it does in such offices; places marked as undecodable become FF FF.
    """
    text = frame.write_csv(line_terminator=line_end)
    if total_row is not None:
        text += ",".join("" if cell is None else str(cell) for cell in total_row) + line_end
    encoder = codecs.getincrementalencoder(encoding)("replace")
    return b"\xff\xff".join(encoder.encode(part) for part in text.split(UNDECODABLE))


def excel_bytes(
    frame: pl.DataFrame,
    *,
    total_row: Sequence[Any] | None = None,
    numbers: Sequence[str] = (),
    title: str = "Sheet1",
    beside: Mapping[str, pl.DataFrame] | None = None,
) -> bytes:
    """A workbook; columns named `Group/Leaf` get two header rows with the group cell merged over its columns.

    A column without a group is merged downwards. `numbers` are columns whose digits are written as numbers, which
    is how 18-digit IDs lose their last digits. `beside` are further sheets by their titles, one header row each.
    """
    grouped = any("/" in name for name in frame.columns)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    groups = [name.rpartition("/")[0] for name in frame.columns]
    leaves = [name.rpartition("/")[2] for name in frame.columns]
    if grouped:
        sheet.append([group or leaf for group, leaf in zip(groups, leaves, strict=True)])
        sheet.append([leaf if group else None for group, leaf in zip(groups, leaves, strict=True)])
        for group, members in groupby(enumerate(groups, 1), key=lambda item: item[1]):
            columns = [number for number, _ in members]
            if group and len(columns) > 1:
                sheet.merge_cells(f"{get_column_letter(columns[0])}1:{get_column_letter(columns[-1])}1")
            for column in columns if not group else ():
                sheet.merge_cells(f"{get_column_letter(column)}1:{get_column_letter(column)}2")
    else:
        sheet.append(leaves)
    as_number = [name in numbers for name in frame.columns]
    for row in frame.iter_rows():
        sheet.append([_number(cell) if number else cell for cell, number in zip(row, as_number, strict=True)])
    if total_row is not None:
        sheet.append(list(total_row))
    for name, rows in (beside or {}).items():
        further = book.create_sheet(name)
        for row in (tuple(rows.columns), *rows.iter_rows()):
            further.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def geojson_bytes(frame: pl.DataFrame, encoding: str = "utf-8") -> bytes:
    """A FeatureCollection: the column `geometry` (GeoJSON text) apart, all others as properties."""
    names = [name for name in frame.columns if name != "geometry"]
    features = [
        {
            "type": "Feature",
            "properties": {name: row[name] for name in names},
            "geometry": json.loads(row["geometry"]) if row.get("geometry") else None,
        }
        for row in frame.iter_rows(named=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode(encoding)


def _number(cell: Any) -> Any:
    return float(cell) if isinstance(cell, str) and cell.isascii() and cell.isdigit() else cell
