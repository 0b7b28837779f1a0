"""Which tables a build makes anew only in part: the rows that what landed since the last build can have changed.

The models that say so (dbt's `meta.by_changes`) form chains, each of the records of some streams. A chain goes on from
its last build when that came to an end for all of its models, from the same files, and when nothing changed of what
its models read beside those records: the other streams, which of their rows and of the seeds' are in force. Which rows
of a model a changed record can touch is said by its macro in dbt_project/macros/changes.sql. Otherwise, and on a
rebuild, the whole chain is built from everything; so is it after a build that began and did not come to its end, for
some of its tables speak of another moment than the rest.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.contract import Contract, Stream
from orchestration import environment, standing
from orchestration.manifest import Node, Project
from resolution.things import SOURCES, Kind
from warehouse import build_inputs

LANDING = ("landing", "isolated")
_UNDER_WAY = "under way"
_OWN_CODE = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
_TURNS = {"valid_from": "{}::date", "valid_to": "{}::date + 1"}
"""Columns by which rows of a stream are in force on a day (staging knows the others by the record alone)."""


@dataclass(frozen=True)
class Chain:
    """Models that are made anew by the records of some streams, (system, stream), and by what entities these belong to.

    `kind` and `entity`: what resolution calls all of them and one of them.
    """

    name: str
    streams: frozenset[tuple[str, str]]
    kind: Kind | None = None
    entity: str = ""


DOORS = ("standard_address", "addresses")


def _about(kind: Kind) -> frozenset[tuple[str, str]]:
    return frozenset((source.system, source.stream) for source in SOURCES[kind])


CHAINS = (
    Chain("residents", _about("residents") | {DOORS}, "residents", "resident"),
    Chain("events", _about("events"), "events", "event"),
    Chain("taxes", frozenset({("tax_analysis", "collections")}), "enterprises", "enterprise"),
    Chain("certificates", frozenset({("certificate_library", "certificates")})),
    Chain("doors", frozenset({DOORS})),
)


@dataclass
class Plan:
    """The chains that a build makes by changes, what each would be built from now, and which models came out well."""

    by_changes: list[str]
    bases: dict[str, str]
    as_of: date
    runs: dict[str, int]
    """Kind of entity → the last run of resolution by then: one that ends beside the build is news to the next."""


def plan(
    conn: psycopg.Connection, project: Project, contracts: Mapping[str, Contract], as_of: date, *, anew: bool
) -> Plan:
    """Decide for each chain, and note the records of those that go on (role builder, while it holds the build).

    `anew`: everything is to be built from everything.
    """
    bases = {chain.name: _basis(conn, project, chain, contracts, as_of) for chain in CHAINS}
    known, runs = _states(conn), _last_runs(conn)
    forget_changes(conn)
    going_on = []
    for chain in CHAINS:
        state = known.get(chain.name)
        if state is None:
            continue
        if anew or state.basis != bases[chain.name] or state.as_of > as_of or not _all_there(conn, project, chain):
            conn.execute("DELETE FROM control.build_state WHERE chain = %s", [chain.name])
            continue
        _note_changes(conn, chain, contracts, state)
        conn.execute("UPDATE control.build_state SET basis = %s WHERE chain = %s", [_UNDER_WAY, chain.name])
        going_on.append(chain.name)
    return Plan(going_on, bases, as_of, runs)


def keep(conn: psycopg.Connection, project: Project, done: Plan, built: Set[str]) -> None:
    """Note what was built from what, for those chains of which every model came out well, and all that these rest on.

    `built`: unique ids of the nodes that came out well in this build, or stood.
    """
    loads = Jsonb(build_inputs.bounds(conn))
    for chain in CHAINS:
        rests_on = _rests_on(project, chain) & project.nodes.keys()
        if rests_on and rests_on <= built:
            reads = sorted(".".join(stream) for stream in _streams_read(project, chain) | chain.streams)
            conn.execute(
                """INSERT INTO control.build_state (chain, basis, as_of, reads, loads, runs)
                   VALUES (%s, %s, %s, %s, %s, %s)
                   ON CONFLICT (chain) DO UPDATE SET basis = excluded.basis, as_of = excluded.as_of,
                       reads = excluded.reads, loads = excluded.loads, runs = excluded.runs,
                       built_at = clock_timestamp()""",
                [chain.name, done.bases[chain.name], done.as_of, reads, loads, Jsonb(done.runs)],
            )


def forget_changes(conn: psycopg.Connection) -> None:
    """Keys of records are personal: they are kept for as long as a build needs them."""
    conn.execute("DELETE FROM control.changed_record")
    conn.execute("DELETE FROM control.changed_key")


def models_of(project: Project, chain: str) -> list[Node]:
    return [node for node in project.nodes.values() if node.chain == chain]


@dataclass(frozen=True)
class _State:
    basis: str
    as_of: date
    loads: dict[str, int]
    runs: dict[str, int]


def _states(conn: psycopg.Connection) -> dict[str, _State]:
    rows = conn.execute("SELECT chain, basis, as_of, loads, runs FROM control.build_state").fetchall()
    return {chain: _State(*rest) for chain, *rest in rows}


def _basis(
    conn: psycopg.Connection, project: Project, chain: Chain, contracts: Mapping[str, Contract], as_of: date
) -> str:
    """One text that changes with all that the chain rests on beside the records that it follows."""
    others = sorted(_streams_read(project, chain) - chain.streams)
    beside = [".".join(stream) for stream in others]
    loads = conn.execute(
        """SELECT l.system || '.' || l.stream, max(l.load_id) FROM control.load l JOIN control.build_input b
            USING (system, stream) WHERE l.state = 'committed' AND l.rows_landed + l.rows_tombstoned > 0
            AND l.load_id <= b.load_id AND l.system || '.' || l.stream = ANY (%s) GROUP BY 1 ORDER BY 1""",
        [beside],
    ).fetchall()
    known = [contracts[system].streams[stream] for system, stream in others if system in contracts]
    days = [dated_since(as_of), *(_turned_on(conn, stream, as_of) for stream in known)]
    found = [chain.name, standing.code_digest(), _OWN_CODE, loads, days]
    return hashlib.sha256(json.dumps(found, default=str).encode()).hexdigest()


def _turned_on(conn: psycopg.Connection, stream: Stream, as_of: date) -> date | None:
    """The last day up to this one on which a row of a dated stream came into force or went out of it."""
    days = [sql.SQL(turn).format(sql.Identifier(c.name)) for c in stream.columns if (turn := _TURNS.get(c.name))]
    if not days:
        return None
    query = sql.SQL("SELECT max(day) FROM {}, LATERAL (VALUES {}) AS turn (day) WHERE _to_load IS NULL AND day <= %s")
    table = sql.Identifier(stream.landing_schema, stream.landing_table)
    row = conn.execute(query.format(table, sql.SQL(", ").join(sql.SQL("({})").format(day) for day in days)), [as_of])
    found: date | None = (row.fetchone() or [None])[0]
    return found


def _streams_read(project: Project, chain: Chain) -> set[tuple[str, str]]:
    """(system, stream) of every landing table that a model of the chain is built from."""
    tables = [project.sources[uid] for uid in _rests_on(project, chain) if uid in project.sources]
    return {(table.split("__")[0], table.split("__")[1]) for schema, table in tables if schema in LANDING}


def _rests_on(project: Project, chain: Chain) -> set[str]:
    """Unique ids of the chain's models and of all nodes and sources that they are built from."""
    waiting = [node.unique_id for node in models_of(project, chain.name)]
    seen: set[str] = set()
    while waiting:
        uid = waiting.pop()
        if uid not in seen:
            seen.add(uid)
            waiting += project.nodes[uid].parents if uid in project.nodes else ()
    return seen


