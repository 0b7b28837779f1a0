"""Reading a contract file strictly: every mistake at once, each with its line, the reason and the remedy.

Two layers. First the Open Data Contract Standard's own JSON schema (from the package
`open-data-contract-standard`), with one extension: `semanticType` may name a standard of
`connectors.semantics`, and `servers` are judged here, because the hub speaks protocols that the standard does
not list. Then the hub's own rules: what a cursor needs, what every column must be tagged with, what is lawful.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from connectors.contract import UNIT_SECONDS, Column, Contract, Server, Stream
from connectors.interfaces import PROTOCOLS
from connectors.semantics import SEMANTICS

LOADS = ("changes", "snapshot", "messages")
CLASSIFICATIONS = ("L1", "L2", "L3", "L4")
CRS = ("wgs84", "cgcs2000", "gcj02", "bd09")

# libyaml reads a contract ten times faster; the wheel of PyYAML has it nearly everywhere.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
_CONTRACT_PROPERTIES = {"legalBasis", "purposes", "enabled", "isolated"}
_STREAM_PROPERTIES = {"load", "cursor", "server", "source", "maxDeleteShare", "expires"}
_COLUMN_PROPERTIES = {"codes", "onInvalid", "unit", "purposes"}
_SERVER_PROPERTIES = {
    "protocol", "endpoint", "timezone", "encoding", "crs", "acknowledge",
    "username", "password", "appKey", "appSecret", "secret", "hostKey", "allowedHosts",
}  # fmt: skip
_SECRETS = {"password", "appSecret", "secret"}

Path_ = tuple[Any, ...]


@dataclass(frozen=True)
class Problem:
    """One mistake: where it stands, what is wrong, what to do."""

    file: Path
    line: int
    where: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}: {self.where}: {self.reason}. {self.remedy}"


class ContractError(Exception):
    """One or more contract files are refused; `problems` lists every mistake found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def check_file(path: Path) -> tuple[Contract | None, list[Problem]]:
    """The contract of a file, or None, with all its mistakes."""
    try:
        loader = _LOADER(path.read_text(encoding="utf-8"))
        root = loader.get_single_node()
        document = loader.construct_document(root) if root is not None else None
    except (OSError, UnicodeDecodeError) as error:
        return None, [Problem(path, 1, "file", f"cannot be read: {error}", "Give a readable UTF-8 file.")]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        reason = getattr(error, "problem", None) or "is not YAML"
        return None, [Problem(path, line, "yaml", str(reason), "Mend the YAML; quote texts that hold ': '.")]
    if not isinstance(document, dict) or root is None:
        return None, [Problem(path, 1, "file", "is not a mapping", "Begin with apiVersion and kind.")]
    reader = _Reader(path, root)
    reader.check_schema(document)
    contract = reader.contract(document) if not reader.problems else None
    return (None if reader.problems else contract), reader.problems


@cache
def _schema() -> dict[str, Any]:
    """The standard's JSON schema, with `semanticType` and `servers` left to us."""
    from importlib.resources import files

    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8"))
    schema["properties"]["servers"] = {"type": "array"}
    for definition in schema["$defs"].values():
        if "semanticType" in definition.get("properties", {}):
            definition["properties"]["semanticType"] = {"type": "string"}
    return dict(schema)


@cache
def _validator() -> Any:
    import jsonschema

    return jsonschema.validators.validator_for(_schema())(_schema())


