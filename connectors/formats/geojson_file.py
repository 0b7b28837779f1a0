"""GeoJSON (RFC 7946) FeatureCollections: properties as String columns, the geometry as compact GeoJSON text.

Numbers keep the digits they were written with. Older GIS exports come in GBK, hence the declared encoding.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from connectors.contract import Stream
from connectors.errors import ContractViolation, Truncated
from connectors.formats.layout import MAX_FIELD_BYTES, RAW_CHARS, check_header, codec_of
from connectors.protocols.base import BadRecord, Page

MAX_FILE_BYTES: Final = 512 << 20
GEOMETRY: Final = "geometry"


class _Number(float):
    """A float that remembers how it was written; json writes it as a number."""

    text: str

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        number.text = text
        return number


class GeoJsonFile:
    """A FeatureCollection. A feature that is no Feature object becomes a `BadRecord` ('malformed_json')."""

    def __init__(self, path: Path, stream: Stream, encoding: str, page_rows: int = 50_000) -> None:
        self.path = path
        self.total_rows_dropped = 0
        self._stream = stream
        self._codec = codec_of(encoding)
        self._page_rows = page_rows

    def pages(self) -> Iterator[Page]:
        size = self.path.stat().st_size
        features = self._features(size)
        properties = [f["properties"] for f in features if _is_feature(f)]
        names = list(dict.fromkeys(name for values in properties for name in values))
        if features:
            check_header([*names, GEOMETRY], self._stream, self.path)
        for start in range(0, len(features), self._page_rows):
            rows: list[dict[str, str | None]] = []
            bad: list[BadRecord] = []
            for row_no, feature in enumerate(features[start : start + self._page_rows], start + 1):
                reason = _objection(feature)
                if reason:
                    bad.append(BadRecord(row_no, _compact(feature)[:RAW_CHARS], reason))
                    continue
                row = {name: _text(value) for name, value in feature["properties"].items()}
                row[GEOMETRY] = _text(feature.get(GEOMETRY))
                rows.append(row)
            schema = dict.fromkeys([*names, GEOMETRY], pl.String)
            yield Page(pl.DataFrame(rows, schema=schema), tuple(bad), size)
            size = 0

    def _features(self, size: int) -> list[Any]:
        name = self.path.name
        if size > MAX_FILE_BYTES:
            raise ContractViolation(f"{name} has {size} bytes, more than {MAX_FILE_BYTES}", "Ask the owner what it is")
        raw = self.path.read_bytes().removeprefix(b"\xef\xbb\xbf")
        try:
            document = json.loads(raw.decode(self._codec), parse_float=_Number)
        except UnicodeDecodeError as error:
            raise ContractViolation(
                f"{name} is not {self._codec} (byte {error.start})",
                "Ask the owner which encoding is meant and mend `encoding` in the contract",
            ) from None
        except RecursionError:
            raise ContractViolation(f"{name} is nested too deeply", "Ask the owner for plain GeoJSON") from None
        except json.JSONDecodeError as error:
            if not raw.rstrip().endswith(b"}"):
                raise Truncated(f"{name} is cut off", "Ask the owner to send the file again") from None
            raise ContractViolation(
                f"{name} is not valid JSON (line {error.lineno}, column {error.colno})", "Ask the owner to mend it"
            ) from None
        features = document.get("features") if isinstance(document, dict) else None
        if not isinstance(features, list):
            raise ContractViolation(f"{name} is no FeatureCollection", "Ask the owner for GeoJSON (RFC 7946)")
        return features


def _is_feature(feature: Any) -> bool:
    return isinstance(feature, dict) and isinstance(feature.get("properties"), dict)


def _objection(feature: Any) -> str | None:
    if not _is_feature(feature):
        return "malformed_json"
    values = [*feature["properties"].values()]
    if any(isinstance(value, str) and len(value) > MAX_FIELD_BYTES for value in values):
        return "oversized_field"
    return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.text if isinstance(value, _Number) else _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
