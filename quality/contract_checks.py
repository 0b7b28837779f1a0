"""The Great Expectations suite that follows from a contract, run over what is landed.

The current version of a stream changes only with a load that lands or closes rows. So an answer is kept in
`control.contract_check` and stands for as long as that load and the suite stay the same: an unchanged stream costs a
look-up and not the seconds that Great Expectations takes to be imported.
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
from quality.checks import Check
from quality.results import CheckResult


def check_stream(contract: Contract, stream: Stream) -> list[CheckResult]:
    """Judge the current version of a stream by its contract; counts only, no values.

    A stream that no load was committed for fails the check `load.committed`. A check over no rows does not pass;
    of an empty stream only `rows.present` is answered.
    """
    from warehouse import connection
    from warehouse.settings import settings

    with connection.connect("builder") as conn:
        load = _newest_load(conn, stream)
        if load is None:
            return [CheckResult(f"gx.{stream.system}.{stream.name}.load.committed", False, 0)]
        known = _known(conn, stream, load)
    if known is not None:
        return known
    results = _judge(stream, settings().as_of())
    with connection.connect("builder") as conn:
        results += _fit(conn, stream)
        _remember(conn, stream, load, results)
    return results


def _judge(stream: Stream, today: date) -> list[CheckResult]:
    rows = _rows(stream)
    present = contract_rules.rows_check(stream)
    results = [_result(stream, great.Outcome(present, rows > 0), rows)]
    if rows:
        outcomes = great.validate(
            stream.landing_schema,
            stream.landing_table,
            contract_rules.checks_of(stream, today),
            role="loader" if stream.isolated else "builder",
            current_only=True,
        )
        results += [_result(stream, outcome, rows) for outcome in outcomes]
    return results


def _fit(conn: psycopg.Connection, stream: Stream) -> list[CheckResult]:
    """How the borders of a map fit together; shapely is imported where there are any."""
    if not any(column.semantic_type == "geo.polygon" for column in stream.columns):
        return []
    from quality import mosaic

    return mosaic.check_stream(conn, stream)


def suite_of(stream: Stream, today: date) -> list[Check]:
    """All checks of a stream, for the data docs."""
    return [contract_rules.rows_check(stream), *contract_rules.checks_of(stream, today)]


def _suite_digest(stream: Stream) -> str:
    """The suite without its day: what was not in the future yesterday is not in the future today."""
    return hashlib.sha256(repr(contract_rules.checks_of(stream, date(2000, 1, 1))).encode()).hexdigest()


def _newest_load(conn: psycopg.Connection, stream: Stream) -> int | None:
    """The newest load that changed the stream, else its first; None before any was committed."""
    row = conn.execute(
        """SELECT coalesce(max(load_id) FILTER (WHERE rows_landed + rows_tombstoned > 0), min(load_id))
             FROM control.load WHERE system = %s AND stream = %s AND state = 'committed'""",
        [stream.system, stream.name],
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


def _rows(stream: Stream) -> int:
    from warehouse import connection

    table = sql.Identifier(stream.landing_schema, stream.landing_table)
    with connection.connect("loader") as conn:
        row = conn.execute(sql.SQL("SELECT count(*) FROM {} WHERE _to_load IS NULL").format(table)).fetchone()
    return int(row[0]) if row else 0


def _result(stream: Stream, outcome: great.Outcome, rows: int) -> CheckResult:
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
