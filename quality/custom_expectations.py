"""Our own expectations for Great Expectations: SQL conditions at the price of one look at the table.

GX's `UnexpectedRowsExpectation` asks each query twice, once for the rows themselves, which are never to be shown, and
once for their number; and each check reads the table by itself. Here a condition that every row is to meet is an
aggregate, as GX's own counts are: it computes all those of a table in one statement. What remains a query of its own
is asked for its number alone. A condition also costs a sixth of the Python of GX's expectations about columns, which
look up types and count nulls; where only some rows are judged, those copy the condition of these rows over and over.
And GX asks an expectation for its configuration some thirty times, each time made anew from all fields: ours keep it.

This module imports GX, which takes seconds: only `quality.expectations` reads it, when it turns checks into
expectations.
"""

from __future__ import annotations

from functools import reduce
from operator import and_, or_
from typing import Any, ClassVar

from great_expectations.compatibility.pydantic import PrivateAttr
from great_expectations.compatibility.sqlalchemy import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.row_conditions import Column

from quality.checks import Version

_BREACHES = "rows.in_breach"


class RowsInBreach(TableMetricProvider):  # type: ignore[misc]  # GX has no types
    """How many rows do not meet an SQL condition; null counts as a breach."""

    metric_name = _BREACHES
    value_keys = ("condition", "bound", "judged", "landed")

    @metric_partial(  # type: ignore[untyped-decorator]
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        met = sa.literal_column(f"coalesce(({metric_value_kwargs['condition']}), false)")
        domain = dict(metric_domain_kwargs)
        if metric_value_kwargs["landed"]:
            domain["row_condition"] = row_condition(
                Version(metric_value_kwargs["bound"], metric_value_kwargs["judged"])
            )
        return sa.func.count().filter(sa.not_(met)), domain, {}


class _Kept(BatchExpectation):  # type: ignore[misc]
    """An expectation that makes its configuration once for each state of its fields."""

    _kept: Any = PrivateAttr((None, None))

    @property
    def configuration(self) -> Any:
        fields, made = self._kept
        if fields != self.__dict__:
            made = super().configuration
            self._kept = dict(self.__dict__), made
        return made


class ExpectRowsToMeetCondition(_Kept):
    """The SQL `condition` is true of every row; it names columns without a table before them.

    `landed`: the table is a landing table, and the rows are the news of `Version(bound, judged)`.
    """

    condition: str
    landed: bool = False
    bound: int | None = None
    judged: int | None = None

    metric_dependencies: ClassVar[tuple[str, ...]] = (_BREACHES,)
    success_keys: ClassVar[tuple[str, ...]] = ("condition", "landed", "bound", "judged")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: dict[str, Any] | None = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        return _answer(metrics[_BREACHES])


class ExpectQueryToFindNothing(_Kept, UnexpectedRowsExpectation):  # type: ignore[misc]
    """The query finds no row; how many it found, and none of them, is the answer."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(
        self, metrics: dict[str, Any], runtime_configuration: dict[str, Any] | None = None, execution_engine: Any = None
    ) -> dict[str, Any]:
        return _answer(metrics["unexpected_rows_query.row_count"])


def row_condition(version: Version) -> Any:
    """`Version.news` as GX spells conditions: an OR stands outside of every AND."""
    needed = [] if version.bound is None else [Column("_from_load") <= version.bound]
    if version.judged is not None:
        needed.append(Column("_from_load") > version.judged)
    stands = [Column("_to_load").is_null()]
    if version.bound is not None:
        stands.append(Column("_to_load") > version.bound)
    return reduce(or_, (reduce(and_, [*needed, one]) for one in stands))


def _answer(breaches: int) -> dict[str, Any]:
    return {"success": breaches == 0, "result": {"observed_value": breaches}}
