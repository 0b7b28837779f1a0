"""The exchange databases (前置机): tables in a database that the owners fill and the hub reads.

All systems share one database server, as they do in a town's machine room, but each is reached over a port of its
own (``Relay``), so that one can fail alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Final

import polars as pl
from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.pool import NullPool

from simulator.faults import DATA, Faults
from simulator.interfaces import ExchangeTable, Key, by_system
from simulator.servers.exchange_store import Store, store_of
from simulator.servers.relay import Relay
from simulator.servers.view import Lookup

FLAG: Final = "clbz"
WAITING: Final = "0"


class ExchangeDbServer:
    """The exchange tables of every system, kept equal to what ``served(system, stream)`` gives.

    ``start`` publishes everything; call ``publish`` after the world moved on: only new and changed rows are written,
    their flag set back to waiting. A fault of the data rewrites the system's tables at once, and so does its end.
    """

    def __init__(
        self,
        served: Lookup,
        faults: Faults,
        tables: Mapping[Key, ExchangeTable],
        *,
        url: str | None = None,
    ) -> None:
        given = url or os.environ.get("TOWNHUB_UPSTREAM_DATABASE_URL")
        if not given:
            raise RuntimeError("TOWNHUB_UPSTREAM_DATABASE_URL is not set: name a database for the exchange tables")
        self._url = _with_driver(make_url(given))
        self._served = served
        self._faults = faults
        self._tables = _apart(tables)
        self._engine = create_engine(self._url, poolclass=NullPool, hide_parameters=True)
        self._store: Store = store_of(self._engine)
        self._published: dict[Key, pl.DataFrame] = {}
        self._spoiled: dict[str, set[str]] = {}
        self._lock = threading.RLock()
        target = (self._url.host or "127.0.0.1", self._url.port or self._store.default_port)
        self._relays = {name: Relay(name, target, faults) for name in by_system(tables)}
        faults.subscribe(self._follow_faults)

    def start(self) -> None:
        self.publish()
        for relay in self._relays.values():
            relay.start()

    def stop(self) -> None:
        for relay in self._relays.values():
            relay.stop()
        self._engine.dispose()

    def environment(self) -> dict[str, str]:
        """The address of each system, with the database's user and password."""
        return {
            f"{name.upper()}_URL": self._url.set(host="127.0.0.1", port=relay.port).render_as_string(
                hide_password=False
            )
            for name, relay in self._relays.items()
        }

    def publish(self, system: str | None = None) -> dict[str, int]:
        """Bring the tables (of one system) up to date; rows written by table."""
        with self._lock:
            return {
                table.table: self._publish(key, table)
                for key, table in self._tables.items()
                if system in (None, key[0])
            }

    def _publish(self, stream: Key, table: ExchangeTable) -> int:
        served = self._served(*stream)
        frame = self._faults.apply(*stream, served.frame, served.changed_at)
        frame = self._store.fitting(frame.drop([name for name in frame.columns if name.startswith("__")]))
        key = [name for name in table.key if name in frame.columns]
        flag = {FLAG: WAITING} if table.flagged else {}
        before = self._published.get(stream)
        if before is None or before.schema != frame.schema:
            self._store.create(table.table, frame, key, served.changed_at, flag)
            written = frame.height
        else:
            changed, gone = _difference(before, frame, key)
            self._store.replace(table.table, changed, gone, key, flag)
            written = changed.height
        self._published[stream] = frame
        return written

    def _follow_faults(self) -> None:
        with self._lock:
            for system in self._relays:
                now = {repr((n, p)) for n, p in self._faults.active(system).items() if n in DATA}
                if now != self._spoiled.get(system, set()) and self._published:
                    self._spoiled[system] = now
                    self.publish(system)


def _apart(tables: Mapping[Key, ExchangeTable]) -> dict[Key, ExchangeTable]:
    """The tables, after a look whether two systems would fill the same one."""
    owners: dict[str, Key] = {}
    for key, table in tables.items():
        if (other := owners.setdefault(table.table, key)) != key:
            both = f"{'.'.join(other)} and {'.'.join(key)}"
            raise ValueError(f"{both} both fill the exchange table {table.table}: give one of them another name")
    return dict(tables)


def _difference(before: pl.DataFrame, after: pl.DataFrame, key: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(rows of ``after`` whose key is new or has other contents, keys that are no longer there)."""
    old = pl.DataFrame({"row": before.hash_rows()})
    known = after.hash_rows().is_in(old["row"].implode())
    touched = after.filter(~known).select(key).unique()
    changed = after.join(touched, on=key, how="semi", nulls_equal=True)
    gone = before.select(key).unique().join(after.select(key).unique(), on=key, how="anti", nulls_equal=True)
    return changed, gone


def _with_driver(url: URL) -> URL:
    return url.set(drivername={"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}[url.get_backend_name()])
