"""What goes wrong upstream, switched on and off while the town runs.

Two kinds of fault share one registry. Faults of the *data* (a renamed column, a mass delete) change the frame that a
system serves, whatever its protocol: every server passes its frame through ``Faults.apply``. Faults of the *wire*
(a reset, a login page) are asked for by the servers with ``take``, because each protocol fails in its own way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import polars as pl

WIRE: Final = frozenset(
    {
        "timeout",  # seconds: accepts the request and says nothing for that long
        "reset",  # connection reset in the middle of the answer
        "slow_drip",  # seconds: the answer trickles out over that long
        "http_429",  # retry_after: seconds sent in Retry-After
        "http_500",
        "html_login",  # 200 with a login page
        "error_body",  # 200 (or the protocol's normal frame) with an error inside
        "truncated",  # the payload ends half way
        "empty_page",  # a page without rows although more are declared
        "endless_pages",  # a gateway declares more pages than anyone can read, and serves them
        "wrong_count",  # a gateway declares more rows on a page than it sends
        "duplicate_page",  # a page is served twice
        "shifting_pages",  # rows: so many rows are inserted before the reader's page while it pages
        "bad_signature",  # every signature or password is refused
        "expired_secret",  # tokens have expired whenever they are used
        "dead",  # connections are refused or reset at once
        "mixed_encoding",  # share: part of the rows leaves in another encoding than declared
    }
)
DATA: Final = frozenset(
    {
        "added_column",
        "removed_column",
        "renamed_column",
        "retyped_column",
        "future_cursor",
        "mass_delete",
        "volume_collapse",
        "oversized_field",
        "nul",
    }
)


class Faults:
    """Thread-safe registry of the active faults per system.

    Parameters understood for every fault: ``times`` (a wire fault happens that often and then passes; without it the
    fault stays until cleared) and ``stream`` (only this stream of the system is hit).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._active: dict[str, dict[str, dict[str, Any]]] = {}
        self._listeners: list[Callable[[], None]] = []
        self.version = 0
        """Grows with every change; servers that cache what they serve compare it."""

    def set(self, system: str, fault: str, **params: Any) -> None:
        """Switch ``fault`` on for ``system``; a second call replaces its parameters."""
        if fault not in WIRE | DATA:
            known = ", ".join(sorted(WIRE | DATA))
            raise ValueError(f"unknown fault {fault!r}; one of: {known}")
        with self._lock:
            self._active.setdefault(system, {})[fault] = dict(params)
        self._changed()

    def clear(self, system: str | None = None, fault: str | None = None) -> None:
        """Switch off one fault of a system, all of a system, or everything."""
        with self._lock:
            if system is None:
                self._active.clear()
            elif fault is None:
                self._active.pop(system, None)
            else:
                self._active.get(system, {}).pop(fault, None)
        self._changed()

    def active(self, system: str) -> dict[str, dict[str, Any]]:
        """The faults of ``system`` with their parameters (a copy)."""
        with self._lock:
            return {name: dict(params) for name, params in self._active.get(system, {}).items()}

    def all(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Every active fault, for the status of the simulator."""
        with self._lock:
            return {s: {n: dict(p) for n, p in faults.items()} for s, faults in self._active.items() if faults}

    def take(self, system: str, fault: str, stream: str | None = None) -> dict[str, Any] | None:
        """Parameters of a wire fault that is to happen now, else None; counts down ``times``."""
        with self._lock:
            params = self._active.get(system, {}).get(fault)
            if params is None or (stream is not None and params.get("stream", stream) != stream):
                return None
            taken = dict(params)
            if "times" in params:
                params["times"] -= 1
                if params["times"] <= 0:
                    del self._active[system][fault]
            return taken

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after every change (to close or open a port, say)."""
        self._listeners.append(listener)

    def apply(self, system: str, stream: str, frame: pl.DataFrame, changed_at: str | None = None) -> pl.DataFrame:
        """``frame`` as the faulty system would serve it.

        ``changed_at`` names the column of change times, if any: it is the one that ``future_cursor`` spoils and that
        the column faults leave alone. Parameters: ``column`` (default: the last other column), ``share``, ``size``.
        """
        for name, params in self.active(system).items():
            if name in DATA and params.get("stream", stream) == stream and frame.width:
                frame = _spoil(name, params, frame, changed_at)
        return frame

    def _changed(self) -> None:
        self.version += 1
        for listener in list(self._listeners):
            listener()


def _spoil(name: str, params: dict[str, Any], frame: pl.DataFrame, changed_at: str | None) -> pl.DataFrame:
    others = [c for c in frame.columns if c != changed_at]
    column = params.get("column") or others[-1]
    match name:
        case "added_column":
            return frame.with_columns(pl.lit("new").alias(params.get("column") or "xzzd"))
        case "removed_column":
            return frame.drop(column, strict=False)
        case "renamed_column":
            return frame.rename({column: params.get("to") or f"{column}_new"}, strict=False)
        case "retyped_column":
            return _retype(frame, column)
        case "future_cursor":
            return _future(frame, params.get("column") or changed_at)
        case "mass_delete":
            return frame.head(round(frame.height * (1 - float(params.get("share", 0.6)))))
        case "volume_collapse":
            return frame.head(max(1, round(frame.height * float(params.get("share", 0.01)))))
        case "oversized_field":
            text = "x" * int(params.get("size", 5_000_000))
            return _first_text(frame, params.get("column"), others, lambda old: text)
        case "nul":
            return _first_text(
                frame, params.get("column"), others, lambda old: f"{(old or 'x')[:1]}\x00{(old or '')[1:]}"
            )
    raise AssertionError(name)


def _retype(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Times become epoch milliseconds, numbers become phrases, texts become numbers: all as a vendor's update would."""
    if column not in frame.columns:
        return frame
    kind, value = frame.schema[column], pl.col(column)
    if kind in (pl.Date, pl.Datetime):
        new = value.cast(pl.Datetime("ms")).cast(pl.Int64)
    elif kind.is_numeric():
        new = pl.lit("约") + value.cast(pl.String)
    else:
        new = (value.str.len_bytes().cast(pl.Float64) + 0.5).cast(pl.String)
    return frame.with_columns(new.alias(column))


def _future(frame: pl.DataFrame, column: str | None) -> pl.DataFrame:
    """The newest row claims to have been changed in the year 2999."""
    if column is None or column not in frame.columns or frame.is_empty():
        return frame
    last = pl.int_range(pl.len()) == pl.col(column).arg_max()
    kind = frame.schema[column]
    year_2999 = datetime(2999, 12, 31, 23, 59, 59)
    future = (
        pl.lit(year_2999).cast(kind) if kind == pl.Datetime else pl.lit(f"{year_2999:%Y-%m-%d %H:%M:%S}").cast(kind)
    )
    return frame.with_columns(pl.when(last).then(future).otherwise(pl.col(column)).alias(column))


def _first_text(
    frame: pl.DataFrame, column: str | None, others: list[str], change: Callable[[str | None], str]
) -> pl.DataFrame:
    """Change the first row's value in ``column``, by default the last text column that is no key."""
    texts = [c for c in others[1:] if frame.schema[c] == pl.String]
    name = column or (texts[-1] if texts else None)
    if name is None or name not in frame.columns or frame.is_empty():
        return frame
    new = change(frame[name][0])
    return frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 0).then(pl.lit(new)).otherwise(pl.col(name)).alias(name)
    )
