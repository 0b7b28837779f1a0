"""The gate of each product family: note the candidate, judge it, and show the verdicts as an asset check.

The check is blocking, but that is only Dagster's courtesy: what keeps an unjudged or red candidate away from apps is
`control.publish` in Postgres, which reads the verdicts itself.
"""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
from datetime import date
from typing import Any

import dagster as dg

from orchestration import building, names, recovery, report, side_by_side
from orchestration.failures import safe_message
from orchestration.manifest import Project
from orchestration.side_by_side import Piece
from orchestration.warehouse import key_of
from quality import great
from warehouse.release import Candidate

GATE_CHECK = "gate"


Judging = Piece[tuple[Candidate, list[Any]]]

FIRST = ("enforcement", "safety", "welfare")
"""Families whose tables take longest to judge: begun last they would be waited for alone."""


def pieces(project: Project) -> dict[str, Judging]:
    """The judging of each family, in the order in which it is to begin."""
    families = sorted(project.families, key=lambda family: FIRST.index(family) if family in FIRST else len(FIRST))
    return {family: _piece(project, family) for family in families}


def assets(judging: dict[str, Judging]) -> list[dg.AssetsDefinition]:
    """One candidate asset per family, downstream of all models of its products."""
    return [_asset(family, piece, list(judging.values())) for family, piece in judging.items()]


def _key(family: str) -> dg.AssetKey:
    return dg.AssetKey(names.candidate(family))


def _piece(project: Project, family: str) -> Judging:
    def work(run: dg.DagsterRun) -> tuple[Candidate, list[Any]]:
        with report.shown(f"gate {family}"):
            return _judge(run.run_id, family, building.day(run.run_id))

    deps = sorted(key_of(node) for node in project.products_of(family))
    return Piece(_key(family).to_python_identifier(), deps, work, module="quality.gate", stop=great.stop)


def _asset(family: str, piece: Judging, group: list[Judging]) -> dg.AssetsDefinition:
    key = _key(family)

    @dg.asset(
        key=key,
        deps=piece.deps,
        group_name="gates",
        owners=[names.team("data office")],
        kinds={"python", "greatexpectations"},
        description=f"The candidate of the family {family} as it was judged: its content hash, rows and verdicts.",
        check_specs=[
            dg.AssetCheckSpec(
                GATE_CHECK,
                asset=key,
                blocking=True,
                description="Every required check of the family is green.",
            )
        ],
    )
    def judge(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster compares the annotation
        recovery.mark(context)
        try:
            building.begin(context.run_id)
            with report.timed("gate"):
                candidate, verdicts = side_by_side.outcome(context, piece, group)
        except Exception as error:
            message = safe_message(error)
            report.current().failed(f"gate {family}", message)
            raise dg.Failure(description=message, allow_retries=False) from None
        report.current().verdicts[family] = {verdict.check_name: verdict.state for verdict in verdicts}
        return dg.MaterializeResult(
            metadata={
                "candidate": candidate.candidate_id,
                "as of": candidate.as_of.isoformat(),
                "content hash": candidate.content_hash,
                "dagster/row_count": sum(candidate.row_counts.values()),
                "rows": dict(candidate.row_counts),
            },
            check_results=[_check(verdicts)],
        )

    return judge


def _judge(run_id: str, family: str, as_of: date) -> tuple[Candidate, list[Any]]:
    from orchestration import dbt_runs
    from quality import gate
    from quality.families import family_named
    from resolution import sources
    from warehouse import build_inputs, connection, crash, release

    results = [
        gate.DbtResult(outcome["model"], outcome["test"], outcome["status"], outcome["failures"])
        for outcome in dbt_runs.read_outcomes(run_id)
    ]
    with connection.connect("builder") as conn:
        read = {f"{system}.{stream}" for system, stream in family_named(family).inputs}
        inputs = {name: load_id for name, load_id in build_inputs.bounds(conn).items() if name in read}
        candidate = release.register_candidate(conn, family, as_of, run_id, inputs=inputs)
    crash.point("gate.registered")
    verdicts = gate.judge(family, candidate.candidate_id, dbt_results=results, run_id=run_id, linked=sources.linked())
    crash.point("gate.judged")
    return candidate, verdicts


def _check(verdicts: list[Any]) -> dg.AssetCheckResult:
    failing = [verdict for verdict in verdicts if verdict.state != "green"]
    table = dg.MetadataValue.table(
        [dg.TableRecord({"check": v.check_name, "state": v.state, "rows": int(v.rows_checked or 0)}) for v in verdicts],
        schema=dg.TableSchema(
            columns=[
                dg.TableColumn("check", "string"),
                dg.TableColumn("state", "string"),
                dg.TableColumn("rows", "int"),
            ]
        ),
    )
    return dg.AssetCheckResult(
        check_name=GATE_CHECK,
        passed=bool(verdicts) and not failing,
        severity=dg.AssetCheckSeverity.ERROR,
        description=", ".join(f"{verdict.check_name} is {verdict.state}" for verdict in failing) or None,
        metadata={"verdicts": table},
    )
