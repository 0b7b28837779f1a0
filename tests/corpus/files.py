# ruff: noqa: E501 (a case a line, as far as it goes)
"""CSV and GeoJSON files: spoilt values in every encoding, and files that are broken as files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

from connectors.errors import ContractViolation, Permanent, Truncated
from tests.corpus.cases import FIELDS, Case, Ends, Read, Refused, Row, good_rows, luck
from tests.corpus.values import spoilt_cases

SQUARE = {"type": "Polygon", "coordinates": [[[120.1, 30.3], [120.11, 30.3], [120.11, 30.31], [120.1, 30.3]]]}
BOW = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}


def csv_text(rows: list[Row], fields: tuple[str, ...] = FIELDS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, fields, lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def csv_bytes(rows: list[Row], encoding: str = "utf-8") -> bytes:
    return csv_text(rows).encode(encoding)


def csv_cases() -> list[Case]:
    cases = spoilt_cases("csv", csv_bytes, label="csv-utf-8")
    cases += spoilt_cases("csv", lambda rows: csv_bytes(rows, "gb18030"), label="csv-gb18030", encoding="gb18030")
    cases += spoilt_cases("csv", lambda rows: csv_bytes(rows, "utf-8-sig"), label="csv-bom", encoding="utf-8-sig")
    return cases + [_csv(name, body, ends, options) for name, body, ends, options in _broken_csv()]


def _csv(name: str, body: Callable[[], Any], ends: Ends, options: dict[str, Any]) -> Case:
    return Case(f"csv/{name}", "csv", body, ends, options)


def _with_line(line: bytes, at: int = 3, encoding: str = "utf-8") -> bytes:
    """Six good rows with a line of the test's after the `at`-th."""
    lines = csv_bytes(good_rows(), encoding).splitlines(keepends=True)
    return b"".join([*lines[: at + 1], line, *lines[at + 1 :]])


def _around(before: bytes, block: bytes, times: int, behind: bytes, *, after: bool = True) -> Iterator[bytes]:
    """A line of so many blocks within the six good rows (`after`: three of them behind it), piece by piece."""
    lines = csv_bytes(good_rows()).splitlines(keepends=True)
    yield b"".join(lines[:4] if after else lines) + before
    yield from repeat(block, times)
    yield behind + (b"".join(lines[4:]) if after else b"")


