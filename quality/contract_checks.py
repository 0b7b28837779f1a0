"""The Great Expectations suite that follows from a contract, run over what is landed.

The current version of a stream changes only with a load that lands or closes rows. So an answer is kept in
`control.contract_check` and stands for as long as that load and the suite stay the same: an unchanged stream costs a
look-up and not the seconds that Great Expectations takes to be imported. Where a stream changed and everything was
green before, what its loads landed since is judged, and what closed meanwhile needs no judgement: checks that are
`by_row` look at no other rows, the others at the whole version (see `quality.checks`).

A gate judges what its candidate was built from: the stream up to the load that was its last when the build began
(control.build_input, see migration 0014), whatever was committed since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import date

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from connectors.contract import Stream
from quality import contract_rules, great
from quality.checks import CURRENT, Outcome, Version
from quality.results import CheckResult


def check_stream(
    conn: psycopg.Connection, stream: Stream, *, as_built: bool = False, today: date | None = None
) -> list[CheckResult]:
    """Judge the current version of a stream by its contract (role builder, committing); counts only, no values.

    `as_built`: judge what the build under way reads of it instead. `today`: the day of the build, else that of now.
    A stream that no load was committed for fails the check `load.committed`. A check over no rows does not pass;
    of an empty stream only `rows.present` is answered.
    """
    from warehouse.settings import settings

    today = today or settings().as_of()
    version = _built_from(conn, stream) if as_built else CURRENT
    load = _newest_load(conn, stream, version)
    if load is None:
        return [CheckResult(f"gx.{stream.system}.{stream.name}.load.committed", False, 0)]
    suite = _suite_digest(stream)
    earlier = _earlier(conn, stream, suite, today)
    if earlier is not None and earlier.load == load:
        return earlier.results
    if earlier is not None and earlier.load < load and all(result.passed for result in earlier.results):
        version = replace(version, judged=earlier.load)
    results = _judge(conn, stream, today, version) + _fit(conn, stream, version)
    # What landed meanwhile was judged in part and under the older load's number: that answer is good for once.
    if _newest_load(conn, stream, version) == load:
        _remember(conn, stream, suite, load, today, results)
    return results


@dataclass(frozen=True)
class _Earlier:
    """What the same suite answered when `load` was the stream's newest."""

    load: int
    results: list[CheckResult]


def _built_from(conn: psycopg.Connection, stream: Stream) -> Version:
    """What the build under way reads of a stream; all of it without a build, or where nothing had landed by then."""
    row = conn.execute(
        "SELECT load_id FROM control.build_input WHERE system = %s AND stream = %s", [stream.system, stream.name]
    ).fetchone()
    return CURRENT if row is None else Version(int(row[0]))


def _judge(conn: psycopg.Connection, stream: Stream, today: date, version: Version) -> list[CheckResult]:
    rows, news = _rows(conn, stream, version)
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
        results += [
            _result(stream, outcome, rows, news if version.judged is not None else None) for outcome in outcomes
        ]
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


def _earlier(conn: psycopg.Connection, stream: Stream, suite: str, day: date) -> _Earlier | None:
    """The newest answer of the suite, unless it was given for a later day than this."""
    row = conn.execute(
        """SELECT load_id, results FROM control.contract_check
            WHERE system = %s AND stream = %s AND suite_digest = %s AND as_of <= %s""",
        [stream.system, stream.name, suite, day],
    ).fetchone()
    return None if row is None else _Earlier(int(row[0]), [CheckResult(**result) for result in row[1]])


def _remember(
    conn: psycopg.Connection, stream: Stream, suite: str, load: int, day: date, results: Sequence[CheckResult]
) -> None:
    if any("error" in result.observed for result in results):
        return  # what could not be judged is asked again
    conn.execute(
        """INSERT INTO control.contract_check (system, stream, load_id, suite_digest, as_of, results)
           VALUES (%s, %s, %s, %s, %s, %s)
           ON CONFLICT (system, stream) DO UPDATE SET load_id = excluded.load_id, as_of = excluded.as_of,
               suite_digest = excluded.suite_digest, results = excluded.results, checked_at = clock_timestamp()""",
        [stream.system, stream.name, load, suite, day, Jsonb([asdict(result) for result in results])],
    )


def _rows(conn: psycopg.Connection, stream: Stream, version: Version) -> tuple[int, int]:
    """Rows of a version, and those of them that were not judged yet."""
    from warehouse import connection

    query = sql.SQL("SELECT count(*), count(*) FILTER (WHERE {news}) FROM {table} WHERE {stands}").format(
        table=sql.Identifier(stream.landing_schema, stream.landing_table),
        stands=sql.SQL(version.condition),
        news=sql.SQL(version.news),
    )
    with connection.connect("loader") if stream.isolated else nullcontext(conn) as allowed:
        row = allowed.execute(query).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _result(stream: Stream, outcome: Outcome, rows: int, news: int | None = None) -> CheckResult:
    """`rows`: those of the version, whether judged now or before; `news`: where only these were looked at."""
    observed = dict(outcome.observed)
    if outcome.error is not None:
        observed["error"] = outcome.error
    if news is not None and outcome.check.by_row:
        observed["rows_anew"] = news
    return CheckResult(
        name=f"gx.{stream.system}.{stream.name}.{outcome.check.name}",
        passed=outcome.passed,
        rows_checked=rows,
        observed=observed,
        severity=outcome.check.severity,
    )
