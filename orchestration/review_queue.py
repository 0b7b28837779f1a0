"""The stewards' queue as an asset: its check warns when doubtful identities pile up. Counts only, never a record."""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
from collections.abc import Iterable, Mapping

import dagster as dg

from orchestration import names, recovery
from orchestration.failures import safe_message

QUEUE = ("resolution", "review_queue")
CHECK = "queue_is_short"
LIMIT = 500
"""Open reviews of one kind that the stewards of a town can work off in a fortnight: about fifty a day."""


def assets(kinds: Iterable[str]) -> list[dg.AssetsDefinition]:
    """One asset, downstream of the resolution of every kind."""
    return [_asset([dg.AssetKey(names.resolved(kind)) for kind in kinds])]


def too_long(open_reviews: Mapping[str, int], limit: int = LIMIT) -> list[str]:
    """Kinds with more open reviews than the limit."""
    return sorted(kind for kind, number in open_reviews.items() if number > limit)


def _asset(deps: list[dg.AssetKey]) -> dg.AssetsDefinition:
    key = dg.AssetKey(QUEUE)

    @dg.asset(
        key=key,
        deps=deps,
        group_name="resolution",
        owners=[names.team("data office")],
        kinds={"postgres"},
        description="Doubtful identities that wait for a steward: `townhub review list`.",
        check_specs=[
            dg.AssetCheckSpec(CHECK, asset=key, description=f"At most {LIMIT} reviews of one kind wait for a steward.")
        ],
    )
    def review_queue(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster compares the annotation
        recovery.mark(context)
        try:
            found = _counts()
        except Exception as error:
            raise dg.Failure(description=safe_message(error), allow_retries=False) from None
        return dg.MaterializeResult(
            metadata={"dagster/row_count": sum(found.values()), "open by kind": found}, check_results=[judge(found)]
        )

    return review_queue


def judge(open_reviews: Mapping[str, int]) -> dg.AssetCheckResult:
    """A queue that is too long is a warning: nothing stops, but people should look."""
    long = too_long(open_reviews)
    remedy = {"what to do": f"settle reviews of {', '.join(long)}: `townhub review list`"} if long else {}
    return dg.AssetCheckResult(
        passed=not long,
        check_name=CHECK,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"limit": LIMIT, "open by kind": dict(open_reviews), **remedy},
    )


def _counts() -> dict[str, int]:
    from resolution import review
    from warehouse import connection

    with connection.connect("builder") as conn:
        return review.counts(conn)