def _broken_csv() -> list[tuple[str, Callable[[], Any], Ends, dict[str, Any]]]:
    whole = csv_bytes(good_rows())
    in_gbk = {"encoding": "gbk"}
    cut = "ends in the middle of a line"
    again = "send the file again"

    def renamed(old: str, new: str) -> Callable[[], Any]:
        return lambda: whole.replace(old.encode(), new.encode(), 1)

    def truncated(number: int) -> Callable[[], Any]:
        last = len(whole) - len(whole.splitlines(keepends=True)[-1])
        return lambda: whole[: luck(f"csv/cut-{number}").randrange(last + 1, len(whole) - 26)]

    cuts = [(f"cut-{number}", truncated(number), Refused(Truncated, cut, again), {}) for number in range(6)]
    return [
        *cuts,
        ("empty", lambda: b"", Refused(Truncated, "is empty", again), {}),
        ("mark_only", lambda: b"\xef\xbb\xbf", Refused(Truncated, "is empty", again), {}),
        ("header_only", lambda: whole.splitlines(keepends=True)[0], Read(0), {}),
        ("no_last_line_end", lambda: whole.rstrip(b"\r\n"), Read(6), {"openEnd": True}),
        ("cut_in_the_last_column", lambda: whole.rstrip(b"\r\n"), Refused(Truncated, "without a line end", again), {}),
        ("unix_lines", lambda: whole.replace(b"\r\n", b"\n"), Read(6), {}),
        ("no_header", lambda: b"".join(whole.splitlines(keepends=True)[1:]),
         Refused(ContractViolation, "perhaps no header", "mend physicalName"), {}),
        ("html_page", lambda: b"<!DOCTYPE html><html><body>login</body></html>\n",
         Refused(ContractViolation, "lacks the columns", "Ask the owner"), {}),
        ("json_instead", lambda: b'{"code":"500"}\n', Refused(ContractViolation, "lacks the columns", "owner"), {}),
        ("binary", lambda: luck("csv/binary").randbytes(4096) + b"\n",
         Refused(ContractViolation, "the header of", "encoding"), {}),
        ("utf_16", lambda: csv_text(good_rows()).encode("utf-16"),
         Refused(ContractViolation, "is not utf-8", "encoding"), {}),
        ("renamed_column", renamed("zt", "ztdm"), Refused(ContractViolation, "lacks the column zt", "physicalName"), {}),
        ("removed_column", lambda: csv_text(good_rows(), FIELDS[:-1]).encode(),
         Refused(ContractViolation, "lacks the column gxsj", "physicalName"), {}),
        ("added_column", lambda: b"".join(line + b",new\r\n" for line in whole.split(b"\r\n")[:-1]), Read(6), {}),
        ("column_twice", renamed("bz", "xm"), Refused(ContractViolation, "lacks the column bz", "physicalName"), {}),
        ("key_column_twice", lambda: b"".join(b + b",bh\r\n" for b in whole.split(b"\r\n")[:-1]),
         Refused(ContractViolation, "bh more than once", "mend it"), {}),
        ("ten_thousand_columns", lambda: b",".join([whole.split(b"\r\n")[0], *(b"c%d" % n for n in range(10_000))]) + b"\n",
         Refused(ContractViolation, "more than 1000", "agreed file"), {}),
        ("separated_by_semicolons", lambda: whole.replace(b",", b";"),
         Refused(ContractViolation, "lacks the columns", "owner"), {}),
        ("too_many_fields", lambda: _with_line(b"R0009,x,,1,1,,2026-05-01,more\r\n"),
         Read(7, (("R0009", "ragged_line"),)), {}),
        ("too_few_fields", lambda: _with_line(b"R0009,x\r\n"), Read(7, (("R0009", "ragged_line"),)), {}),
        ("blank_lines", lambda: _with_line(b"\r\n\n\r\n"), Read(6), {}),
        ("blank_record", lambda: _with_line(b",,,,,,\r\n"),
         Read(7, ((None, "id:missing_required"),)), {}),
        ("total_row", lambda: whole + "合计,,,,21.00,,\r\n".encode(), Read(6), {"totalRows": ["合计"]}),
        ("short_total_row", lambda: whole + "合计：6\r\n".encode(), Read(6), {"totalRows": ["合计"]}),
        ("total_row_unknown_to_the_contract", lambda: whole + "合计,,,,21.00,,\r\n".encode(),
         Read(7, (("合计", "name:missing_required"),)), {}),
        ("undecodable_line", lambda: _with_line(b"R0009,x\xff\xfe,,1,1,,2026-05-01\r\n"),
         Read(7, (("R0009", "undecodable_text"),)), {}),
        ("latin_line_in_gbk", lambda: _with_line(b"R0009,x\xff,,1,1,,2026-05-01\r\n", encoding="gbk"),
         Read(7, (("R0009", "undecodable_text"),)), in_gbk),
        ("utf_8_lines_in_gbk", lambda: _with_line("R0009,王伟伟,,1,1,,2026-05-01\r\n".encode(), encoding="gbk"),
         Read(7, (("R0009", ""),)), in_gbk),
        ("header_in_another_encoding", lambda: "编号,姓名\xff\r\n".encode("latin-1", "ignore") + whole,
         Refused(ContractViolation, "the header of", "encoding"), {}),
        ("big5", lambda: csv_bytes([row | {"bz": "繁體", "xm": "王偉"} for row in good_rows()], "big5"), Read(6),
         {"encoding": "big5"}),
        ("ascii_with_more", lambda: _with_line("R0009,王伟,,1,1,,2026-05-01\r\n".encode(), encoding="utf-8"),
         Read(7, tuple((f"R000{n}", "undecodable_text") for n in (1, 2, 3, 4, 5, 6, 9))), {"encoding": "ascii"}),
        ("unknown_encoding", lambda: whole, Refused(Permanent, "'utf-7' cannot be read", "Declare one of"),
         {"encoding": "utf-7"}),
        ("stray_quote", lambda: _with_line('R0009,王伟,,1,1,5" pipe,2026-05-01\r\n'.encode()),
         Read(7, values={("R0009", "note"): '5" pipe'}), {}),
        ("quote_never_closed", lambda: _with_line('R0009,王伟,,1,1,"open,2026-05-01\r\n'.encode()),
         Read(7, values={("R0009", "note"): '"open'}), {}),
        ("quotes_without_end", lambda: _with_line(b'"' * 200_001 + b"\r\n"), Read(7, ((None, "ragged_line"),)), {}),
        ("field_of_100_mb", lambda: _around(b"R0009,x,,1,1,", b"x" * 1_000_000, 100, b",2026-05-01\r\n"),
         Read(7, (("R0009", "oversized_field"),)), {}),
        ("quoted_field_of_7_mb", lambda: _around(b'R0009,x,,1,1,"', b"x\n" * 500_000, 7, b'",2026-05-01\r\n'),
         Refused(ContractViolation, "lines that cannot be read", "agreed file"), {}),
        ("line_without_end", lambda: _around(b"", b"x" * 1_000_000, 60, b"", after=False), Refused(Truncated, cut, again), {}),
        ("blank_lines_without_number", lambda: _around(b"", b"\n" * 1_000_000, 40, b""), Read(6), {}),
        ("short_lines_without_number", lambda: _around(b"", b"x\n" * 1_000_000, 10, b""),
         Refused(ContractViolation, "lines that cannot be read", "agreed file"), {}),
        ("commas_without_number", lambda: _around(b"", b"," * 1_000_000, 20, b"\n"), Read(7, ((None, ""),)), {}),
        ("gzip_instead", lambda: b"\x1f\x8b\x08\x00" + luck("gz").randbytes(2000) + b"\n",
         Refused(ContractViolation, "the header of", "encoding"), {}),
        ("same_row_twice", lambda: _with_line(whole.splitlines(keepends=True)[1]), Read(7), {}),
    ]  # fmt: skip


