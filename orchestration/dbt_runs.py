"""Running dbt inside this process: one warm runner, each invocation told exactly what to build and to test."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from orchestration import dbt_connections, dbt_parsing, manifest
from orchestration.manifest import Node, Project

THREADS = "4"
PASSING = ("success", "pass")


@dataclass(frozen=True)
class Outcome:
    """One node's result. `message` quotes no rows: see `_told`."""

    unique_id: str
    status: str
    seconds: float
    rows: int | None
    failures: int | None
    message: str
    by_changes: bool = False
    """Only those rows that changed were made anew: `rows` are these, and not those of the table."""

    @property
    def passed(self) -> bool:
        return self.status in PASSING


def build(
    project: Project,
    step: str,
    *,
    as_of: date,
    only: Iterable[Node],
    standing: AbstractSet[str] = frozenset(),
    by_changes: Sequence[str] = (),
    contracts_hold: bool = False,
) -> dict[str, Outcome]:
    """`dbt build` of one step: its seeds and models that are in `only`, with the data tests that belong to them.

    Those in `standing` (unique ids of nodes and of tests) are not run again: they would come out as they did.
    `by_changes` are the chains of which only what changed is made anew (see `increments`). `contracts_hold`: that the
    SQL of each model gives the columns of its contract was seen before and needs no look. Returns the outcome of every
    node of `only` and of its tests, by unique id. Unit tests are left to the test suite: they judge the SQL, not
    today's data.
    """
    nodes = {node.unique_id for node in only}
    wanted = nodes | {test.unique_id for test in project.tests_of(step) if test.node in nodes}
    stand = {uid: stands(uid) for uid in wanted & standing}
    names = selectors(project, wanted - standing)
    if not names:
        return stand
    told = {"as_of": as_of.isoformat(), "by_changes": list(by_changes), "contracts_hold": contracts_hold}
    result = _invoke(
        [
            "build",
            *("--select", *names),
            *("--indirect-selection", "empty", "--exclude-resource-type", "unit_test"),
            *("--vars", json.dumps(told)),
            *("--threads", THREADS, "--no-write-json"),
            *manifest.arguments(manifest.target_folder()),
        ]
    )
    made = (_outcome(each, by_changes) for each in result.results)
    return stand | {outcome.unique_id: outcome for outcome in made}


def stands(unique_id: str) -> Outcome:
    """The outcome of a node or test that was not run, because it would come out as it did."""
    return Outcome(unique_id, "success", 0.0, None, None, "")


def selectors(project: Project, wanted: AbstractSet[str]) -> list[str]:
    """What to select so that exactly `wanted` (unique ids) is built and tested.

    A folder where all of it is wanted, else name by name: dbt holds every selector against every node.
    """
    whole = {name: uids for name, uids in project.folders.items() if uids <= wanted}
    rest = wanted - frozenset().union(*whole.values())
    return sorted(whole) + sorted(uid.split(".")[2] for uid in rest)


def save_outcomes(run_id: str, project: Project, outcomes: Mapping[str, Outcome]) -> None:
    """Add a step's outcomes to the file from which the gate reads the test results of a run."""
    path = _outcome_file(run_id)
    if not path.exists():
        forget_outcomes()
    known = read_outcomes(run_id)
    known += [{**asdict(outcome), **_names(project, outcome)} for outcome in outcomes.values()]
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(known), encoding="utf-8")
    partial.replace(path)


def read_outcomes(run_id: str) -> list[dict[str, Any]]:
    """What `save_outcomes` kept for a run: dictionaries with model, test (None for a model), status, failures."""
    path = _outcome_file(run_id)
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []


def forget_outcomes(keep: int = 20) -> None:
    """Remove the result files of old runs."""
    files = sorted(_outcome_file("x").parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in files[:-keep]:
        path.unlink(missing_ok=True)


def _outcome_file(run_id: str) -> Path:
    folder = manifest.target_folder() / "outcomes"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{run_id}.json"


def _names(project: Project, outcome: Outcome) -> dict[str, str | None]:
    test = project.tests.get(outcome.unique_id)
    node = project.nodes.get(test.node if test else outcome.unique_id)
    return {"model": node.name if node else outcome.unique_id, "test": test.name if test else None}


def _outcome(result: Any, by_changes: Sequence[str]) -> Outcome:
    # An adapter answers "SELECT 1234" for a table and says -1 where it does not know.
    rows = (result.adapter_response or {}).get("rows_affected")
    return Outcome(
        unique_id=result.node.unique_id,
        status=str(getattr(result.status, "value", result.status)),
        seconds=float(result.execution_time or 0.0),
        rows=int(rows) if rows is not None and int(rows) >= 0 else None,
        failures=result.failures,
        message=_told(str(result.message or "").strip()),
        by_changes=(result.node.config.meta or {}).get("by_changes", {}).get("chain") in by_changes,
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


def _invoke(arguments: list[str]) -> Any:
    parsed = dbt_parsing.parsed()
    from dbt.cli.main import dbtRunner

    # Each invocation gets a copy to write into.
    runner = dbtRunner(manifest=parsed.deepcopy())
    with _connected(), dbt_connections.kept():
        done = runner.invoke(["--quiet", "--log-level", "none", *arguments])
    if done.result is None:
        raise dbt_parsing.BuildError(
            f"dbt did not run: {type(done.exception).__name__}; try `dbt debug` in dbt_project/"
        )
    return done.result
