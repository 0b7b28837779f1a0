"""What checks answer: the values that cross from this room to the orchestration and to Postgres."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warn"]
State = Literal["green", "red", "error"]


@dataclass(frozen=True)
class CheckResult:
    """One expectation on the landed rows of a stream. `observed` holds counts, never values of rows.

    `rows_checked` are the rows that the answer is about. Where some of them were found good before, it says in
    `observed` how many were looked at for this answer: `rows_anew`.
    """

    name: str
    passed: bool
    rows_checked: int
    observed: dict[str, Any] = field(default_factory=dict)
    severity: Severity = "error"


@dataclass(frozen=True)
class Verdict:
    """One check's judgement on a candidate: `error` (it could not judge) forbids publishing as `red` does.

    `rows_checked` is what it looked at; Postgres takes a green verdict over no rows for an obstacle.
    """

    check_name: str
    state: State
    rows_checked: int
    observed: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DbtResult:
    """A model of dbt, or a data test (a model has none): `status` as dbt says it (success, pass, fail, skipped …)."""

    model: str
    test: str | None
    status: str
    failures: int | None = None

    @property
    def name(self) -> str:
        return self.test or self.model

    @property
    def passed(self) -> bool:
        return self.status in ("pass", "success", "warn")
