"""The purpose check: no product is derived from, or decided by, a column that its purpose does not permit.

Every model's compiled SQL is traced (`quality.lineage`) and followed through its refs down to the landing tables. A
column permits the purposes that its contract gives it; a product needs its purpose to be among those of every column
it touches. Where one of the hub's own tables names records (the identity ledger, the quarantine), it rests on the
streams whose records these are, as much as if these were read (`_records`). What else the hub keeps (`control`,
`resolution`: states and numbers) and dbt's seeds permit any purpose. What cannot be followed is a violation too.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from connectors.contract import Contract, Stream
from connectors.contract_folder import load_contracts
from quality import declassification
from quality.crosswalk import IDENTIFYING
from quality.dbt_manifest import Manifest, ManifestMissing, read_manifest
from quality.declassification import Declassification
from quality.families import FAMILIES
from quality.lineage import ROWS, Edge, Lineage, Unresolved
from quality.told_streams import ALL
from quality.traces import Traces
from warehouse.settings import settings

ANY = "any"
OWN_SCHEMAS = ("control", "resolution")
LANDING_SCHEMAS = ("landing", "isolated")

Purposes = frozenset[str]
_Touched = dict[tuple[Edge, Purposes], tuple[str, ...]]
"""(source column, purposes that a declassification gives it on this way) → the way to it."""


@dataclass(frozen=True)
class Violation:
    """One thing that forbids a model its purpose: the source column (None: the SQL cannot be followed) and the way."""

    model: str
    purpose: str
    source: str | None
    path: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        way = f": {' <- '.join(self.path)}" if self.path else ""
        return f"{self.model} ({self.purpose}): {self.reason}{way}"


@dataclass(frozen=True)
class Judged:
    """Violations, and how many (product, source column) pairs were looked at."""

    violations: list[Violation]
    columns: int


def check_project(manifest_path: Path) -> list[Violation]:
    """Check every model that declares a purpose in its meta; staging, which mirrors the contracts, is left out.

    `manifest_path`: dbt's manifest.json; the compiled SQL stands in it or in `compiled/` beside it.
    Raises ManifestMissing when there is none.
    """
    manifest = read_manifest(manifest_path)
    wanted: list[tuple[str, str]] = []
    violations = _declared(manifest)
    for node in manifest.models().values():
        if node["resource_type"] == "model" and node["fqn"][1] != "staging":
            wanted += [(node["name"], purpose) for purpose in _purposes_of_model(node)]
    return violations + judge_manifest(manifest, wanted).violations


def judge_products(manifest_path: Path, products: Sequence[tuple[str, str]]) -> Judged:
    """Check the given (product, purpose) pairs. Raises ManifestMissing when nothing was compiled."""
    return judge_manifest(read_manifest(manifest_path), products)


def judge_manifest(
    manifest: Manifest,
    wanted: Sequence[tuple[str, str]],
    *,
    contracts: Mapping[str, Contract] | None = None,
    exceptions: Sequence[Declassification] | None = None,
) -> Judged:
    """Check (model, purpose) pairs of a manifest, by our contracts and declassifications unless others are given.

    May be called from any thread; one is served at a time, because what was traced is shared.
    """
    exceptions = in_force() if exceptions is None else exceptions
    with _tracing:
        return _judged(manifest, wanted, contracts, exceptions)


def _judged(
    manifest: Manifest,
    wanted: Sequence[tuple[str, str]],
    contracts: Mapping[str, Contract] | None,
    exceptions: Sequence[Declassification],
) -> Judged:
    project = _ours(manifest, exceptions) if contracts is None else _Project(manifest, contracts, exceptions)
    violations: list[Violation] = []
    looked_at = 0
    for name, purpose in wanted:
        try:
            touched = project.touched_by(name)
        except Unresolved as error:
            violations.append(Violation(name, purpose, None, (), str(error)))
            continue
        looked_at += len(touched)
        for (edge, widened), path in touched.items():
            permitted = project.permitted(edge) | widened
            if ANY not in permitted and purpose not in permitted:
                reason = f"{project.spoken(edge)} permits {', '.join(sorted(permitted))} only"
                violations.append(Violation(name, purpose, project.spoken(edge), path, reason))
    project.traces.save()
    return Judged(violations, looked_at)


def streams_behind(manifest: Manifest, model: str) -> dict[str, tuple[str, ...]]:
    """`system.stream` → a way to it, of every stream that values or rows of a model rest on. Raises Unresolved."""
    project = _Project(manifest, load_contracts(), [])
    found: dict[str, tuple[str, ...]] = {}
    for (edge, _), path in project.touched_by(model).items():
        if edge[:2] in project.streams:
            contract, stream = project.streams[edge[:2]]
            found.setdefault(f"{contract.id}.{stream.name}", path)
    return found


@cache
def _traces(folder: Path) -> Traces:
    """One per folder in a process: the gates of all families ask about the same models."""
    return Traces(folder)


_tracing = threading.Lock()
_last: list[_Project] = []


def _ours(manifest: Manifest, exceptions: Sequence[Declassification]) -> _Project:
    """By our own contracts. The gates of all families ask about one manifest, and its models rest on each other."""
    contracts = load_contracts()
    if not (_last and _last[0].is_of(manifest, contracts, exceptions)):
        _last[:] = [_Project(manifest, contracts, exceptions)]
    return _last[0]


def in_force() -> list[Declassification]:
    """Our declassifications. By the later of the hub's day and today: looking at an old day revives none."""
    return declassification.load(today=max(settings().as_of(), date.today()))


