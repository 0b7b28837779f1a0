"""What dbt is told to build and to test, and what came of it: each invocation is told exactly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from orchestration import dbt_process, manifest
from orchestration.manifest import Node, Project

THREADS = "4"
PASSING = ("success", "pass")


@dataclass(frozen=True)
class Outcome:
    """One node's result. `message` quotes no rows: see `dbt_invocation`."""

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
    made = dbt_process.invoke(
        [
            "build",
            *("--select", *names),
            *("--indirect-selection", "empty", "--exclude-resource-type", "unit_test"),
            *("--vars", json.dumps(told)),
            *("--threads", THREADS, "--no-write-json"),
            *manifest.arguments(manifest.target_folder()),
        ]
    )
    of_chains = {uid for uid, node in project.nodes.items() if node.chain in by_changes}
    made = [replace(outcome, by_changes=outcome.unique_id in of_chains) for outcome in made]
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
