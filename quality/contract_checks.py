"""The Great Expectations suite that follows from a contract, run over what is landed.

The current version of a stream changes with its loads only, so an answer is kept for as long as the newest committed
load and the contract stay the same: the gate asks again what the intake asked a minute ago.
"""

from __future__ import annotations

import threading
from datetime import date

from psycopg import sql

from connectors.contract import Contract, Stream
from quality import contract_rules, great
from quality.checks import Check
from quality.results import CheckResult

_Key = tuple[str, str, str, int, date]
_known: dict[_Key, list[CheckResult]] = {}
_lock = threading.Lock()


def check_stream(contract: Contract, stream: Stream) -> list[CheckResult]:
    """Judge the current version of a stream by its contract; counts only, no values.

    A stream that no load was committed for fails the check `load.committed`. A check over no rows does not pass;
    of an empty stream only `rows.present` is answered.
    """
    from warehouse import connection
    from warehouse.settings import settings

    role = "loader" if stream.isolated else "builder"
    load, rows = _landed(stream)
    if load is None:
        return [CheckResult(f"gx.{stream.system}.{stream.name}.load.committed", False, 0)]
    today = settings().as_of()
    checks = contract_rules.checks_of(stream, today)
    key = (connection.url(), f"{stream.landing_schema}.{stream.landing_table}", repr(checks), load, today)
    with _lock:
        if key in _known:
            return list(_known[key])
    present = contract_rules.rows_check(stream)
    results = [_result(stream, great.Outcome(present, rows > 0), rows)]
    if rows:
        outcomes = great.validate(stream.landing_schema, stream.landing_table, checks, role=role, current_only=True)
        results += [_result(stream, outcome, rows) for outcome in outcomes]
    with _lock:
        for old in [known for known in _known if known[:2] == key[:2]]:
            del _known[old]
        _known[key] = results
    return list(results)


def suite_of(stream: Stream, today: date) -> list[Check]:
    """All checks of a stream, for the data docs."""
    return [contract_rules.rows_check(stream), *contract_rules.checks_of(stream, today)]


def _landed(stream: Stream) -> tuple[int | None, int]:
    """The newest committed load of a stream (None before the first) and the rows of its current version."""
    from warehouse import connection

    table = sql.Identifier(stream.landing_schema, stream.landing_table)
    with connection.connect("loader") as conn:
        newest = conn.execute(
            "SELECT max(load_id) FROM control.load WHERE system = %s AND stream = %s AND state = 'committed'",
            [stream.system, stream.name],
        ).fetchone()
        if newest is None or newest[0] is None:
            return None, 0
        counted = conn.execute(sql.SQL("SELECT count(*) FROM {} WHERE _to_load IS NULL").format(table)).fetchone()
    return int(newest[0]), int(counted[0]) if counted else 0


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