def _purposes_of_model(node: Mapping[str, Any]) -> list[str]:
    declared = (node["config"].get("meta") or {}).get("purpose") or []
    return [str(purpose) for purpose in ([declared] if isinstance(declared, str) else declared)]


def _declared(manifest: Manifest) -> list[Violation]:
    """Every model under products/ declares a purpose, and each product the one of its family."""
    violations = []
    for node in manifest.models().values():
        if node["resource_type"] == "model" and node["fqn"][1] != "staging" and not _purposes_of_model(node):
            violations.append(
                Violation(node["name"], "none", None, (), "it declares no purpose in config.meta.purpose")
            )
    by_name = {node["name"]: node for node in manifest.models().values()}
    for product in (product for family in FAMILIES.values() for product in family.products):
        declared = _purposes_of_model(by_name[product.name]) if product.name in by_name else []
        if declared != [product.purpose]:
            reason = f"quality/families says {product.purpose}, the model says {', '.join(declared) or 'nothing'}"
            violations.append(Violation(product.name, product.purpose, None, (), reason))
    return violations


def _rested_on(stream: Stream, column: str, kind: str) -> list[Edge]:
    """A record's key is its primary key; which person or firm it belongs to, its names and numbers say besides. Which
    place or incident it speaks of, nobody's name does."""
    keys = column in ("record_key", "entity_key")
    names = column == "entity_key" and kind not in ("premises", "event")
    told = [c.name for c in stream.columns if (keys and c.primary_key) or (names and c.semantic_type in IDENTIFYING)]
    return [(stream.landing_schema, stream.landing_table, name) for name in (ROWS, *told)]


