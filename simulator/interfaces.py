"""The interfaces at which upstream systems offer their streams: what a module of `simulator.systems` declares.

One class per shape; the servers in `simulator.servers` find their streams by it. A server names the variables of a
contract by the system's id: `${ID_URL}` and so on, `${ID_SFTP}` for files and `${ID_SECRET}` for a webhook, so that one
system may have a server for each of its streams as long as no two of them are named alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import polars as pl

Key = tuple[str, str]
"""(system, stream)."""


@dataclass(frozen=True)
class Interface:
    """One way to offer a stream."""


@dataclass(frozen=True)
class GatewayInterface(Interface):
    """A data interface `dir/id` of the provincial gateway or a clone; `lookup` is the parameter it insists on.

    `signer` is the way its callers sign: md5_rotating, sha1, hmac_sha256 or hmac_sm3.
    """

    path: str
    lookup: str | None = None
    signer: str = "md5_rotating"


@dataclass(frozen=True)
class CatalogueApi(Interface):
    """An entry of a city's data catalogue: `interface/gateway.do` with separate calls for sign, total, update, page."""

    interface_id: str


@dataclass(frozen=True)
class ExchangeTable(Interface):
    """A table of an exchange database (前置机); `flagged` when readers acknowledge rows in a flag column.

    `key` are the upstream's own column names.
    """

    table: str
    key: tuple[str, ...]
    flagged: bool = True


@dataclass(frozen=True)
class SoapOperation(Interface):
    """A query operation of a SOAP 1.1 service, answered with gzip + Base64 batches."""

    operation: str


@dataclass(frozen=True)
class FileDrop(Interface):
    """Files dropped over SFTP; the ending of `name` (.csv, .xlsx, .geojson) says what they are, `*` is the date.

    A drop holds the whole stream and comes when it changed, at the latest every `every` days; with `every` None the
    view's column `__file` names the file of each row (a month of entries, sent again when it changed).
    `title` names an Excel sheet, whose headings with a slash (group/field) become merged headers; `total` is the label
    of the row of totals at the end, with the sum of the column `total_of` (the number of rows where there is none).
    `beside` are sheets of the same workbook that no contract takes: their titles, and what makes them of the rows.
    """

    name: str
    every: int | None = None
    encoding: str = "utf-8"
    title: str | None = None
    total: str | None = None
    total_of: str | None = None
    beside: tuple[tuple[str, Callable[[pl.DataFrame], pl.DataFrame]], ...] = ()


@dataclass(frozen=True)
class Topic(Interface):
    """MQTT messages under `prefix` + the value of the upstream's column `device`."""

    prefix: str
    device: str


@dataclass(frozen=True)
class Hook(Interface):
    """Events that the upstream pushes to the hub's webhook, signed.

    A system that pushes several streams gives each a `name`: the physicalName of its contract.
    """

    name: str = ""


@dataclass(frozen=True)
class Queue(Interface):
    """Events in a durable AMQP 0-9-1 queue; each is delivered at least once until the hub acknowledges it."""

    queue: str


@dataclass(frozen=True)
class Catalogue(Interface):
    """A GB/T 28181 device catalogue over SIP; the columns are the elements of an Item."""


Kind = TypeVar("Kind", bound=Interface)


def by_system(offers: Mapping[Key, Kind]) -> dict[str, dict[str, Kind]]:
    """System → stream → interface."""
    systems: dict[str, dict[str, Kind]] = {}
    for (system, stream), interface in offers.items():
        systems.setdefault(system, {})[stream] = interface
    return systems
