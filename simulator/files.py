"""Which files the offices drop, when, and with what in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from simulator.faults import DATA, Faults
from simulator.interfaces import FileDrop, Key
from simulator.servers.sftp import SftpServer
from simulator.servers.sftp_files import csv_bytes, excel_bytes, geojson_bytes
from simulator.servers.view import as_sent
from simulator.town import Change

_KEPT = 3


class Files:
    """The offices' drops: new files when their content changed or their time has come, spoiled by the data faults."""

    def __init__(self, server: SftpServer, faults: Faults, drops: Mapping[Key, FileDrop]) -> None:
        self._server = server
        self._drops = drops
        self._faults = faults
        self._current: dict[Key, tuple[Change, date]] = {}
        self._spoiled: dict[str, dict[str, dict[str, Any]]] = {}
        faults.subscribe(self._again)

    def publish(self, changes: dict[Key, Change], today: date) -> None:
        """Drop the files of the changed streams, and those that are due although nothing changed."""
        for key, drop in self._drops.items():
            if key in changes:
                self._drop(key, changes[key], today)
            elif key in self._current and drop.every is not None:
                change, dropped = self._current[key]
                if (today - dropped).days >= drop.every:
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
        drop, system = self._drops[key], key[0]
        frame = self._faults.apply(*key, change.now.frame, change.now.changed_at)
        if drop.every is None:
            for (name,), part in frame.partition_by("__file", as_dict=True).items():
                self._server.put(system, str(name), content(drop, part))
            return
        self._server.put(system, drop.name.replace("*", f"{today:%Y%m%d}"), content(drop, frame))
        dated = re.compile(re.escape(drop.name).replace(r"\*", r"\d{8}"))
        older = [name for name in self._server.files(system) if dated.fullmatch(name)]
        for name in older[:-_KEPT]:
            self._server.remove(system, name)


def content(drop: FileDrop, frame: pl.DataFrame) -> bytes:
    """The bytes of a file of the drop. Raises ValueError for a name whose ending stands for no known format."""
    frame = frame.drop([name for name in frame.columns if name.startswith("__")])
    total = None if drop.total is None else totals(frame, drop.total, drop.total_of)
    match drop.name.rpartition(".")[2]:
        case "csv":
            return csv_bytes(as_sent(frame), drop.encoding, total_row=total)
        case "xlsx":
            beside = {title: sheet(frame) for title, sheet in drop.beside}
            return excel_bytes(frame, total_row=total, title=drop.title or "Sheet1", beside=beside)
        case "geojson":
            return geojson_bytes(as_sent(frame), drop.encoding)
    raise ValueError(f"the drop {drop.name} is of no known format: name it *.csv, *.xlsx or *.geojson")


def totals(frame: pl.DataFrame, label: str, of: str | None) -> list[Any]:
    """The cells of the row of totals: the label, and the sum of the column `of` or else the number of rows."""
    cells: list[Any] = [label, *[None] * (frame.width - 1)]
    if of is None:
        cells[1:2] = [f"{frame.height}条"]
    elif of in frame.columns:
        cells[frame.columns.index(of)] = str(sum(map(_decimal, frame[of].to_list()), Decimal(0)))
    return cells


def _decimal(amount: object) -> Decimal:
    """Amounts that are no numbers are left out of the total, as the export does."""
    try:
        return Decimal(str(amount or 0))
    except InvalidOperation:
        return Decimal(0)
