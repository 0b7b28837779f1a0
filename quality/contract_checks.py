"""The Great Expectations suite that follows from a contract, run over what is landed.

The current version of a stream changes only with a load that lands or closes rows. So an answer is kept in
`control.contract_check` and stands for as long as that load and the suite stay the same: an unchanged stream costs a
look-up and not the seconds that Great Expectations takes to be imported.

A gate judges what its candidate was built from: the stream up to the load that was its last when the build began
(control.build_input, see migration 0014), whatever was committed since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.contract import Contract, Stream
from quality import contract_rules, great
from quality.checks import CURRENT, Outcome, Version
from quality.results import CheckResult


def check_stream(
    contract: Contract, stream: Stream, *, as_built: bool = False, today: date | None = None
) -> list[CheckResult]:
    """Judge the current version of a stream by its contract; counts only, no values.

    `as_built`: judge what the build under way reads of it instead. `today`: the day of the build, else that of now.
    A stream that no load was committed for fails the check `load.committed`. A check over no rows does not pass;
    of an empty stream only `rows.present` is answered.
    """
    from warehouse import connection
    from warehouse.settings import settings

    with connection.connect("builder") as conn:
        version = _built_from(conn, stream) if as_built else CURRENT
        load = _newest_load(conn, stream, version)
        if load is None:
            return [CheckResult(f"gx.{stream.system}.{stream.name}.load.committed", False, 0)]
        known = _known(conn, stream, load)
    if known is not None:
        return known
    results = _judge(stream, today or settings().as_of(), version)
    with connection.connect("builder") as conn:
        results += _fit(conn, stream, version)
        # What landed meanwhile was judged in part and under the older load's number: that answer is good for once.
        if _newest_load(conn, stream, version) == load:
            _remember(conn, stream, load, results)
    return results


def _built_from(conn: psycopg.Connection, stream: Stream) -> Version:
    """What the build under way reads of a stream; all of it without a build, or where nothing had landed by then."""
    row = conn.execute(
        "SELECT load_id FROM control.build_input WHERE system = %s AND stream = %s", [stream.system, stream.name]
    ).fetchone()
    return CURRENT if row is None else Version(int(row[0]))


def _judge(stream: Stream, today: date, version: Version) -> list[CheckResult]:
    rows = _rows(stream, version)
    present = contract_rules.rows_check(stream)
    results = [_result(stream, Outcome(present, rows > 0), rows)]
    if rows:
        outcomes = great.validate(
            stream.landing_schema,
            stream.landing_table,
            contract_rules.checks_of(stream, today, version),
            role="loader" if stream.isolated else "builder",
            version=version,
        )
        results += [_result(stream, outcome, rows) for outcome in outcomes]
    return results


def _fit(conn: psycopg.Connection, stream: Stream, version: Version) -> list[CheckResult]:
    """How the borders of a map fit together; shapely is imported where there are any."""
    if not any(column.semantic_type == "geo.polygon" for column in stream.columns):
        return []
    from quality import mosaic

    return mosaic.check_stream(conn, stream, version)


def _suite_digest(stream: Stream) -> str:
    """The suite without its day: what was not in the future yesterday is not in the future today."""
    return hashlib.sha256(repr(contract_rules.checks_of(stream, date(2000, 1, 1))).encode()).hexdigest()


def _newest_load(conn: psycopg.Connection, stream: Stream, version: Version) -> int | None:
    """The newest load of a version that changed the stream, else its first; None before any was committed."""
    row = conn.execute(
        """SELECT coalesce(max(load_id) FILTER (WHERE rows_landed + rows_tombstoned > 0), min(load_id))
             FROM control.load WHERE system = %s AND stream = %s AND state = 'committed'
              AND load_id <= coalesce(%s, load_id)""",
        [stream.system, stream.name, version.bound],
    ).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _known(conn: psycopg.Connection, stream: Stream, load: int) -> list[CheckResult] | None:
    row = conn.execute(
        """SELECT results FROM control.contract_check
            WHERE system = %s AND stream = %s AND load_id = %s AND suite_digest = %s""",
        [stream.system, stream.name, load, _suite_digest(stream)],
    ).fetchone()
    return None if row is None else [CheckResult(**result) for result in row[0]]


def _remember(conn: psycopg.Connection, stream: Stream, load: int, results: Sequence[CheckResult]) -> None:
    if any("error" in result.observed for result in results):
        return  # what could not be judged is asked again
    conn.execute(
        """INSERT INTO control.contract_check (system, stream, load_id, suite_digest, results)
           VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (system, stream) DO UPDATE SET load_id = excluded.load_id,
               suite_digest = excluded.suite_digest, results = excluded.results, checked_at = clock_timestamp()""",
        [stream.system, stream.name, load, _suite_digest(stream), Jsonb([asdict(result) for result in results])],
    )


def _rows(stream: Stream, version: Version) -> int:
    from warehouse import connection

    table = sql.Identifier(stream.landing_schema, stream.landing_table)
    with connection.connect("loader") as conn:
        row = conn.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE {}").format(table, sql.SQL(version.condition))
        ).fetchone()
    return int(row[0]) if row else 0


def _result(stream: Stream, outcome: Outcome, rows: int) -> CheckResult:
    observed = dict(outcome.observed)
    if outcome.error is not None:
        observed["error"] = outcome.error
    return CheckResult(
        name=f"gx.{stream.system}.{stream.name}.{outcome.check.name}",
        passed=outcome.passed,
        rows_checked=rows,
        observed=observed,
        severity=outcome.check.severity,
    )