def dated_since(as_of: date) -> str:
    """The last day up to this one on which a row of a seed came into force or went out of it."""
    days = {""}
    for path in sorted((environment.DBT_PROJECT / "seeds").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                days.add(row.get("valid_from") or "")
                if last := row.get("valid_to"):
                    days.add((date.fromisoformat(last) + timedelta(days=1)).isoformat() if last < "9999" else "")
    return max(day for day in days if day <= as_of.isoformat())


def _all_there(conn: psycopg.Connection, project: Project, chain: Chain) -> bool:
    names = [f"{node.schema}.{node.table}" for node in models_of(project, chain.name)]
    row = conn.execute("SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s::text[]) AS name", [names])
    return bool(names) and bool((row.fetchone() or [False])[0])


def _note_changes(conn: psycopg.Connection, chain: Chain, contracts: Mapping[str, Contract], state: _State) -> None:
    known = {(s.system, s.name): s for contract in contracts.values() for s in contract.streams.values()}
    for stream in (known[place] for place in sorted(chain.streams) if place in known):
        conn.execute(
            sql.SQL(
                "INSERT INTO control.changed_record (chain, system, stream, record_key)"
                " SELECT DISTINCT %(chain)s, %(system)s, %(stream)s, {key} FROM {table}"
                " WHERE _from_load > %(load)s OR _to_load > %(load)s"
            ).format(key=record_key(stream), table=sql.Identifier(stream.landing_schema, stream.landing_table)),
            {
                "chain": chain.name,
                "system": stream.system,
                "stream": stream.name,
                "load": state.loads.get(f"{stream.system}.{stream.name}", 0),
            },
        )
    if chain.kind is None:
        return
    conn.execute(
        "INSERT INTO control.changed_record (chain, system, stream, record_key)"
        " SELECT DISTINCT %(chain)s, system, stream, record_key FROM resolution.membership"
        " WHERE kind = %(kind)s AND (from_run > %(run)s OR to_run > %(run)s)",
        {"chain": chain.name, "kind": chain.entity, "run": state.runs.get(chain.entity, 0)},
    )


def record_key(stream: Stream) -> sql.Composable:
    """A row's record_key as staging gives it (dbt's macro of this name)."""
    as_text = {"timestamp": """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""}
    parts = [
        sql.SQL(as_text.get(column.logical_type, "{}::text")).format(sql.Identifier(column.name))
        for column in stream.primary_key
    ]
    return sql.SQL(" || '|' || ").join(parts)


def _last_runs(conn: psycopg.Connection) -> dict[str, int]:
    """Kind of entity → its last finished run of resolution, for the kinds that are followed."""
    rows = conn.execute("SELECT kind, max(run_id) FROM resolution.run WHERE finished_at IS NOT NULL GROUP BY 1")
    last: dict[str, int] = dict(rows.fetchall())
    return {chain.entity: last[chain.kind] for chain in CHAINS if chain.kind in last}
