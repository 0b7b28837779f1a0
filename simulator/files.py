"""Which files the offices drop, when, and with what in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from simulator.faults import DATA, Faults
from simulator.servers.sftp import SftpServer
from simulator.servers.sftp_files import csv_bytes, excel_bytes, geojson_bytes
from simulator.systems import Key
from simulator.town import Change
from simulator.views.base import UNDECODABLE


@dataclass(frozen=True)
class Drop:
    """A file of the whole stream: `*` of its name is the date, `every` the days between two drops."""

    name: str
    every: int
    encoding: str = "utf-8"


DROPS: dict[Key, Drop] = {
    ("standard_address", "addresses"): Drop("addresses_*.csv", 7, "utf-8-sig"),
    ("standard_address", "communities"): Drop("communities_*.geojson", 90),
    ("standard_address", "grids"): Drop("grids_*.geojson", 90),
    ("disability_certificate", "certificates"): Drop("cjrz_*.xlsx", 7),
}
COLLECTIONS: Key = ("tax_registry", "collections")
_KEPT = 3
_AMOUNT = "入库额（万元）"


class Files:
    """The offices' drops: new files when their content changed or their time has come, spoiled by the data faults."""

    def __init__(self, server: SftpServer, faults: Faults) -> None:
        self._server = server
        self._faults = faults
        self._current: dict[Key, tuple[Change, date]] = {}
        self._spoiled: dict[str, dict[str, dict[str, Any]]] = {}
        faults.subscribe(self._again)

    def publish(self, changes: dict[Key, Change], today: date) -> None:
        """Drop the files of the changed streams, and those that are due although nothing changed."""
        for key in (*DROPS, COLLECTIONS):
            if key in changes:
                self._drop(key, changes[key], today)
            elif key in self._current and key in DROPS:
                change, dropped = self._current[key]
                if (today - dropped).days >= DROPS[key].every:
                    self._drop(key, change, today)

    def _again(self) -> None:
        """Faults were set or cleared: where they spoil the data, the same files with another content."""
        for key, (change, dropped) in list(self._current.items()):
            if self._data_faults(key[0]) != self._spoiled.get(key[0], {}):
                self._drop(key, change, dropped)
        self._spoiled = {system: self._data_faults(system) for system, _ in self._current}

    def _data_faults(self, system: str) -> dict[str, dict[str, Any]]:
        return {name: params for name, params in self._faults.active(system).items() if name in DATA}

    def _drop(self, key: Key, change: Change, today: date) -> None:
        self._current[key] = (change, today)
        frame = self._faults.apply(*key, change.now.frame)
        if key == COLLECTIONS:
            for (name,), month in frame.partition_by("__file", as_dict=True, include_key=False).items():
                self._server.put(key[0], str(name), collections_csv(month))
            return
        drop = DROPS[key]
        self._server.put(key[0], drop.name.replace("*", f"{today:%Y%m%d}"), content(drop, frame))
        first, _, last = drop.name.partition("*")
        older = [name for name in self._server.files(key[0]) if name.startswith(first) and name.endswith(last)]
        for name in older[:-_KEPT]:
            self._server.remove(key[0], name)


def content(drop: Drop, frame: pl.DataFrame) -> bytes:
    """The bytes of a drop; places marked as undecodable become FF FF."""
    if drop.name.endswith(".xlsx"):
        total = ["合计", f"{frame.height}人", *[None] * (frame.width - 2)]
        return excel_bytes(frame, total_row=total, title="残疾人证")
    if drop.name.endswith(".geojson"):
        return geojson_bytes(frame, drop.encoding)
    return _undecodable(csv_bytes(frame, drop.encoding), drop.encoding)


def collections_csv(month: pl.DataFrame, encoding: str = "gb18030") -> bytes:
    """One month of collections with the row of totals that the tax office's export ends with."""
    total = [""] * month.width
    total[0] = "合计"
    if _AMOUNT in month.columns:
        total[month.columns.index(_AMOUNT)] = str(sum(map(_decimal, month[_AMOUNT].to_list()), Decimal(0)))
    return _undecodable(csv_bytes(month, encoding, total_row=total), encoding)


def _decimal(amount: str | None) -> Decimal:
    """Amounts that are no numbers are left out of the total, as the export does."""
    try:
        return Decimal(amount or "0")
    except InvalidOperation:
        return Decimal(0)


def _undecodable(text: bytes, encoding: str) -> bytes:
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    return text.replace(UNDECODABLE.encode(plain), b"\xff\xff")