class _Reader:
    """Walks one document; collects problems instead of stopping at the first."""

    def __init__(self, path: Path, root: yaml.Node) -> None:
        self.path = path
        self.root = root
        self.problems: list[Problem] = []

    def line(self, where: Path_) -> int:
        """The line on which a path of keys and indexes begins (the nearest one that exists)."""
        node = self.root
        for step in where:
            found = None
            if isinstance(node, yaml.MappingNode):
                found = next((v for k, v in node.value if k.value == step), None)
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = node.value[step]
            if found is None:
                break
            node = found
        return int(node.start_mark.line) + 1

    def problem(self, where: Path_, reason: str, remedy: str) -> None:
        label = ".".join(str(step) for step in where) or "file"
        self.problems.append(Problem(self.path, self.line(where), label, reason, remedy))

    def check_schema(self, document: dict[str, Any]) -> None:
        # Through JSON and back: YAML has dates and non-text keys, which the standard's schema does not know.
        plain = json.loads(json.dumps(document, default=str))
        for error in _validator().iter_errors(plain):
            self.problem(
                tuple(error.absolute_path),
                error.message[:200],
                "Follow the Open Data Contract Standard v3.2.",
            )

    def properties(self, node: dict[str, Any], where: Path_, known: set[str]) -> dict[str, Any]:
        """`customProperties` as a mapping; an unknown name is a problem, never ignored."""
        found: dict[str, Any] = {}
        for index, item in enumerate(node.get("customProperties") or []):
            name = item.get("property")
            if name not in known:
                self.problem(
                    (*where, "customProperties", index),
                    f"the property {name!r} is not understood",
                    f"Use one of: {', '.join(sorted(known))}.",
                )
            found[str(name)] = item.get("value")
        return found

    def contract(self, document: dict[str, Any]) -> Contract | None:
        custom = self.properties(document, (), _CONTRACT_PROPERTIES)
        identifier = str(document.get("id", ""))
        if not _IDENTIFIER.match(identifier):
            self.problem(("id",), f"{identifier!r} is no identifier", "Use a-z, 0-9 and _, at most 41 characters.")
        if not custom.get("legalBasis"):
            self.problem((), "no legal basis", "Add customProperties legalBasis: without it nothing may be taken in.")
        purposes = custom.get("purposes") or []
        if not isinstance(purposes, list) or not purposes:
            self.problem((), "no permitted purposes", "Add customProperties purposes with at least one.")
            purposes = []
        slas = {item.get("property"): item for item in document.get("slaProperties") or []}
        isolated = bool(custom.get("isolated", False))
        servers = self.servers(document)
        streams = self.streams(document, identifier, servers, isolated)
        team, description = document.get("team") or {}, document.get("description") or {}
        owner = team.get("name") if isinstance(team, dict) else None
        if not owner:
            self.problem(("team",), "no owner", "Add team: {name: the owning department}.")
        seconds = {name: self.duration(slas, name) for name in ("frequency", "latency", "retention")}
        if self.problems:
            return None
        return Contract(
            id=identifier,
            name=str(document.get("name") or identifier),
            version=str(document.get("version")),
            domain=str(document.get("domain") or ""),
            owner=str(owner),
            purpose=str(description.get("purpose") or ""),
            limitations=str(description.get("limitations") or ""),
            legal_basis=str(custom["legalBasis"]),
            purposes=tuple(purposes),
            cadence_seconds=seconds["frequency"],
            freshness_seconds=seconds["latency"],
            retention_days=seconds["retention"] // UNIT_SECONDS["day"],
            servers=servers,
            streams=streams,
            enabled=bool(custom.get("enabled", True)),
            isolated=isolated,
        )

    def duration(self, slas: dict[Any, Any], name: str) -> int:
        item = slas.get(name)
        if item is None:
            self.problem(("slaProperties",), f"{name} is missing", f"Add {{property: {name}, value: 1, unit: day}}.")
            return 0
        unit = UNIT_SECONDS.get(str(item.get("unit", "")).rstrip("s"))
        value = item.get("value")
        if unit is None or not isinstance(value, int | float) or value <= 0:
            self.problem(
                ("slaProperties",),
                f"{name} is no length of time",
                f"Give a positive value and one of the units {', '.join(UNIT_SECONDS)}.",
            )
            return 0
        return int(value * unit)

    def servers(self, document: dict[str, Any]) -> dict[str, Server]:
        servers: dict[str, Server] = {}
        listed = document.get("servers")
        if not isinstance(listed, list) or not listed:
            self.problem(("servers",), "no server", "Add a server with its protocol and endpoint.")
            return servers
        for index, node in enumerate(listed):
            where: Path_ = ("servers", index)
            if not isinstance(node, dict) or not node.get("server"):
                self.problem(where, "a server without a name", "Add server: NAME.")
                continue
            properties = self.properties(node, where, _SERVER_PROPERTIES)
            if "endpoint" not in properties and node.get("host"):
                properties["endpoint"] = str(node["host"])
            if properties.get("protocol") not in PROTOCOLS:
                self.problem(
                    where,
                    f"the protocol {properties.get('protocol')!r} is unknown",
                    f"Use: {', '.join(PROTOCOLS)}.",
                )
            if properties.get("crs", "wgs84") not in CRS:
                self.problem(where, f"the CRS {properties['crs']!r} is unknown", f"Use one of: {', '.join(CRS)}.")
            for secret in _SECRETS & properties.keys():
                if not re.fullmatch(r"\$\{[A-Z][A-Z0-9_]*\}", str(properties[secret])):
                    self.problem(where, f"{secret} is written out", "Name an environment variable: ${NAME}.")
            servers[str(node["server"])] = Server(str(node["server"]), properties)
        return servers

    def streams(
        self, document: dict[str, Any], system: str, servers: dict[str, Server], isolated: bool
    ) -> dict[str, Stream]:
        streams: dict[str, Stream] = {}
        if not document.get("schema"):
            self.problem(("schema",), "no stream", "Add at least one schema object with its properties.")
        for index, node in enumerate(document.get("schema") or []):
            where: Path_ = ("schema", index)
            name = str(node.get("name", ""))
            if not _IDENTIFIER.match(name):
                self.problem(where, f"{name!r} is no identifier", "Use a-z, 0-9 and _.")
            if name in streams:
                self.problem(where, f"the stream {name} stands twice", "Rename one.")
            stream = self.stream(node, where, system, servers, isolated)
            if stream is not None:
                streams[name] = stream
        return streams

    def stream(
        self, node: dict[str, Any], where: Path_, system: str, servers: dict[str, Server], isolated: bool
    ) -> Stream | None:
        custom = self.properties(node, where, _STREAM_PROPERTIES)
        load = custom.get("load")
        if load not in LOADS:
            self.problem(where, f"load {load!r} is unknown", f"Add customProperties load: {' | '.join(LOADS)}.")
        server = custom.get("server") or (next(iter(servers)) if len(servers) == 1 else None)
        if server not in servers:
            self.problem(where, "the stream's server is not among servers", "Add customProperties server: NAME.")
        share = custom.get("maxDeleteShare", 0.2)
        if not isinstance(share, int | float) or not 0 <= share <= 1:
            self.problem(where, "maxDeleteShare is no share", "Give a number between 0 and 1.")
        columns = [
            self.column(item, (*where, "properties", number))
            for number, item in enumerate(node.get("properties") or [])
        ]
        for label in ("name", "physical_name"):
            values = [getattr(column, label) for column in columns]
            for twice in {value for value in values if values.count(value) > 1}:
                self.problem(where, f"the {label} {twice} stands twice", "Every column once.")
        times: dict[str, Column | None] = {}
        for role, allowed in (("cursor", {"timestamp"}), ("expires", {"timestamp", "date"})):
            named = next((column for column in columns if column.name == custom.get(role)), None)
            if custom.get(role) and (named is None or named.logical_type not in allowed):
                kinds = " or ".join(sorted(allowed))
                self.problem(where, f"{role} {custom[role]} is no {kinds} column", f"Name a property of type {kinds}.")
            elif role == "cursor" and named is not None and not named.required:
                reason = f"the cursor {named.name} may be missing"
                self.problem(
                    where, reason, "Add required: true: what has no time of change is neither newer nor older."
                )
            times[role] = named
        if not any(column.primary_key for column in columns):
            self.problem(where, "no primary key", "Mark it: without one a change cannot be told from a new record.")
        if self.problems:
            return None
        return Stream(
            system=system,
            name=str(node["name"]),
            physical_name=str(node.get("physicalName") or node["name"]),
            load=str(load),
            columns=tuple(columns),
            cursor=times["cursor"],
            expires=times["expires"],
            source=dict(custom.get("source") or {}),
            server_name=str(server),
            max_delete_share=float(share),
            isolated=isolated,
            grain=str(node.get("dataGranularityDescription") or ""),
        )

    def column(self, node: dict[str, Any], where: Path_) -> Column:
        custom = self.properties(node, where, _COLUMN_PROPERTIES)
        name, logical = str(node.get("name", "")), str(node.get("logicalType", ""))
        if not _IDENTIFIER.match(name) or name.endswith("_raw"):
            self.problem(where, f"{name!r} is no column name", "Use a-z, 0-9 and _, not ending in _raw.")
        if logical not in {"string", "integer", "number", "date", "timestamp", "boolean"}:
            self.problem(where, f"logicalType {logical!r} cannot be landed", "Use string, integer, number, date, …")
        if node.get("classification") not in CLASSIFICATIONS:
            self.problem(where, f"{name} is not classified", f"Add classification: {' | '.join(CLASSIFICATIONS)}.")
        semantic = node.get("semanticType")
        if semantic is not None and semantic not in SEMANTICS:
            self.problem(where, f"the standard {semantic!r} is unknown", f"Use one of: {', '.join(SEMANTICS)}.")
        elif semantic is not None and logical not in SEMANTICS[semantic].logical_types:
            self.problem(
                where,
                f"{semantic} does not fit logicalType {logical}",
                f"Use {' or '.join(sorted(SEMANTICS[semantic].logical_types))}.",
            )
        if custom.get("onInvalid", "quarantine") not in ("quarantine", "withhold"):
            self.problem(where, "onInvalid is unknown", "Use quarantine or withhold.")
        if custom.get("onInvalid") == "withhold" and (node.get("required") or node.get("primaryKey")):
            self.problem(where, f"{name} is required and cannot be withheld", "Drop one of the two.")
        options = node.get("logicalTypeOptions") or {}
        enum = [str(item["value"]) for item in node.get("enum") or []]
        codes = custom.get("codes") or ({value: value for value in enum} if enum else None)
        return Column(
            name=name,
            physical_name=str(node.get("physicalName") or name),
            logical_type=logical,
            classification=str(node.get("classification")),
            primary_key=bool(node.get("primaryKey")),
            required=bool(node.get("required") or node.get("primaryKey")),
            sensitive="sensitive" in (node.get("tags") or []),
            semantic_type=semantic,
            codes={str(raw): str(ours) for raw, ours in codes.items()} if codes else None,
            on_invalid=str(custom.get("onInvalid", "quarantine")),
            unit=custom.get("unit"),
            format=options.get("format"),
            minimum=options.get("minimum"),
            maximum=options.get("maximum"),
            purposes=tuple(custom.get("purposes") or ()),
            description=node.get("description"),
        )