class _Project:
    """The models of a manifest with what each of their columns rests on, followed down to the sources."""

    def __init__(
        self, manifest: Manifest, contracts: Mapping[str, Contract], exceptions: Sequence[Declassification]
    ) -> None:
        self.manifest = manifest
        self.contracts, self.declassified = contracts, list(exceptions)
        self.models = {(node["schema"], node.get("alias") or node["name"]): node for node in manifest.models().values()}
        self.sources = {(s["schema"], s["identifier"]): s for s in manifest.sources.values()}
        self.streams = {
            (stream.landing_schema, stream.landing_table): (contract, stream)
            for contract in contracts.values()
            for stream in contract.streams.values()
        }
        self.schema = self._schema()
        self.exceptions = {e.model: [other for other in exceptions if other.model == e.model] for e in exceptions}
        self.lineages: dict[str, Lineage] = {}
        self.traces = _traces(manifest.folder)
        self.known: dict[tuple[str, str], _Touched] = {}
        self.open: set[tuple[str, str]] = set()

    def is_of(
        self, manifest: Manifest, contracts: Mapping[str, Contract], exceptions: Sequence[Declassification]
    ) -> bool:
        same = self.manifest is manifest and self.contracts == contracts
        return same and self.declassified == list(exceptions)

    def touched_by(self, name: str) -> _Touched:
        """Every source column that any column or the rows of a model rest on. Raises Unresolved."""
        node = next((node for node in self.models.values() if node["name"] == name), None)
        if node is None:
            raise Unresolved("there is no such model")
        lineage = self._lineage(node)
        found: _Touched = dict(self._touched(node, ROWS))
        for column in lineage.columns:
            found = {**self._touched(node, column), **found}
        return {key: (name, *path) for key, path in found.items()}

    def permitted(self, edge: Edge) -> Purposes:
        """The purposes that a source column permits. Raises nothing: unknown sources never become edges."""
        schema, table, column = edge
        if schema in OWN_SCHEMAS:
            return frozenset({ANY})
        contract, stream = self.streams[schema, table]
        if column == ROWS:
            return frozenset(contract.purposes)
        if column.startswith("_"):
            return frozenset({ANY})
        by_name = {known.name: known for known in stream.columns}
        return frozenset(contract.purposes_of(by_name.get(column) or by_name[column.removesuffix("_raw")]))

    def spoken(self, edge: Edge) -> str:
        """system.stream.column of a landing column, schema.table.column of any other."""
        schema, table, column = edge
        if (schema, table) in self.streams:
            contract, stream = self.streams[schema, table]
            return f"{contract.id}.{stream.name}.{column}"
        return f"{schema}.{table}.{column}"

    def _touched(self, node: Mapping[str, Any], column: str) -> _Touched:
        key = (str(node["unique_id"]), column)
        if key in self.known:
            return self.known[key]
        if key in self.open:
            raise Unresolved(f"{node['name']} rests on itself")
        self.open.add(key)
        try:
            self.known[key] = self._all_of(node, column)
        finally:
            self.open.discard(key)
        return self.known[key]

    def _all_of(self, node: Mapping[str, Any], column: str) -> _Touched:
        lineage = self._lineage(node)
        widens = node["name"] in self.exceptions
        found: _Touched = {}
        for edge, use in (lineage.influence if column == ROWS else lineage.columns[column]).items():
            for key, path in self._follow(node["name"], edge, use).items():
                source, widened = key
                found.setdefault((source, widened | self._gained(node, column, source)) if widens else key, path)
        return found

    def _follow(self, reader: str, edge: Edge, use: str) -> _Touched:
        schema, table, column = edge
        step = f"{use} {schema}.{table}.{column}"
        if table.endswith("]"):
            return {(told, frozenset()): (step,) for told in self._records(reader, edge)}
        node = self.models.get((schema, table))
        if node is None:
            return {(edge, frozenset()): (step,)}
        if node["resource_type"] == "seed":
            return {}
        return {key: (step, *path) for key, path in self._touched(node, column).items()}

    def _records(self, reader: str, edge: Edge) -> list[Edge]:
        """What a column of a table that names records rests on: these records, their keys, and whom they are about.

        That some row of a stream waits in quarantine, without its key or what it refers to, tells of no record. Which
        of its own rows a model makes anew is nothing new to it; those of another one are that one's.
        """
        schema, table, column = edge
        name, _, told = table.removesuffix("]").partition("[")
        if name == "changed_key" and told != reader:
            raise Unresolved(f"{reader} reads {schema}.{name} of {told}; a model may ask for its own keys alone")
        if name == "changed_key" or (name == "held_rows" and column not in ("record_key", "refers")):
            return [(schema, name, column)]
        told, _, kind = told.partition(" as ")
        streams = self._streams(told)
        if not streams:
            raise Unresolved(
                f"of which streams' records {reader} reads {schema}.{name} cannot be told ({told}); fix system and"
                " stream by literals in that join"
            )
        return [edge for stream in streams for edge in _rested_on(stream, column, kind)]

    def _streams(self, told: str) -> list[Stream]:
        """The streams of `system.stream`, `system.*` or `=schema.model`; none where one of them cannot be told."""
        system, _, name = told.partition(".")
        if system.startswith("="):
            node = self.models.get((system[1:], name))
            given = self._lineage(node).streams if node and node["resource_type"] == "model" else ()
            each = [self._streams(one) for one in given]
            return [stream for streams in each for stream in streams] if all(each) else []
        streams = self.contracts[system].streams if system in self.contracts else {}
        return list(streams.values()) if name == ALL else [streams[name]] if name in streams else []

    def _gained(self, node: Mapping[str, Any], column: str, source: Edge) -> Purposes:
        of_model = self.exceptions[node["name"]]
        entries = [e for e in of_model if e.covers(node["name"], column, self.spoken(source))]
        if entries and not self._large_groups(node, entries):
            raise Unresolved(
                f"{node['name']} is declassified but does not keep small groups out; end its query with"
                f" HAVING count(*) >= {max(entry.minimum_group_size for entry in entries)}"
            )
        return frozenset(entry.purpose for entry in entries)

    def _large_groups(self, node: Mapping[str, Any], entries: Sequence[Declassification]) -> bool:
        return declassification.keeps_small_groups_out(self.manifest.compiled_sql(dict(node)), entries)

    def _lineage(self, node: Mapping[str, Any]) -> Lineage:
        key = str(node["unique_id"])
        if key not in self.lineages:
            self.lineages[key] = self._traced(node)
        return self.lineages[key]

    def _traced(self, node: Mapping[str, Any]) -> Lineage:
        name = node["name"]
        if node.get("language", "sql") != "sql":
            raise Unresolved(f"{name} is not SQL")
        if any(node["config"].get(hook) for hook in ("pre-hook", "post-hook")):
            raise Unresolved(f"{name} runs SQL beside its query (a hook)")
        sql = self.manifest.compiled_sql(dict(node))
        named = [(schema, table, shape) for schema, tables in self.schema.items() for table, shape in tables.items()]
        read = sorted((schema, table, *shape) for schema, table, shape in named if table in sql)
        try:
            lineage = self.traces.lineage(sql, read, self.schema)
        except Unresolved as error:
            raise Unresolved(f"{name}: {error}") from error
        if set(lineage.columns) != set(self.schema[node["schema"]][node.get("alias") or name]):
            raise Unresolved(f"{name}: its query gives other columns than its contract in the .yml")
        return lineage

    def _schema(self) -> dict[str, dict[str, dict[str, str]]]:
        """What statements may read: models and seeds by their declared columns, sources by contract or declaration."""
        schema: dict[str, dict[str, dict[str, str]]] = {}
        for (name, table), node in self.models.items():
            declared = node["config"].get("column_types") if node["resource_type"] == "seed" else node["columns"]
            schema.setdefault(name, {})[table] = dict.fromkeys(declared or node["columns"], "text")
        for name, table in self.sources:
            if name in OWN_SCHEMAS:
                schema.setdefault(name, {})[table] = dict.fromkeys(self.sources[name, table]["columns"], "text")
            elif (name, table) in self.streams:
                stream = self.streams[name, table][1]
                columns = [column.name for column in stream.columns]
                columns += [f"{column.name}_raw" for column in stream.columns if column.keeps_raw]
                columns += ["_key", "_hash", "_from_load", "_to_load"]
                schema.setdefault(name, {})[table] = dict.fromkeys(columns, "text")
        return schema


__all__ = [
    "Judged",
    "ManifestMissing",
    "Violation",
    "check_project",
    "in_force",
    "judge_manifest",
    "judge_products",
    "streams_behind",
]
