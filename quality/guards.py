"""Guards: what must be so around a candidate, beyond the rows of its tables.

Each guard answers a verdict of its own. One that cannot answer raises, and the gate makes that an `error`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from quality.families import Family
from quality.results import DbtResult, State, Verdict

UNUSABLE = ("missing", "failed", "aged", "disabled")


@dataclass(frozen=True)
class Situation:
    """What a guard may look at: the candidate as registered and a connection (role builder) to look with."""

    conn: psycopg.Connection
    family: Family
    candidate_id: int
    row_counts: dict[str, int]
    dbt_results: Sequence[DbtResult]
    manifest: Path
    linked: Mapping[str, Collection[str]]
    """Kind of things → the inputs (system.stream) whose records are linked to these, or help to."""

    @property
    def rows(self) -> int:
        return sum(self.row_counts.values())


def volume(at: Situation) -> Verdict:
    """No product is empty, or falls or rises beyond the family's limits against the release that apps see now.

    A rise is explained when an input that the current release had to do without is usable now.
    """
    before = _current_release(at)
    recovered = sorted(
        name for name, state in before.inputs.items() if state in UNUSABLE and _states(at)[name] == "fresh"
    )
    observed: dict[str, Any] = {"recovered_inputs": recovered, "products": {}}
    red = False
    for product in at.family.products:
        now, then = at.row_counts.get(product.name, 0), before.rows.get(product.name)
        observed["products"][product.name] = {"rows": now, "rows_released": then}
        if now == 0:
            red = True
        elif then:
            fell = now < then * (1 - at.family.fall_limit)
            rose = now > then * (1 + at.family.rise_limit) and not recovered
            red = red or fell or rose
    if red:
        observed["limits"] = {"fall": at.family.fall_limit, "rise": at.family.rise_limit}
    return _verdict("volume", not red, at.rows, observed)


def inputs(at: Situation) -> Verdict:
    """Base inputs have landed, and no landed input fails its contract's checks.

    A missing or aged input is not red: the models turn what rests on it into "unknown" (I6). Rows that fail a check
    are another thing: no model knows that they are wrong. Where the contract is broken, nothing can say whether rows
    obey it or what they may serve: the last release stays.
    """
    from connectors.contract_folder import broken_contracts, load_contracts
    from quality import contract_checks

    contracts, broken = load_contracts(), {each.system for each in broken_contracts()}
    without = sorted({system for system, _ in at.family.inputs if system in broken})
    day = _day(at)
    states = _states(at)
    never = [f"{system}.{stream}" for system, stream in at.family.base if states[f"{system}.{stream}"] == "missing"]
    failed: list[str] = []
    for system, stream in at.family.inputs:
        contract = contracts.get(system)
        if contract is None and system in broken:
            continue
        if contract is None or stream not in contract.streams:
            never.append(f"{system}.{stream}")
        elif states[f"{system}.{stream}"] not in ("missing", "disabled"):
            results = contract_checks.check_stream(at.conn, contract.streams[stream], as_built=True, today=day)
            failed += [result.name for result in results if not result.passed and result.severity == "error"]
    observed = {"states": states, "never_landed": never, "failed": failed, "broken_contracts": without}
    return _verdict("inputs", not never and not failed and not without, len(at.family.inputs), observed)


def freshness(at: Situation) -> Verdict:
    """How old each input is. Observed only: the models draw the conclusion, row by row."""
    wanted = [f"{system}.{stream}" for system, stream in at.family.inputs]
    found = at.conn.execute(
        "SELECT system || '.' || stream, state, last_committed_at, freshness_seconds FROM control.input_as_built"
        " WHERE system || '.' || stream = ANY (%s)",
        [wanted],
    ).fetchall()
    observed = {
        name: {"state": state, "last_committed_at": last.isoformat() if last else None, "freshness_seconds": limit}
        for name, state, last, limit in found
    }
    return _verdict("freshness", True, len(wanted), observed)


def unknown_share(at: Situation) -> Verdict:
    """The share of rows that say "unknown". Red only over no rows: with a dead upstream, grey is the truth (I6)."""
    shares: dict[str, Any] = {}
    rows = 0
    for product in at.family.products:
        counted = at.conn.execute(
            sql.SQL("SELECT count(*), count(*) FILTER (WHERE {}) FROM {}").format(
                sql.SQL(product.unknown), sql.Identifier("candidate", product.name)
            )
        ).fetchone()
        total, unknown = (int(counted[0]), int(counted[1])) if counted else (0, 0)
        rows += total
        shares[product.name] = {
            "rows": total,
            "unknown": unknown,
            "share": round(unknown / total, 4) if total else None,
        }
    return _verdict("unknown_share", rows > 0, rows, shares)


def build(at: Situation) -> Verdict:
    """The family's models, every model upstream of them and every dbt test of any of these came out well in this build.

    Upstream too: products built alone, on a core that failed yesterday, would else be green today. That no row breaks
    a rule of its model's contract needs no test: PostgreSQL does not let such a table be made.
    """
    from quality.dbt_manifest import read_manifest

    manifest = read_manifest(at.manifest)
    expected = manifest.upstream_names(product.name for product in at.family.products)
    expected |= manifest.tests_about(expected)
    concerned = [result for result in at.dbt_results if result.name in expected]
    missing = sorted(expected - {result.name for result in concerned})
    failed = sorted(result.name for result in concerned if not result.passed)
    observed = {"ran": len(concerned), "expected": len(expected), "missing": missing[:50], "failed": failed[:50]}
    return _verdict("build", bool(expected) and not missing and not failed, len(concerned), observed)


def resolution(at: Situation) -> Verdict:
    """Of every input whose records are linked, the last run of its kind has seen what this build reads.

    A record that no run has seen belongs to nobody yet: whatever joins by keys leaves it out without a word. In a whole
    pass Dagster sees to the order; who builds by hand may leave resolution out.
    """
    names = [f"{system}.{stream}" for system, stream in at.family.inputs]
    seen: dict[str, dict[str, Any]] = dict(
        at.conn.execute(
            "SELECT DISTINCT ON (kind) kind, detail -> 'inputs' FROM resolution.run WHERE finished_at IS NOT NULL"
            " ORDER BY kind, run_id DESC"
        ).fetchall()
    )
    newest: dict[str, int] = dict(
        at.conn.execute(
            "SELECT system || '.' || stream, max(l.load_id) FROM control.load l"
            " LEFT JOIN control.build_input b USING (system, stream) WHERE l.state = 'committed'"
            " AND l.rows_landed + l.rows_tombstoned > 0 AND l.load_id <= coalesce(b.load_id, l.load_id)"
            " AND system || '.' || stream = ANY (%s) GROUP BY 1",
            [names],
        ).fetchall()
    )
    linked = [(kind, name) for kind, streams in at.linked.items() for name in names if name in streams]
    behind = sorted(f"{kind}: {name}" for kind, name in linked if newest.get(name) != seen.get(kind, {}).get(name))
    return _verdict("resolution", not behind, len(names), {"linked": len(linked), "behind": behind})


def purpose(at: Situation) -> Verdict:
    """No product is derived from, or decided by, a column that its purpose does not permit."""
    from quality.purposes import judge_products

    judged = judge_products(at.manifest, [(product.name, product.purpose) for product in at.family.products])
    observed = {"violations": [str(violation) for violation in judged.violations][:50], "columns": judged.columns}
    return _verdict("purpose", not judged.violations, judged.columns, observed)


GUARDS: dict[str, Callable[[Situation], Verdict]] = {
    "guard.volume": volume,
    "guard.inputs": inputs,
    "guard.freshness": freshness,
    "guard.unknown_share": unknown_share,
    "guard.build": build,
    "guard.resolution": resolution,
    "guard.purpose": purpose,
}


@dataclass(frozen=True)
class _Released:
    rows: dict[str, int]
    inputs: dict[str, str]


def _current_release(at: Situation) -> _Released:
    """Rows per product of the release that apps see, and the input states that it was judged with."""
    found = at.conn.execute(
        "SELECT r.row_changes, v.observed -> 'states' FROM control.release_pointer p"
        " JOIN control.release r ON r.release_id = p.release_id"
        " LEFT JOIN LATERAL (SELECT observed FROM control.verdict WHERE candidate_id = r.candidate_id"
        "   AND check_name = 'guard.inputs' ORDER BY verdict_id DESC LIMIT 1) v ON true WHERE p.family = %s",
        [at.family.name],
    ).fetchone()
    if found is None:
        return _Released({}, {})
    rows = {product: int(changes["rows"]) for product, changes in (found[0] or {}).items()}
    known = _states(at)
    return _Released(rows, {name: state for name, state in (found[1] or {}).items() if name in known})


def _day(at: Situation) -> date:
    """The day that the candidate was computed for."""
    row = at.conn.execute("SELECT as_of FROM control.candidate WHERE candidate_id = %s", [at.candidate_id]).fetchone()
    assert row is not None, "a situation is made of a registered candidate"
    day: date = row[0]
    return day


def _states(at: Situation) -> dict[str, str]:
    """state of each input of the family; one that control.stream does not know is missing."""
    wanted = [f"{system}.{stream}" for system, stream in at.family.inputs]
    found: dict[str, str] = dict(
        at.conn.execute(
            "SELECT system || '.' || stream, state FROM control.input_as_built"
            " WHERE system || '.' || stream = ANY (%s)",
            [wanted],
        ).fetchall()
    )
    return {name: found.get(name, "missing") for name in wanted}


def _verdict(name: str, green: bool, rows: int, observed: dict[str, Any]) -> Verdict:
    state: State = "green" if green and rows > 0 else "red"
    return Verdict(f"guard.{name}", state, rows, observed)
