"""Checks as Great Expectations has them: one ephemeral context per database and role, answers without values.

GX is imported inside the functions: it takes seconds. It runs in the process that `quality.great` starts; in the hub
only the data docs use it. Expectations are first judged by success alone, which GX computes in one bundled query; only
those that failed are run again for their counts. Values of rows are never asked for, so none can reach a result, a log
or the docs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from quality.checks import Check, Outcome, Version

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0, "include_unexpected_rows": False}

_contexts: dict[tuple[str, str], Any] = {}
"""(database, role) → GX data source."""


def judge(schema: str, table: str, checks: Sequence[Check], role: str, version: Version | None) -> list[Outcome]:
    """See `great.validate`. Keeps connections open until `rest`."""
    with quiet():
        batch = _batch(schema, table, role)
        judged = _run(batch, checks, "BOOLEAN_ONLY", version)
        # GX computes checks together: one that breaks a statement takes others along. Alone, each speaks for itself.
        for check in [outcome.check for outcome in judged.values() if outcome.error is not None]:
            judged |= _run(_batch(schema, table, role), [check], COUNTS_ONLY, version)
        failed = [o.check for o in judged.values() if not o.passed and o.error is None and not o.observed]
        if failed:
            judged |= _run(_batch(schema, table, role), failed, COUNTS_ONLY, version)
    return [judged[check.name] for check in checks]


def _run(batch: Any, checks: Sequence[Check], result_format: Any, version: Version | None) -> dict[str, Outcome]:
    import great_expectations as gx

    by_name = {check.name: check for check in checks}
    suite = gx.ExpectationSuite("checks", expectations=[expectation(check, version) for check in checks])
    answers = batch.validate(suite, result_format=result_format)
    outcomes = {}
    for answer in answers.results:
        check = by_name[answer.expectation_config.meta["check"]]
        error = _error(answer.exception_info)
        outcomes[check.name] = Outcome(check, bool(answer.success) and error is None, error, _counts(answer.result))
    return outcomes


def expectation(check: Check, version: Version | None = None) -> Any:
    """The GX expectation of a check; its name travels in the expectation's meta."""
    from great_expectations import expectations

    from quality import custom_expectations

    kind = getattr(custom_expectations, check.expectation, None) or getattr(expectations, check.expectation)
    made = kind(**check.arguments, meta={"check": check.name}, description=check.says or None)
    if version is None or issubclass(kind, expectations.UnexpectedRowsExpectation):
        return made
    rows = version if check.by_row else replace(version, judged=None)
    if kind is custom_expectations.ExpectRowsToMeetCondition:
        made.landed, made.bound, made.judged = True, rows.bound, rows.judged
    else:
        made.row_condition = custom_expectations.row_condition(rows)
    return made


def _counts(result: dict[str, Any] | None) -> dict[str, Any]:
    """The number of a result and nothing else of it."""
    observed = (result or {}).get("observed_value")
    return {"observed_value": observed} if isinstance(observed, int | float) else {}


def _error(information: Any) -> str | None:
    """The class of the exception that GX caught. Its message may quote rows, so it stays where it is."""
    if not isinstance(information, dict):
        return None
    parts = [information] if "raised_exception" in information else information.values()
    for part in parts:
        if isinstance(part, dict) and part.get("raised_exception"):
            by_driver = re.match(r"\(([\w.]+)\)", str(part.get("exception_message") or ""))
            raised = re.findall(r"^([\w.]+)(?=: |$)", str(part.get("exception_traceback") or ""), re.MULTILINE)
            return by_driver.group(1) if by_driver else (raised[-1] if raised else "Exception")
    return None


def _batch(schema: str, table: str, role: str) -> Any:
    source = _source(role)
    name = f"{schema}.{table}"
    asset = next((known for known in source.assets if known.name == name), None)
    if asset is None:
        asset = source.add_table_asset(name, table_name=table, schema_name=schema)
    return asset.get_batch(asset.build_batch_request())


def _source(role: str) -> Any:
    from warehouse import connection

    target = connection.url(driver="psycopg2")
    key = (target, role)
    if key not in _contexts:
        _contexts[key] = _open(target, role)
    return _contexts[key]


def _open(target: str, role: str) -> Any:
    parts = urlsplit(target)
    given = dict(parse_qsl(parts.query)).get("options", "")
    settings = {
        "pool_pre_ping": True,
        # Who waits for a table that somebody holds for maintenance keeps a whole pass waiting.
        "connect_args": {
            "options": f"{given} -c role=townhub_{role} -c lock_timeout=60s".strip(),
            "application_name": "townhub quality",
        },
    }
    return context().data_sources.add_postgres("warehouse", connection_string=urlunsplit(parts), kwargs=settings)


def context() -> Any:
    """A GX context that keeps nothing on disk and reports to nobody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    made = gx.get_context(mode="ephemeral")
    made.variables.progress_bars = {"globally": False}
    # With each table that it meets it would write down all it knows, as YAML, for nobody.
    made.variables.save = lambda: None
    return made


def rest() -> None:
    """Close GX's pooled connections: an idle one would stand in the way of who stops or drops a database."""
    for source in _contexts.values():
        source.get_engine().dispose()
        source.get_execution_engine().engine.dispose()


@contextmanager
def quiet() -> Iterator[None]:
    """GX logs the statements that fail, with their values: below critical it says nothing here."""
    import logging

    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
