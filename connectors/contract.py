"""An upstream system's contract as typed objects.

Contracts are Open Data Contract Standard v3.2 files, one per system, in `connectors/systems/`. This module gives
the objects; `connectors.contract_check` finds what is wrong with a file. Nothing of a contract that the hub does
not understand is ever ignored: such a file is refused.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connectors.errors import Permanent
from connectors.semantics import SEMANTICS
from warehouse.settings import ConfigurationError

if TYPE_CHECKING:
    from connectors.contract_file import Problem

SYSTEMS = Path(__file__).parent / "systems"

UNIT_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "month": 2_678_400, "year": 31_536_000}

_POSTGRES_TYPES = {
    "string": "text",
    "integer": "bigint",
    "number": "double precision",
    "date": "date",
    "timestamp": "timestamptz",
    "boolean": "boolean",
}


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

    @cached_property
    def shape(self) -> str:
        """A digest of how the columns are read: when it changes, what was taken in before is not what it would be."""
        described = [
            [c.name, c.physical_name, c.logical_type, c.semantic_type, c.codes, c.on_invalid, c.unit, c.format]
            for c in self.columns
        ]
        return sha256(json.dumps(described, ensure_ascii=False).encode()).hexdigest()[:16]

    @cached_property
    def primary_key(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.primary_key)

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


def contract_folder() -> Path:
    """Where the contracts are: ours, or the folder that `TOWNHUB_SYSTEMS` names."""
    return Path(os.environ.get("TOWNHUB_SYSTEMS") or SYSTEMS)


def contract_paths(folder: Path | None = None) -> list[Path]:
    """All contract files of a folder, by name; `TOWNHUB_SYSTEMS` may name another folder than ours.

    Raises ConfigurationError when that one holds none: a mistyped path must not switch every system off.
    """
    named = os.environ.get("TOWNHUB_SYSTEMS")
    found = sorted((folder or contract_folder()).glob("*.odcs.yaml"))
    if named and folder is None and not found:
        raise ConfigurationError(f"TOWNHUB_SYSTEMS names {named}, which holds no *.odcs.yaml; correct it or unset it")
    return found


@dataclass(frozen=True)
class Broken:
    """A contract file that the hub refuses: its system is left out, and the others go on."""

    system: str
    """The id that the file gives itself, or the name of the file where it gives none."""
    path: Path
    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def load_contracts(folder: Path | None = None, *, whole: bool = False) -> dict[str, Contract]:
    """Every contract without a mistake, by id; `broken_contracts` gives the others.

    With `whole`, for what is written from all contracts together, a mistake in any file raises `ContractError` with
    all mistakes of all files. Files are read again only when one of them has changed.
    """
    contracts, broken = _load(_stamps(folder))
    if whole and broken:
        from connectors.contract_file import ContractError

        raise ContractError(problem for each in broken for problem in each.problems)
    return dict(contracts)


def broken_contracts(folder: Path | None = None) -> list[Broken]:
    """The contract files that have mistakes, by name: their systems are not pulled."""
    return list(_load(_stamps(folder))[1])


def mistakes(system: str, broken: Iterable[Broken] | None = None) -> str:
    """Every mistake of a system's refused contract files, a line each; empty where none is refused.

    `broken` are the refused files; those of the folder in use without.
    """
    refused = broken_contracts() if broken is None else broken
    return "\n".join(str(each) for each in refused if each.system == system)


def _stamps(folder: Path | None) -> tuple[tuple[Path, int, int], ...]:
    return tuple((path, *_stamp(path)) for path in contract_paths(folder))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:  # a link to no file, or deleted since: what cannot be read is told as broken
        return 0, 0
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _load(stamps: tuple[tuple[Path, int, int], ...]) -> tuple[dict[str, Contract], tuple[Broken, ...]]:
    from connectors.contract_check import check_files

    contracts, problems = check_files(path for path, _, _ in stamps)
    broken = tuple(
        Broken(own_id(path), path, found)
        for path, _, _ in stamps
        if (found := tuple(problem for problem in problems if problem.file == path))
    )
    return {contract.id: contract for contract in contracts.values()}, broken


_OWN_ID = re.compile(r"^id:[ \t]*([\"']?)([a-z][a-z0-9_]*)\1(?:[ \t]+#.*)?[ \t]*$", re.MULTILINE)


def own_id(path: Path) -> str:
    """Whose contract a broken file is: the id it gives itself, or its name. It need not be YAML for that."""
    try:
        found = _OWN_ID.search(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        found = None
    return found.group(2) if found else path.name.removesuffix(".odcs.yaml")


def load_contract(path: Path) -> Contract:
    """One contract. Raises `ContractError` with every mistake, its line and its remedy."""
    from connectors.contract_check import check_file
    from connectors.contract_file import ContractError

    contract, problems = check_file(path)
    if problems or contract is None:
        raise ContractError(problems)
    return contract


_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def resolve_server(server: Server) -> Server:
    """The server with `${NAME}` replaced from the environment; a missing name is a `Permanent` error."""
    return replace(server, properties={k: resolve_value(v) for k, v in server.properties.items()})


def resolve_value(value: Any) -> Any:
    """`${NAME}` replaced in a text, a list or a mapping, however deep."""
    if isinstance(value, dict):
        return {k: resolve_value(v) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve_value(item) for item in value]
    return _VARIABLE.sub(_from_environment, value) if isinstance(value, str) else value


def _from_environment(match: re.Match[str]) -> str:
    name = match.group(1)
    value = os.environ.get(name)
    if not value:
        raise Permanent(
            f"the environment variable {name} is not set",
            "Set it to the address or secret of the upstream system, or start the simulated town (townhub demo)",
        )
    return value