def feature(row: Row, geometry: Any = SQUARE) -> dict[str, Any]:
    return {"type": "Feature", "properties": row, "geometry": geometry}


def collection(rows: list[Row]) -> bytes:
    return _collected([feature(row) for row in rows])


def _collected(features: list[Any], encoding: str = "utf-8") -> bytes:
    document = {"type": "FeatureCollection", "features": features}
    return json.dumps(document, ensure_ascii=False).encode(encoding)


def _one_more(extra: Any) -> bytes:
    return _collected([*(feature(row) for row in good_rows()), extra])


def _ring(points: int) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[[1.5, 2.5]] * points]}


def geojson_cases() -> list[Case]:
    more = good_rows(9)[-1]
    whole = collection(good_rows())
    again, nine = "send the file again", ("R0009", "")
    wide = {f"c{n}": "x" for n in range(10_000)}
    broken: list[tuple[str, Callable[[], Any], Ends, dict[str, Any]]] = [
        ("empty", lambda: b"", Refused(Truncated, "is cut off", again), {}),
        ("no_features", lambda: _collected([]), Read(0), {}),
        ("an_array", lambda: b"[]", Refused(ContractViolation, "is no FeatureCollection", "RFC 7946"), {}),
        ("a_number", lambda: b"7}", Refused(ContractViolation, "is not valid JSON", "mend it"), {}),
        ("features_are_text", lambda: b'{"features":"none"}', Refused(ContractViolation, "FeatureCollection", "7946"), {}),
        ("garbage_after_the_end", lambda: whole + b"x}", Refused(ContractViolation, "not valid JSON", "mend it"), {}),
        ("not_in_the_encoding", lambda: _collected([feature(more)], "gb18030"),
         Refused(ContractViolation, "is not utf-8", "encoding"), {}),
        ("in_gb18030", lambda: _collected([feature(more)], "gb18030"), Read(1), {"encoding": "gb18030"}),
        ("with_a_mark", lambda: b"\xef\xbb\xbf" + whole, Read(6), {}),
        ("nested_deeply", lambda: b'{"features":' + b"[" * 500_000 + b"]" * 500_000 + b"}",
         Refused(ContractViolation, "nested too deeply", "plain GeoJSON"), {}),
        ("properties_nested_deeply", lambda: _one_more(feature(more)).replace(
            "第9号".encode(), b'"},"geometry":' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b',"z":{"y":"'),
         Refused(ContractViolation, "nested too deeply", "plain GeoJSON"), {}),
        ("feature_is_a_number", lambda: _one_more(7), Read(7, ((None, "malformed_json"),)), {}),
        ("feature_is_null", lambda: _one_more(None), Read(7, ((None, "malformed_json"),)), {}),
        ("feature_without_properties", lambda: _one_more({"type": "Feature", "geometry": None}),
         Read(7, ((None, "malformed_json"),)), {}),
        ("properties_are_a_list", lambda: _one_more({"type": "Feature", "properties": [1]}),
         Read(7, ((None, "malformed_json"),)), {}),
        ("empty_properties", lambda: _one_more(feature({})), Read(7, ((None, "id:missing_required"),)), {}),
        ("no_geometry", lambda: _one_more(feature(more, None)), Read(7, values={("R0009", "area"): None}), {}),
        ("a_point", lambda: _one_more(feature(more, {"type": "Point", "coordinates": [1, 2]})),
         Read(7, (("R0009", "area:invalid_polygon"),)), {}),
        ("a_bow", lambda: _one_more(feature(more, BOW)), Read(7, (("R0009", "area:invalid_polygon"),)), {}),
        ("geometry_is_text", lambda: _one_more(feature(more, "POLYGON((0 0,1 1))")), Read(7, (nine,)), {}),
        ("geometry_not_a_number", lambda: _one_more(feature(more, SQUARE | {"coordinates": [[[float("nan"), 1]]]})),
         Read(7, (nine,)), {}),
        ("ten_thousand_columns", lambda: _one_more(feature(more | wide)),  # type: ignore[arg-type]
         Refused(ContractViolation, "more than 1000", "agreed file"), {}),
        ("renamed_column", lambda: whole.replace(b'"zt"', b'"ztdm"'),
         Refused(ContractViolation, "lacks the column zt", "physicalName"), {}),
        ("geometry_of_20_mb", lambda: whole[:-2] + b',{"x":[' + b"[1.5,2.5]," * 2_000_000 + b"1]}]}",
         Refused(ContractViolation, "feature of more than", "simpler geometries"), {}),
        ("geometry_of_2_mb", lambda: _one_more(feature(more, _ring(170_000))),
         Read(7, (("R0009", "oversized_field"),)), {}),
        ("member_of_20_mb", lambda: b'{"x":[' + b"[]," * 7_000_000 + b'[]],"features":[]}',
         Refused(ContractViolation, "feature of more than", "simpler geometries"), {}),
        ("members_behind_the_features", lambda: whole[:-1] + b',"totalFeatures":6,"crs":null}', Read(6), {}),
        ("garbage_behind_the_features", lambda: whole[:-1] + b',"crs"}',
         Refused(ContractViolation, "not valid JSON", "mend it"), {}),
        ("a_million_nothings", lambda: b'{"features":[' + b"{}," * 6_000_000 + b"{}]}",
         Refused(ContractViolation, "features that cannot be read", "agreed file"), {}),
        ("70_mb", lambda: [b'{"note":"', *[b"x" * 1_000_000] * 70, b'","features":[]}'],
         Refused(ContractViolation, "has 70000", "Ask the owner"), {}),
    ]  # fmt: skip
    cases = [Case(f"geojson/{name}", "geojson", body, ends, options) for name, body, ends, options in broken]
    cases += [
        Case(
            f"geojson/cut-{number}",
            "geojson",
            lambda number=number: whole[: luck(f"geojson/{number}").randrange(1, len(whole) - 4)] + b"\n",  # type: ignore[misc]
            Refused(Truncated, "is cut off", again),
        )
        for number in range(6)
    ]
    return spoilt_cases("geojson", collection) + cases
