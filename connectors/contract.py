"""An upstream system's contract as typed objects.

Contracts are Open Data Contract Standard v3.2 files, one per system, in `connectors/systems/`. Here are the objects
alone; `connectors.contract_folder` loads them and `connectors.contract_check` finds what is wrong with a file. Nothing
of a contract that the hub does not understand is ever ignored: such a contract is broken.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from connectors.semantics import SEMANTICS

MOST_YUAN = 1_000_000_000
"""An amount beyond it was given in another unit than the contract's, unless the contract has a limit of its own."""

UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 2_678_400, "year": 31_536_000}

_POSTGRES_TYPES = {
    "string": "text",
    "integer": "bigint",
    "number": "double precision",
    "date": "date",
    "timestamp": "timestamptz",
    "boolean": "boolean",
}

REFERENCES = frozenset(
    {"premises_code", "inspection_no", "grid_code", "community_code", "organisation_code", "topic_no"}
)
"""Names of columns that mean a thing of the town and never a person. By them a row that waits in quarantine is told to
be about that thing, which is all that the models may see of it."""


@dataclass(frozen=True)
class Column:
    """One field of a stream: what the upstream calls it, what we call it, and the rules it must obey."""

    name: str
    physical_name: str
    logical_type: str
    classification: str
    primary_key: bool = False
    required: bool = False
    sensitive: bool = False
    semantic_type: str | None = None
    codes: dict[str, str] | None = None
    on_invalid: str = "quarantine"
    unit: str | None = None
    format: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    purposes: tuple[str, ...] = ()
    description: str | None = None

    @property
    def keeps_raw(self) -> bool:
        """Whether the value as received is landed beside ours, as text, in `<name>_raw`."""
        semantic = SEMANTICS.get(self.semantic_type or "")
        return bool(self.codes) or self.on_invalid == "withhold" or bool(semantic and semantic.keeps_raw)

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the greatest value that is no slip: what the contract says, of sums of money else what a town
        can pay."""
        if self.semantic_type == "cn.amount" and self.minimum is None and self.maximum is None:
            return -MOST_YUAN, MOST_YUAN
        return self.minimum, self.maximum

    @property
    def postgres_type(self) -> str:
        if self.semantic_type == "cn.amount":
            return "numeric(18,2)"
        return _POSTGRES_TYPES[self.logical_type]


@dataclass(frozen=True)
class Server:
    """Where and how the system is reached; values may hold `${NAME}` until `resolve_server` was called."""

    name: str
    properties: dict[str, Any]

    @property
    def protocol(self) -> str:
        return str(self.properties["protocol"])

    @property
    def endpoint(self) -> str:
        return str(self.properties.get("endpoint", ""))

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.properties.get("timezone", "Asia/Shanghai"))

    @property
    def encoding(self) -> str:
        return str(self.properties.get("encoding", "utf-8"))

    @property
    def crs(self) -> str:
        return str(self.properties.get("crs", "wgs84"))

    def get(self, name: str, default: Any = None) -> Any:
        return self.properties.get(name, default)


@dataclass(frozen=True)
class Refusal:
    """What an upstream has and the hub must never take: a field, or a whole object (table, sheet, queue), and why."""

    kind: str
    """`field` or `object`."""
    name: str
    """As the upstream calls it."""
    reason: str

    def matches(self, name: str) -> bool:
        """Whether a name of the upstream means this, whatever its case, width, schema or group of a merged header."""
        return folded(self.name) in (folded(name), *(folded(part) for part in re.split(r"[./]", name)))


def folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


_HOW = ("pageSize", "finished", "openEnd")
"""Of `source`, what says how and when to take rows, and not which ones."""


def _digest(described: list[Any]) -> str:
    return sha256(json.dumps(described, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()[:16]


Values = dict[str, str | bool | None]
"""Column → the value that it has."""


@dataclass(frozen=True)
class Stream:
    """One kind of record of a system: a table, an interface, a file series or a topic."""

    system: str
    name: str
    physical_name: str
    load: str
    columns: tuple[Column, ...]
    cursor: Column | None = None
    expires: Column | None = None
    stands_while: tuple[Values, ...] = ()
    """A record with all values of one of these is not over, whatever its age: a hazard that nobody has mended."""
    quiet_days: int | None = None
    """A source that brings nothing new for longer is not to be believed, however often it answers."""
    source: dict[str, Any] = field(default_factory=dict)
    server_name: str = ""
    max_delete_share: float = 0.2
    isolated: bool = False
    grain: str = ""
    refusals: tuple[Refusal, ...] = ()
    """What the system has and we must not take. With any, nothing is kept beyond the columns described here."""

    @property
    def landing_schema(self) -> str:
        return "isolated" if self.isolated else "landing"

    @property
    def landing_table(self) -> str:
        return f"{self.system}__{self.name}"

    @property
    def max_age_days(self) -> int | None:
        """For how many days the answer to a value of a look-up stands; None when every pull asks for all of them."""
        days = (self.source.get("lookup") or {}).get("maxAgeDays")
        return None if days is None else int(days)

    @cached_property
    def shape(self) -> str:
        """A digest of how the columns are read: when it changes, what was taken in before is not what it would be."""
        described = [
            [c.name, c.physical_name, c.logical_type, c.semantic_type, c.codes, c.on_invalid, c.unit, c.format]
            for c in self.columns
        ]
        # Never said otherwise: by another digest every warehouse would read everything again.
        return sha256(json.dumps(described, ensure_ascii=False).encode()).hexdigest()[:16]

    def reading(self, server: Server) -> str:
        """A digest of what else decides what is read and what becomes of it. Beside `shape`, which warehouses of before
        keep alone: a part that a warehouse does not know yet is taken to be as it was.

        What no column is read by is left out.
        """
        return _digest(
            [
                self.physical_name, self.load, self.cursor and self.cursor.name, self.asked_for, server.encoding,
                server.crs if self.has_places else None, server.timezone.key if self.has_times else None,
                [[c.name, c.required, c.minimum, c.maximum] for c in self.columns],
            ]
        )  # fmt: skip

    @property
    def asked_for(self) -> dict[str, Any]:
        """Of `source`, what decides which rows come: not the pace, nor what is done until a file is taken for whole."""
        told = {name: value for name, value in self.source.items() if name not in _HOW}
        if lookup := told.pop("lookup", None):
            told |= {f"lookup.{name}": value for name, value in lookup.items() if name != "maxAgeDays"}
        return told

    def clock(self, server: Server) -> str | None:
        """A digest of how the time of change is read: by another one the times of what is landed order nothing."""
        if self.cursor is None:
            return None
        zone = None if self.cursor.format == "epoch" else server.timezone.key
        return _digest([self.cursor.name, self.cursor.physical_name, self.cursor.format, zone])

    @property
    def has_places(self) -> bool:
        """Whether points are in the system's own coordinates, which its server declares."""
        return any(column.semantic_type in ("geo.longitude", "geo.latitude") for column in self.columns)

    @property
    def has_times(self) -> bool:
        """Whether times are written by the system's own clock, whose zone its server declares."""
        return any(column.logical_type == "timestamp" and column.format != "epoch" for column in self.columns)

    @cached_property
    def primary_key(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.primary_key)

    @property
    def mostly_waits(self) -> bool:
        """Whether a pull is mostly spent waiting: for an answer per value, or for the silence that ends messages."""
        return "lookup" in self.source or self.load == "messages"

    @property
    def references(self) -> dict[str, str]:
        """Our name → the upstream's field of every reference; none that is of class L3 or serves fewer purposes."""
        return {
            column.name: column.physical_name
            for column in self.columns
            if column.name in REFERENCES and column.classification in ("L1", "L2")
            and not (self.isolated or column.sensitive or column.purposes)
        }  # fmt: skip

    def refuses_field(self, name: str) -> bool:
        """Whether a field of the upstream may never be taken in."""
        return any(refusal.kind == "field" and refusal.matches(name) for refusal in self.refusals)

    def column(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"stream {self.system}.{self.name} has no column {name}")


@dataclass(frozen=True)
class Contract:
    """Everything the hub needs to know about one upstream system."""

    id: str
    name: str
    version: str
    domain: str
    owner: str
    purpose: str
    limitations: str
    legal_basis: str
    purposes: tuple[str, ...]
    cadence_seconds: int
    freshness_seconds: int
    retention_days: int
    servers: dict[str, Server]
    streams: dict[str, Stream]
    enabled: bool = True
    isolated: bool = False
    refusals: tuple[Refusal, ...] = ()
    number: int | None = None
    """The system's number in the town's catalogue of upstream systems."""

    def server_of(self, stream: Stream) -> Server:
        return self.servers[stream.server_name]

    def purposes_of(self, column: Column) -> tuple[str, ...]:
        """What the column may be used for: its own list when it is narrower than the contract's."""
        return column.purposes or self.purposes
