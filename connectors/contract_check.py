"""The hub's own rules for a contract: every mistake at once, each with its line, the reason and the remedy.

`connectors.contract_file` reads the file and holds it against the Open Data Contract Standard. Here is what the
hub wants beyond that: what a cursor needs, what every column must be tagged with, what is lawful. Nothing that the
hub does not understand is ever ignored.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from connectors.contract import UNIT_SECONDS, Column, Contract, Refusal, Server, Stream, own_id
from connectors.contract_file import ContractFile, Place, Problem
from connectors.contract_keys import AMOUNT_UNITS, PURPOSES, server_misuse, source_misuse, unread
from connectors.encodings import ENCODINGS
from connectors.interfaces import PROTOCOLS, SIGNERS
from connectors.semantics import SEMANTICS

LOADS = ("changes", "snapshot", "messages")
CLASSIFICATIONS = ("L1", "L2", "L3", "L4")
CRS = ("wgs84", "cgcs2000", "gcj02", "bd09")

IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
_CONTRACT_PROPERTIES = {"legalBasis", "purposes", "enabled", "isolated", "refused", "catalogueNumber"}
_STREAM_PROPERTIES = {"load", "cursor", "server", "source", "maxDeleteShare", "expires"}
_COLUMN_PROPERTIES = {"codes", "onInvalid", "unit", "purposes"}
_SERVER_PROPERTIES = {
    "protocol", "endpoint", "timezone", "encoding", "crs", "acknowledge",
    "username", "password", "appId", "appKey", "appSecret", "secret", "hostKey", "allowedHosts", "signer",
}  # fmt: skip
_SECRETS = {"password", "appSecret", "secret"}
_PASSWORD = re.compile(r"(?:[\w+.:-]*://)?+[^:/@\s]*:(?!\$\{[A-Z][A-Z0-9_]*\}@)[^@]+@")
"""`[scheme://]user:password@…` with a password that is no `${NAME}`."""
_PASSWORD_IN_QUERY = re.compile(
    r"(?:^|[?&;\s])[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|api_?key)=(?!\$\{[A-Z][A-Z0-9_]*\}(?:[&;#\s]|$))[^&;#\s]",
    re.IGNORECASE,
)
_LONGEST = 1000 * UNIT_SECONDS["year"]


def check_file(path: Path) -> tuple[Contract | None, list[Problem]]:
    """The contract of a file, or None, with all its mistakes. Never raises: one file must not stop all systems."""
    found: list[Problem] = []
    try:
        file = ContractFile(path)
        found = file.problems
        contract = _Rules(file).contract() if file.shaped else None
    except Exception as error:
        reason = f"cannot be judged ({type(error).__name__}: {str(error)[:200]})"
        found.append(Problem(path, 1, "file", reason, "Mend the value named, or write it as the other contracts do."))
    return (None if found else contract), found


def check_files(paths: Iterable[Path]) -> tuple[dict[Path, Contract], list[Problem]]:
    """The contracts of files that have no mistake, with all mistakes of all of them, clashes between them included.

    Of two files with one id neither counts, a broken one included: which is the system's is for a person to say. Nor
    does either of two with one number.
    """
    read: dict[Path, Contract] = {}
    ids: dict[str, list[Path]] = {}
    problems: list[Problem] = []
    for path in paths:
        contract, found = check_file(path)
        problems += found
        if contract is not None:
            read[path] = contract
        ids.setdefault(contract.id if contract else own_id(path), []).append(path)
    numbers: dict[int, list[Path]] = {}
    for path, contract in read.items():
        if contract.number is not None:
            numbers.setdefault(contract.number, []).append(path)
    for number, places in numbers.items():
        for path in places if len(places) > 1 else ():
            others = ", ".join(other.name for other in places if other != path)
            reason = f"the number {number} stands in {others} too"
            problems.append(Problem(path, 1, "catalogueNumber", reason, "Give every system its own."))
    for named, places in ids.items():
        for path in places if len(places) > 1 else ():
            others = ", ".join(other.name for other in places if other != path)
            reason = f"the id {named} stands in two files, {others} being the other"
            problems.append(Problem(path, 1, "id", reason, "Rename one, or remove it."))
    refused = {problem.file for problem in problems}
    return {path: contract for path, contract in read.items() if path not in refused}, problems


class _Rules:
    """Walks one document by the hub's rules; what is wrong is noted with the file, and the walk goes on."""

    def __init__(self, file: ContractFile) -> None:
        self.problem = file.problem
        self.properties = file.properties
        self.problems = file.problems
        self.document = file.document
        self.purposes: tuple[str, ...] = ()
        self.refusals: tuple[Refusal, ...] = ()

    def contract(self) -> Contract | None:
        document = self.document
        for place, reason, remedy in unread(document):
            self.problem(place, reason, remedy)
        custom = self.properties(document, (), _CONTRACT_PROPERTIES)
        identifier = str(document.get("id", ""))
        if not IDENTIFIER.match(identifier):
            self.problem(("id",), f"{identifier!r} is no identifier", "Use a-z, 0-9 and _, at most 41 characters.")
        if not custom.get("legalBasis"):
            self.problem((), "no legal basis", "Add customProperties legalBasis: without it nothing may be taken in.")
        purposes = _texts(custom.get("purposes"))
        if not purposes:
            self.problem((), "no permitted purposes", "Add customProperties purposes with at least one.")
        if unknown := [purpose for purpose in purposes if purpose not in PURPOSES]:
            self.problem((), f"unknown purposes: {', '.join(unknown)}", f"Use some of: {', '.join(PURPOSES)}.")
        for flag in ("enabled", "isolated"):
            if not isinstance(custom.get(flag, True), bool):
                self.problem((), f"{flag} is neither true nor false", "Write true or false, unquoted.")
        self.purposes = purposes
        self.refusals = self.refused(custom.get("refused"))
        number = custom.get("catalogueNumber")
        if number is not None and (type(number) is not int or number < 1):
            self.problem((), "catalogueNumber is no number", "Give the system's number in the catalogue, from 1.")
        slas: dict[Any, Any] = {}
        for index, item in enumerate(document.get("slaProperties") or []):
            if item.get("property") in slas:
                reason = f"the service level {item['property']} stands twice"
                self.problem(("slaProperties", index), reason, "Keep one of the two.")
            slas[item.get("property")] = item
        isolated = bool(custom.get("isolated", False))
        servers = self.servers(document)
        streams = self.streams(document, identifier, servers, isolated)
        team, description = document.get("team") or {}, document.get("description") or {}
        owner = team.get("name") if isinstance(team, dict) else None
        if not (isinstance(description, dict) and description.get("purpose")):
            reason = "says not what the data are taken in for"
            self.problem(("description",), reason, "Add description: {purpose: one sentence, limitations: another}.")
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
            purposes=purposes,
            cadence_seconds=seconds["frequency"],
            freshness_seconds=seconds["latency"],
            retention_days=seconds["retention"] // UNIT_SECONDS["day"],
            servers=servers,
            streams=streams,
            enabled=bool(custom.get("enabled", True)),
            isolated=isolated,
            refusals=self.refusals,
            number=number,
        )

    def refused(self, listed: Any) -> tuple[Refusal, ...]:
        """What the contract says must never be taken in; see `connectors.refusals`."""
        if listed is None:
            return ()
        names = [item.get("property") for item in self.document["customProperties"]]
        place: Place = ("customProperties", names.index("refused"), "value")
        if not isinstance(listed, list) or not listed:
            self.problem(place, "refused is no list", "Write refused: [{field: their name, reason: why}].")
            return ()
        found: list[Refusal] = []
        for index, item in enumerate(listed):
            where: Place = (*place, index)
            kinds = [kind for kind in ("field", "object") if isinstance(item, dict) and item.get(kind)]
            if len(kinds) != 1 or not item.get("reason") or len(item) != 2:
                reason = f"{item!r} does not say what is refused and why"
                self.problem(where, reason, "Write {field: NAME, reason: TEXT}, or object for a table, sheet or queue.")
                continue
            refusal = Refusal(kinds[0], str(item[kinds[0]]), str(item["reason"]))
            if any(other.kind == refusal.kind and other.matches(refusal.name) for other in found):
                self.problem(where, f"{refusal.name} is refused twice", "Keep one of the two.")
            found.append(refusal)
        return tuple(found)

    def check_refused(self, kind: str, name: str, where: Place) -> None:
        for refusal in self.refusals:
            if refusal.kind == kind and refusal.matches(name):
                self.problem(where, f"{name} must never be taken in: {refusal.reason}", "Take it out of the contract.")

    def duration(self, slas: dict[Any, Any], name: str) -> int:
        item = slas.get(name)
        if item is None:
            self.problem(("slaProperties",), f"{name} is missing", f"Add {{property: {name}, value: 1, unit: day}}.")
            return 0
        unit = UNIT_SECONDS.get(str(item.get("unit", "")).rstrip("s"))
        value = item.get("value")
        # One comparison for all: .nan is in no range, and neither .inf nor a number too long for a float is within it.
        if unit is None or not isinstance(value, int | float) or not 0 < value * unit <= _LONGEST:
            self.problem(
                ("slaProperties",),
                f"{name} is no length of time",
                f"Give a positive value, one of the units {', '.join(UNIT_SECONDS)}, and at most 1000 years.",
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
            where: Place = ("servers", index)
            if not isinstance(node, dict) or not node.get("server"):
                self.problem(where, "a server without a name", "Add server: NAME.")
                continue
            before = len(self.problems)
            if str(node["server"]) in servers:
                self.problem(where, f"the server {node['server']} stands twice", "Rename one, or remove it.")
            properties = self.properties(node, where, _SERVER_PROPERTIES)
            if "endpoint" not in properties and node.get("host"):
                properties["endpoint"] = str(node["host"])
            if properties.get("protocol") not in PROTOCOLS:
                self.problem(
                    where,
                    f"the protocol {properties.get('protocol')!r} is unknown",
                    f"Use: {', '.join(PROTOCOLS)}.",
                )
            if not properties.get("endpoint"):
                self.problem(where, "no endpoint", "Add customProperties endpoint: ${NAME}, named in the environment.")
            if str(properties.get("encoding", "utf-8")).lower().replace("_", "-") not in ENCODINGS:
                reason = f"the encoding {properties['encoding']!r} is unknown"
                self.problem(where, reason, f"Use one of: {', '.join(ENCODINGS)}.")
            if not _is_timezone(properties.get("timezone", "Asia/Shanghai")):
                reason = f"the time zone {properties['timezone']!r} is unknown"
                self.problem(where, reason, "Use a name of the tz database, such as Asia/Shanghai.")
            if properties.get("crs", "wgs84") not in CRS:
                self.problem(where, f"the CRS {properties['crs']!r} is unknown", f"Use one of: {', '.join(CRS)}.")
            if properties.get("signer", "md5_rotating") not in SIGNERS:
                reason = f"the signer {properties['signer']!r} is unknown"
                self.problem(where, reason, f"Use one of: {', '.join(SIGNERS)}.")
            for secret in _SECRETS & properties.keys():
                if not re.fullmatch(r"\$\{[A-Z][A-Z0-9_]*\}", str(properties[secret])):
                    self.problem(where, f"{secret} is written out", "Name an environment variable: ${NAME}.")
            for name, value in ({"host": node.get("host")} | properties).items():
                if any(_PASSWORD.match(text) or _PASSWORD_IN_QUERY.search(unquote(text)) for text in _leaves(value)):
                    self.problem(where, f"{name} holds a password", "Name an environment variable for it: ${NAME}.")
                    break
            if len(self.problems) == before:
                for reason, remedy in server_misuse(str(properties["protocol"]), properties):
                    self.problem(where, reason, remedy)
            servers[str(node["server"])] = Server(str(node["server"]), properties)
        return servers

    def streams(
        self, document: dict[str, Any], system: str, servers: dict[str, Server], isolated: bool
    ) -> dict[str, Stream]:
        streams: dict[str, Stream] = {}
        if not document.get("schema"):
            self.problem(("schema",), "no stream", "Add at least one schema object with its properties.")
        for index, node in enumerate(document.get("schema") or []):
            where: Place = ("schema", index)
            name = str(node.get("name", ""))
            if not IDENTIFIER.match(name):
                self.problem(where, f"{name!r} is no identifier", "Use a-z, 0-9 and _.")
            if name in streams:
                self.problem(where, f"the stream {name} stands twice", "Rename one.")
            stream = self.stream(node, where, system, servers, isolated)
            if stream is not None:
                streams[name] = stream
        return streams

    def stream(
        self, node: dict[str, Any], where: Place, system: str, servers: dict[str, Server], isolated: bool
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
        source = custom.get("source") or {}
        if not isinstance(source, dict):
            self.problem(where, "source is no mapping", "Write source: {name: value}.")
            source = {}
        if server in servers:
            for reason, remedy in source_misuse(str(servers[server].get("protocol")), source):
                self.problem(where, reason, remedy)
            if load == "snapshot" and servers[server].get("acknowledge"):
                reason = "a snapshot is read whole, but acknowledge asks for the rows that wait alone"
                self.problem(where, reason, "Use load: changes, or another server without acknowledge.")
        for name in (node.get("physicalName") or node.get("name"), *source.values()):
            if isinstance(name, str):
                self.check_refused("object", name, where)
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
            source=dict(source),
            server_name=str(server),
            max_delete_share=float(share),
            isolated=isolated,
            grain=str(node.get("dataGranularityDescription") or ""),
            refusals=self.refusals,
        )

    def column(self, node: dict[str, Any], where: Place) -> Column:
        custom = self.properties(node, where, _COLUMN_PROPERTIES)
        name, logical = str(node.get("name", "")), str(node.get("logicalType", ""))
        if not IDENTIFIER.match(name) or name.endswith("_raw"):
            self.problem(where, f"{name!r} is no column name", "Use a-z, 0-9 and _, not ending in _raw.")
        if logical not in {"string", "integer", "number", "date", "timestamp", "boolean"}:
            self.problem(where, f"logicalType {logical!r} cannot be landed", "Use string, integer, number, date, …")
        self.check_refused("field", str(node.get("physicalName") or name), where)
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
        if "unit" in custom and (semantic != "cn.amount" or custom["unit"] not in AMOUNT_UNITS):
            reason = f"the unit {custom['unit']!r} of {name} is not enforced"
            self.problem(where, reason, f"Only cn.amount has one: {', '.join(AMOUNT_UNITS)}.")
        options = node.get("logicalTypeOptions") or {}
        for bound in ("minimum", "maximum"):
            # One comparison for all: .nan, .inf and a number too long for a float bound nothing.
            limit = options.get(bound)
            if isinstance(limit, int | float) and not abs(limit) <= sys.float_info.max:
                self.problem(where, f"the {bound} of {name} is no finite number", "Give a number, or drop it.")
        enum = [str(item["value"]) for item in node.get("enum") or [] if "value" in item]
        codes = custom.get("codes") or ({value: value for value in enum} if enum else None)
        if codes is not None and not isinstance(codes, dict):
            self.problem(where, f"the codes of {name} are no mapping", "Write codes: {theirs: ours}.")
            codes = None
        purposes = _texts(custom.get("purposes"))
        if "purposes" in custom and not purposes:
            self.problem(where, f"the purposes of {name} are no list", "Name those that it may serve, or drop it.")
        wider = [purpose for purpose in purposes if purpose not in self.purposes and "any" not in self.purposes]
        if wider and self.purposes:
            reason = f"{name} may serve {', '.join(wider)}, which the contract does not permit"
            self.problem(where, reason, f"Name some of: {', '.join(self.purposes)}.")
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
            purposes=purposes,
            description=node.get("description"),
        )


def _is_timezone(name: Any) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, TypeError, ValueError, OSError):  # unknown, no text, no name, a folder
        return False
    return True


def _leaves(value: Any) -> Iterator[str]:
    """All texts of a value, however deep."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value


def _texts(value: Any) -> tuple[str, ...]:
    """A list of texts; empty where it is none."""
    listed = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
    return tuple(value) if listed else ()
