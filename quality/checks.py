"""Checks as data: what Great Expectations is to expect of a table, under a name that never changes.

Light on purpose: the names of all required checks are needed by commands that must answer at once, and importing
Great Expectations takes seconds. `quality.expectations` turns checks into expectations when they are run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from quality.results import Severity

ROWS = "(SELECT batch.* FROM {batch} AS batch CROSS JOIN (SELECT) AS always)"
"""The rows under judgement, for a FROM clause that names them.

GX puts a subquery in the place of `batch`, and an alias of its own behind it unless the query joins. PostgreSQL before
16 wants exactly one alias: the join with one row of no columns makes it ours in every query.
"""


@dataclass(frozen=True)
class Version:
    """Which rows of a landing table are its stream: up to the load `bound`, or (None) what stands now.

    `judged`: a load at or before the bound by which every row of the stream was found good. What stands since then was
    among those rows: only rows of later loads are news to a check that is `by_row`. None: all rows are.
    """

    bound: int | None = None
    judged: int | None = None

    @property
    def condition(self) -> LiteralString:
        """As SQL; the bound is a number of ours and stands in it as such."""
        if self.bound is None:
            return "_to_load IS NULL"
        return f"_from_load <= {self.bound:d} AND (_to_load IS NULL OR _to_load > {self.bound:d})"

    @property
    def news(self) -> LiteralString:
        """The condition, of the rows that nobody has judged yet."""
        return self.condition if self.judged is None else f"{self.condition} AND _from_load > {self.judged:d}"


CURRENT = Version()


@dataclass(frozen=True)
class Check:
    """One expectation: a class name of `great_expectations.expectations` and its arguments.

    `says` is the sentence that people read in the data docs. `by_row`: whether a row meets it follows from that row
    alone, and one that met it once meets it on every later day.
    """

    name: str
    expectation: str
    arguments: dict[str, Any] = field(default_factory=dict)
    says: str = ""
    severity: Severity = "error"
    by_row: bool = False


IDENTITY_NUMBER = "'(^|[^0-9])[0-9]{17}[0-9Xx]([^0-9Xx]|$)'"
"""A pattern of PostgreSQL for `holds`: a resident's number, not a longer document's."""


def holds(name: str, condition: str, says: str, severity: Severity = "error", *, by_row: bool = False) -> Check:
    """The SQL condition is true of every row; null counts as a breach. All of a table are asked in one statement.

    It names the table's columns without a table before them, also inside a subquery.
    """
    return Check(name, "ExpectRowsToMeetCondition", {"condition": condition}, says, severity, by_row)


def no_rows(name: str, query: str, says: str) -> Check:
    """The query over `ROWS` finds nothing. Braces of its own are doubled: GX reads single ones."""
    return Check(name, "ExpectQueryToFindNothing", {"unexpected_rows_query": query}, says)


def columns(name: str, expected: Sequence[str]) -> Check:
    return Check(
        name,
        "ExpectTableColumnsToMatchSet",
        {"column_set": list(expected), "exact_match": True},
        "The table has exactly the columns of the released table.",
    )


def not_null(name: str, column: str) -> Check:
    return holds(name, f"{column} IS NOT NULL", f"{column} is always given.")


def in_set(name: str, column: str, values: Sequence[str]) -> Check:
    """What is not given is none of other values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return holds(name, f"coalesce({column} IN ({listed}), true)", f"{column} is one of {', '.join(values)}.")


def unique(name: str, key: Sequence[str]) -> Check:
    """What is not given at all is no key."""
    columns = ", ".join(key)
    return no_rows(
        name,
        f"SELECT FROM {ROWS} AS keyed WHERE num_nonnulls({columns}) > 0 GROUP BY {columns} HAVING count(*) > 1",
        f"{columns} stands once." if len(key) == 1 else f"{columns} together stand once.",
    )


@dataclass(frozen=True)
class Outcome:
    """One check's answer; `error` is the class of what went wrong when it could not be judged."""

    check: Check
    passed: bool
    error: str | None = None
    observed: dict[str, Any] = field(default_factory=dict)
