"""Publishing: one asset per family, which asks Postgres to publish the family's newest candidate.

Nothing is decided here. `control.publish` refuses a candidate with a red, missing, crashed or empty verdict, and
answers with the release that stands when the content is the same.
"""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.

import dagster as dg

from orchestration import names, recovery, report
from orchestration.failures import safe_message
from warehouse import connection, crash, release
from warehouse.release import Release


class NothingToPublish(RuntimeError):
    """The family has no candidate yet."""


def publish_once_judged() -> dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]:
    """A new candidate whose blocking check passed is published; each candidate asks for it once at the most.

    The bound is the `since`: without it a request that fails would be made again at every tick.
    """
    condition = dg.AutomationCondition
    judged = condition.any_deps_updated() & condition.all_deps_blocking_checks_passed()
    return judged.since(condition.newly_requested() | condition.newly_updated()) & ~condition.in_progress()


def assets(families: list[str]) -> list[dg.AssetsDefinition]:
    """One asset per family, [serving, family], downstream of its judged candidate."""
    return [_asset(family) for family in families]


def _asset(family: str) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(names.release(family)),
        deps=[dg.AssetKey(names.candidate(family))],
        group_name="serving",
        owners=[names.team("data office")],
        kinds={"postgres"},
        description=f"What apps see of the family {family}: its last good release.",
        pool=names.release_pool(family),
        automation_condition=publish_once_judged(),
    )
    def publish(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster compares the annotation
        recovery.mark(context)
        try:
            with report.work("publish", f"publish {family}"):
                published = _publish(family, context.run_id)
        except Exception as error:
            message = safe_message(error)
            report.current().failed(f"publish {family}", message)
            raise dg.Failure(description=message, allow_retries=False) from None
        current = report.current()
        current.published[family] = current.published.get(family, False) or published.published
        return dg.MaterializeResult(
            metadata={
                "release": published.release_id,
                "published": published.published,
                "content hash": published.content_hash,
                "row changes": {product: dict(changes) for product, changes in published.changes.items()},
            }
        )

    return publish


def _publish(family: str, run_id: str) -> Release:
    """Publish the family's newest candidate."""
    with connection.connect("publisher") as conn:
        found = conn.execute("SELECT max(candidate_id) FROM control.candidate WHERE family = %s", [family]).fetchone()
        if found is None or found[0] is None:
            raise NothingToPublish(f"{family} has no candidate; run the build first (townhub run)")
        crash.point("publish.begin")
        published = release.publish(conn, int(found[0]), "townhub", run_id)
        crash.point("publish.before_commit")
    crash.point("publish.after_commit")
    return published
