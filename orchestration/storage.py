"""How this process speaks to Dagster's storage."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
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


def have_pools(instance: DagsterInstance, pools: Iterable[str]) -> None:
    """Make those pools that the storage does not know yet, one process after another.

    Dagster makes a pool when a step first asks for it. Where two runs do that at the same moment, as on the first day
    of a hub whose daemon is up already, PostgreSQL refuses the second one's row, and all of that run fails.
    """
    from warehouse import connection

    events = instance.event_log_storage
    with connection.connect("loader") as conn:
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('townhub.pools', 0))")
        for pool in sorted(set(pools) - events.get_concurrency_keys()):
            events.initialize_concurrency_limit_to_default(pool)
