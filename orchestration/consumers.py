"""Who reads a stream or a column of it: dbt models and products, and identity resolution.

The project is compiled without a database and its SQL traced column by column (`quality.lineage`). Staging views count
as what their contract says, so that a column which a contract has just dropped is still seen where it is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from connectors.contract import Contract
from connectors.contract_changes import Change
from connectors.dbt_files import model_name
from connectors.tables import SYSTEM_COLUMNS
from orchestration import manifest
from quality.dbt_manifest import Manifest, read_manifest
from quality.families import FAMILIES
from quality.lineage import ROWS, Edge, Lineage, Unresolved, trace
from resolution.things import REFERENCES, SOURCES

STAGING = "staging"


@dataclass(frozen=True)
class Hit:
    """Who is hit by a change: `readers` read the thing itself, `behind` rest on them; names of dbt models,
    `resolution of <kind>` for identity resolution. `products` are those of both that apps see."""

    readers: tuple[str, ...]
    behind: tuple[str, ...]
    products: tuple[str, ...]

    def __str__(self) -> str:
        told = [f"read by {', '.join(self.readers)}"] if self.readers else []
        told += [f"behind them {', '.join(self.behind)}"] if self.behind else []
        told += [f"products: {', '.join(self.products)}"] if self.products else []
        return "; ".join(told)


class Consumers:
    """The models of the compiled project. `contracts` and `changes` say what columns staging has or had."""

    def __init__(self, compiled: Manifest, contracts: list[Contract], changes: list[Change]) -> None:
        self.compiled = compiled
        self.contracts = contracts
        self.changes = changes
        self.models = {node["name"]: node for node in compiled.models().values() if node["resource_type"] == "model"}
        self.schema = self._schema()
        self.streams = {
            model_name(stream): (stream.system, stream.name) for c in contracts for stream in c.streams.values()
        }

    def of(self, change: Change) -> Hit:
        """Who is hit. With purposes lost, only those that have one of them."""
        readers = self._readers(change)
        # What cannot be built takes everything behind it along, and other rows are other rows to all of them.
        everything = change.effect in ("gone", "rows")
        behind = self._descendants(readers) if everything else self._tainted(change) - readers
        if change.effect == "unlawful":
            readers = {name for name in readers if self._purposes(name) & set(change.purposes)}
            behind = {name for name in behind if self._purposes(name) & set(change.purposes)}
        products = {p.name for family in FAMILIES.values() for p in family.products} & (readers | behind)
        resolvers = () if change.effect == "unlawful" else tuple(self._resolvers(change))
        return Hit((*sorted(readers), *resolvers), tuple(sorted(behind)), tuple(sorted(products)))

    def _readers(self, change: Change) -> set[str]:
        """Models beyond staging that read the thing itself; where SQL cannot be followed, whatever it refers to."""
        found = set()
        for name, node in self.models.items():
            if name in self.streams:
                continue
            refers = {self._name(uid) for uid in node["depends_on"]["nodes"]}
            staged = {s for s in self._staged(change) if s in refers}
            if not staged:
                continue
            edges = self._edges(name)
            if change.column is None or edges is None or self._touches(edges, staged, change.column):
                found.add(name)
        return found

    def _touches(self, edges: set[Edge], staged: set[str], column: str) -> bool:
        return any(table in staged and name == column for _, table, name in edges)

    def _tainted(self, change: Change) -> set[str]:
        """Models with a column or rows that rest on the changed column, over any number of steps."""
        tainted: set[tuple[str, str]] = {
            (staged, column)
            for staged in self._staged(change)
            for column in ([change.column] if change.column else [*self.schema[STAGING][staged], ROWS])
        }
        hit: set[str] = set()
        for name in self._ordered:
            lineage = self._lineages.get(name)
            if lineage is None:
                rests = {self._name(uid) for uid in self.models[name]["depends_on"]["nodes"]}
                columns = {*self.models[name]["columns"], ROWS} if rests & {table for table, _ in tainted} else set()
            else:
                columns = {c for c, edges in lineage.columns.items() if any(e[1:] in tainted for e in edges)}
                columns |= {ROWS} if any(edge[1:] in tainted for edge in lineage.influence) else set()
            if columns:
                hit.add(name)
                tainted |= {(name, column) for column in columns}
        return hit

    def _descendants(self, names: set[str]) -> set[str]:
        found: set[str] = set()
        for name in self._ordered:
            if {self._name(uid) for uid in self.models[name]["depends_on"]["nodes"]} & (names | found):
                found.add(name)
        return found - names

    @cached_property
    def _ordered(self) -> list[str]:
        """Models beyond staging, every one after those that it reads."""
        ordered: list[str] = []
        waiting = [name for name in self.models if name not in self.streams]
        while waiting:
            ready = [
                name
                for name in waiting
                if not {self._name(uid) for uid in self.models[name]["depends_on"]["nodes"]} & (set(waiting) - {name})
            ]
            ordered += sorted(ready or waiting)
            waiting = [name for name in waiting if name not in ordered]
        return ordered

    @cached_property
    def _lineages(self) -> dict[str, Lineage]:
        """Of every model that can be followed; the others are taken to use whatever they refer to."""
        found = {}
        for name, node in self.models.items():
            if name not in self.streams:
                try:
                    found[name] = trace(self.compiled.compiled_sql(dict(node)), self.schema)
                except Unresolved:
                    continue
        return found

    def _edges(self, name: str) -> set[Edge] | None:
        lineage = self._lineages.get(name)
        return (
            None if lineage is None else {*lineage.influence, *(e for edges in lineage.columns.values() for e in edges)}
        )

    def _staged(self, change: Change) -> set[str]:
        return {
            model
            for model, (system, stream) in self.streams.items()
            if system == change.system and change.stream in (None, stream)
        }

    def _purposes(self, name: str) -> set[str]:
        declared = (self.models[name]["config"].get("meta") or {}).get("purpose") or []
        return {declared} if isinstance(declared, str) else set(declared)

    def _name(self, uid: str) -> str:
        return uid.split(".")[-1]

    def _resolvers(self, change: Change) -> Iterator[str]:
        for kind, sources in SOURCES.items():
            for source in (*sources, *REFERENCES.get(kind, ())):
                words = re.findall(r"\w+", " ".join((source.record_key, *source.fields.values())))
                same = source.system == change.system and change.stream in (None, source.stream)
                if same and (change.column is None or change.column in words):
                    yield f"resolution of {kind}"

    def _schema(self) -> dict[str, dict[str, dict[str, str]]]:
        """What statements may read: models and seeds by their declared columns, staging by contract, other sources
        by declaration."""
        schema: dict[str, dict[str, dict[str, str]]] = {STAGING: {}}
        for node in self.compiled.models().values():
            declared = node["config"].get("column_types") if node["resource_type"] == "seed" else node["columns"]
            columns = dict.fromkeys(declared or node["columns"], "text")
            schema.setdefault(node["schema"], {})[node.get("alias") or node["name"]] = columns
        for source in self.compiled.sources.values():
            columns = dict.fromkeys([*source["columns"], *SYSTEM_COLUMNS], "text")
            schema.setdefault(source["schema"], {})[source["identifier"]] = columns
        for contract in self.contracts:
            for stream in contract.streams.values():
                columns = schema[STAGING].setdefault(model_name(stream), {"record_key": "text"})
                columns |= dict.fromkeys((column.name for column in stream.columns), "text")
        for change in self.changes:
            if change.column is not None:
                staged = schema[STAGING].setdefault(f"stg_{change.system}__{change.stream}", {"record_key": "text"})
                staged[change.column] = "text"
        return schema


def consumers(contracts: Iterable[Contract], changes: Iterable[Change]) -> Consumers:
    """The readers of the contracts, given in all their states, and of the columns that the changes speak of.

    Raises ManifestError when dbt cannot compile the project.
    """
    return Consumers(read_manifest(manifest.ensure_compiled()), list(contracts), list(changes))
