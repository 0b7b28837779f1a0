"""How this process speaks to Dagster's storage."""

from __future__ import annotations

import weakref
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

STATEMENT_TIMEOUT_MS = 60_000
RECYCLE_SECONDS = 3_600
MOST_CONNECTIONS = 8

_kept: weakref.WeakSet[DagsterInstance] = weakref.WeakSet()


def keep_connections(instance: DagsterInstance) -> None:
    """Keep connections to the storage open between events.

    Out of the box only the web server does: a run opens a new connection for each of its statements (some five
    per event), which was two thirds of Dagster's own time in a pass. And for every check it asks whether there is a
    table for such events and what columns that of the assets has: once is enough.
    """
    if instance not in _kept:
        _kept.add(instance)
        instance.optimize_for_webserver(
            statement_timeout=STATEMENT_TIMEOUT_MS, pool_recycle=RECYCLE_SECONDS, max_overflow=MOST_CONNECTIONS
        )
        events = instance.event_log_storage
        for question in ("has_table", "has_asset_key_col"):
            if ask := getattr(events, question, None):
                setattr(events, question, cache(ask))
