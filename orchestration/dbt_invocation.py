"""dbt itself at work, in the process that has it (see `dbt_process`): invoked, and its results told without rows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from orchestration import dbt_connections, dbt_parsing
from orchestration.dbt_process import BuildError
from orchestration.dbt_runs import Outcome


def invoke(arguments: Sequence[str]) -> list[Outcome]:
    """The outcome of each node that dbt was told to build.

    Raises BuildError when dbt could not run at all.
    """
    parsed = dbt_parsing.parsed()
    from dbt.cli.main import dbtRunner

    # Each invocation gets a copy to write into.
    runner = dbtRunner(manifest=parsed.deepcopy())
    with _connected(), dbt_connections.kept():
        done = runner.invoke(["--quiet", "--log-level", "none", *arguments])
    if done.result is None:
        raise BuildError(f"dbt did not run: {type(done.exception).__name__}; try `dbt debug` in dbt_project/")
    return [_outcome(each) for each in done.result.results]


def _outcome(result: Any) -> Outcome:
    # An adapter answers "SELECT 1234" for a table and says -1 where it does not know.
    rows = (result.adapter_response or {}).get("rows_affected")
    return Outcome(
        unique_id=result.node.unique_id,
        status=str(getattr(result.status, "value", result.status)),
        seconds=float(result.execution_time or 0.0),
        rows=int(rows) if rows is not None and int(rows) >= 0 else None,
        failures=result.failures,
        message=_told(str(result.message or "").strip()),
    )


_BROKEN = re.compile(
    r'violates (?:check|unique) constraint "(?P<rule>\w+)"|null value in column "(?P<null>\w+)"'
    r'|could not create unique index "(?P<twice>\w+)"'
)


def _told(message: str) -> str:
    """dbt's first line, and which rule of the model's contract a row broke; the rest may quote the row."""
    first = message.split("\n")[0][:300]
    if broken := _BROKEN.search(message):
        rule = broken["rule"] or broken["twice"] or f"{broken['null']} is not null"
        # A table is made beside the one of old: their indexes are told apart by a number.
        named = re.sub(r"_(idx|key|pkey)\d+$", r"_\1", rule.replace("__made", ""))
        first += f": a row breaks {named}; the table stays as it was"
    return first


@contextmanager
def _connected() -> Iterator[None]:
    """The server's address in dbt's profile, for as long as something is built (see `manifest.parse_environment`)."""
    from warehouse import connection

    parts = urlsplit(connection.url())
    address = {
        "TOWNHUB_DBT_HOST": parts.hostname or "127.0.0.1",
        "TOWNHUB_DBT_PORT": str(parts.port or 5432),
        "TOWNHUB_DBT_USER": unquote(parts.username or ""),
        "TOWNHUB_DBT_PASSWORD": unquote(parts.password or ""),
    }
    before = {name: os.environ.get(name) for name in address}
    os.environ.update(address)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
