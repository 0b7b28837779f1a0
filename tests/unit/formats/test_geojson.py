"""GeoJSON: properties and geometry as text with the digits they were written with."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from connectors.contract import Column, Stream
from connectors.errors import ContractViolation, Truncated
from connectors.formats.geojson_file import GeoJsonFile
from connectors.protocols.base import Page
from simulator.servers.sftp_files import geojson_bytes

SQUARE = '{"type":"Polygon","coordinates":[[[120.1,30.2],[120.123456789012,30.2],[120.1,30.3],[120.1,30.2]]]}'


def read(path: Path, content: bytes, *names: str, encoding: str = "utf-8") -> list[Page]:
    path.write_bytes(content)
    columns = tuple(Column(name, name, "string", "L1") for name in names)
    stream = Stream("sys", "st", "g_*.geojson", "snapshot", columns, source={"format": "geojson"})
    return list(GeoJsonFile(path, stream, encoding).pages())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_round_trip(tmp_path: Path, encoding: str) -> None:
    frame = pl.DataFrame({"SQBM": ["330199001001"], "SQMC": ["东社区"], "geometry": [SQUARE]})
    (page,) = read(tmp_path / "g.geojson", geojson_bytes(frame, encoding), "SQBM", "geometry", encoding=encoding)
    assert page.frame.rows() == frame.rows()


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    properties = b'{"n":1.50,"i":330199199001011234,"b":true,"z":null}'
    content = b'{"features":[{"type":"Feature","properties":%s,"geometry":null}]}' % properties
    (page,) = read(tmp_path / "g.geojson", content, "n", "geometry")
    assert page.frame.rows() == [("1.50", "330199199001011234", "true", None, None)]


def test_a_broken_feature_costs_itself(tmp_path: Path) -> None:
    features = [{"type": "Feature", "properties": {"a": "1"}, "geometry": None}, 7, {"type": "Feature"}]
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    (page,) = read(tmp_path / "g.geojson", content, "a", "geometry")
    assert page.frame.height == 1
    assert [(bad.row_no, bad.reason) for bad in page.bad] == [(2, "malformed_json"), (3, "malformed_json")]


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b'{"type":"FeatureCollection","features":[{"ty', Truncated, "cut off"),
        (b'{"features":[},}', ContractViolation, "not valid JSON"),
        (b"[" * 100_000 + b"}", ContractViolation, "nested|valid"),
        (b'{"type":"Point"}', ContractViolation, "no FeatureCollection"),
        ('{"名":1}'.encode("gb18030"), ContractViolation, "not utf-8"),
        (b'{"features":[{"properties":{"b":1}}]}', ContractViolation, "lacks the column a"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        read(tmp_path / "g.geojson", content, "a", "geometry")
