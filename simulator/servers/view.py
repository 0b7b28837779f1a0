"""A stream's rows as a server sends them: filtered by time of change, in a stable order, times as text."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import polars as pl

from simulator.faults import Faults


class ServedFrame(Protocol):
    """What the servers need of ``simulator.views.base.Served``."""

    @property
    def frame(self) -> pl.DataFrame: ...

    @property
    def changed_at(self) -> str | None: ...


Lookup = Callable[[str, str], ServedFrame]
"""(system, stream) → what is served now; called on every request, so it must be cheap."""


@dataclass(frozen=True)
class _Cached:
    source: pl.DataFrame
    version: int
    since: str
    rows: pl.DataFrame


class StreamView:
    """One stream's rows, spoiled by the active faults and cached until the world or the faults change."""

    def __init__(self, system: str, stream: str, served: Lookup, faults: Faults) -> None:
        self.system = system
        self.stream = stream
        self._served = served
        self._faults = faults
        self._lock = threading.Lock()
        self._cache: _Cached | None = None

    def rows(self, since: str = "") -> pl.DataFrame:
        """Rows changed at or after ``since`` ('YYYY-MM-DD HH:MM:SS', empty for all), oldest first, times as text."""
        now = self._served(self.system, self.stream)
        with self._lock:
            cached = self._cache
            version = self._faults.version
            if cached and cached.source is now.frame and cached.version == version and cached.since == since:
                return cached.rows
            frame = self._faults.apply(self.system, self.stream, now.frame, now.changed_at)
            frame = frame.drop([name for name in frame.columns if name.startswith("__")])
            if now.changed_at in frame.columns:
                frame = _changed_since(frame, now.changed_at, since)
            rows = as_sent(frame)
            self._cache = _Cached(now.frame, version, since, rows)
            return rows


def _changed_since(frame: pl.DataFrame, changed_at: str, since: str) -> pl.DataFrame:
    column = pl.col(changed_at)
    if since:
        limit: object = since
        if frame.schema[changed_at] == pl.Datetime:
            limit = datetime.strptime(since, "%Y-%m-%d %H:%M:%S")
        frame = frame.filter(column >= pl.lit(limit))
    return frame.sort(changed_at, nulls_last=False, maintain_order=True)


def as_sent(frame: pl.DataFrame) -> pl.DataFrame:
    """Dates, times and decimals as the text that JSON and XML interfaces send; other types stay."""
    return frame.with_columns(
        *(pl.col(name).dt.strftime("%Y-%m-%d %H:%M:%S") for name, kind in frame.schema.items() if kind == pl.Datetime),
        *(pl.col(name).dt.strftime("%Y-%m-%d") for name, kind in frame.schema.items() if kind == pl.Date),
        *(pl.col(name).cast(pl.String) for name, kind in frame.schema.items() if kind == pl.Decimal),
    )
