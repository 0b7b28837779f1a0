"""Pages of a stream's rows as JSON, with the faults of paging that all JSON interfaces share."""

from __future__ import annotations

import threading

import polars as pl

from simulator.faults import Faults
from simulator.servers.view import StreamView
from simulator.views.base import UNDECODABLE


class Pages:
    """Cuts pages of one stream; honours empty_page, duplicate_page, shifting_pages and mixed_encoding."""

    def __init__(self, view: StreamView, faults: Faults) -> None:
        self._view = view
        self._faults = faults
        self._lock = threading.Lock()
        self._last: tuple[bytes, int] | None = None
        self._moved = 0

    def page(self, rows: pl.DataFrame, number: int, size: int) -> tuple[bytes, int]:
        """The JSON array of page ``number`` (from 1) of ``rows``, and how many records it holds."""
        system, stream, take = self._view.system, self._view.stream, self._faults.take
        rows = self._shifted(rows, number)
        page = rows[(number - 1) * size : number * size]
        if page.height and take(system, "empty_page", stream) is not None:
            page = page.clear()
        json = page.write_json().encode() if page.height else b"[]"
        # Bytes that are not UTF-8 go out as they are: interfaces hand through what their sources store.
        sent = json.replace(UNDECODABLE.encode(), b"\xff\xff"), page.height
        with self._lock:
            if number > 1 and take(system, "duplicate_page", stream) is not None and self._last:
                sent = self._last
            self._last = sent
        mixed = take(system, "mixed_encoding", stream)
        return (_mixed(sent[0], float(mixed.get("share", 0.1))), sent[1]) if mixed is not None else sent

    def _shifted(self, rows: pl.DataFrame, number: int) -> pl.DataFrame:
        """Rows on pages that were read are touched meanwhile: from now on they stand last, all others move forward."""
        with self._lock:
            system, stream = self._view.system, self._view.stream
            shift = self._faults.take(system, "shifting_pages", stream) if number > 1 else None
            if shift is not None:
                self._moved += int(shift.get("rows", 3))
            moved = self._moved % max(1, rows.height)
        return pl.concat([rows[moved:], rows[:moved]]) if moved else rows


def _mixed(records: bytes, share: float) -> bytes:
    """A share of the records in GB18030 instead of UTF-8."""
    every = max(1, round(1 / share))
    return b"},{".join(_gb18030(p) if i % every == 0 else p for i, p in enumerate(records.split(b"},{")))


def _gb18030(part: bytes) -> bytes:
    """Re-encoded, unless a character's second byte would be a backslash or quote and break the JSON."""
    encoded = part.decode("utf-8", "replace").encode("gb18030")
    return encoded if encoded.count(b"\\") == part.count(b"\\") else part
