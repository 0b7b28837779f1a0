"""dbt's models as Dagster assets and its data tests as asset checks, made from the manifest.

One multi-asset per dbt invocation: staging, core, products. (dagster-dbt would do this too,
but importing it costs 3.8 s in every process that loads the definitions.) Outputs are optional: a model that failed
is not materialized, what depends on it is skipped, and everything else goes on; a table's `built` check says why.
"""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg

from orchestration import building, dbt_process, names, recovery, report, side_by_side, staged
from orchestration.dbt_runs import Outcome
from orchestration.failures import safe_message
from orchestration.manifest import PRODUCTS, STAGING, Node, Project, Test
from orchestration.side_by_side import Piece
from warehouse import crash

BUILT_CHECK = "built"
TABLES = ("table", "by_changes")
"""Materializations of dbt that leave a table."""
SEVERITIES = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def assets(
    project: Project, landing: Mapping[tuple[str, str], dg.AssetKey], judging: Sequence[Piece[Any]] = ()
) -> list[dg.AssetsDefinition]:
    """The multi-assets of a project.

    `landing`: (schema, table) of a landing table → its asset. `judging`: what may begin once the products are built.
    """
    return [_step(project, step, landing, judging) for step in project.steps if project.nodes_of(step)]


def key_of(node: Node) -> dg.AssetKey:
    return dg.AssetKey([node.schema, node.table])


def staging_key(project: Project, system: str, stream: str) -> dg.AssetKey | None:
    """The staging model that reads a stream, if there is one."""
    wanted = (f"{system}__{stream}", f"stg_{system}__{stream}")
    for node in project.nodes_of(STAGING):
        if node.name == wanted[1] or any(project.sources.get(p, ("", ""))[1] == wanted[0] for p in node.parents):
            return key_of(node)
    return None


def _in_order(nodes: list[Node]) -> list[Node]:
    """Parents before children: Dagster wants a step's assets in that order."""
    by_id = {node.unique_id: node for node in nodes}
    sorter = TopologicalSorter({node.unique_id: [p for p in node.parents if p in by_id] for node in nodes})
    return [by_id[uid] for uid in sorter.static_order()]


def _step(
    project: Project, step: str, landing: Mapping[tuple[str, str], dg.AssetKey], judging: Sequence[Piece[Any]]
) -> dg.AssetsDefinition:
    nodes = {key_of(node): node for node in _in_order(project.nodes_of(step))}
    tests = project.tests_of(step)

    @dg.multi_asset(
        name=_name(step),
        specs=[_spec(project, node, landing) for node in nodes.values()],
        check_specs=[_check_spec(project, test) for test in tests]
        + [
            dg.AssetCheckSpec(BUILT_CHECK, asset=key, description="dbt built the model.")
            for key, node in nodes.items()
            if node.materialized in TABLES
        ],
        can_subset=True,
    )
    def run(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        recovery.mark(context)
        chosen = [node for key, node in nodes.items() if key in context.selected_asset_keys]
        if not chosen:
            raise dg.Failure(description="a dbt test runs with its model: select the model too", allow_retries=False)
        outcomes = _outcomes(context, step, _piece(project, step, chosen))
        side_by_side.done(context, _next(context, project, step, judging))
        for uid, outcome in outcomes.items():
            if not outcome.passed and uid in project.nodes:
                report.current().failed(project.nodes[uid].name, outcome.message or outcome.status)
        for node in chosen:
            yield from _node_results(project, node, outcomes.get(node.unique_id))
        for test in tests:
            if (check := _check_key(project, test)) in context.selected_asset_check_keys:
                yield _test_result(check, test, outcomes.get(test.unique_id))

    return run


def _name(step: str) -> str:
    return f"dbt_{step}"


def _next(
    context: dg.AssetExecutionContext, project: Project, step: str, judging: Sequence[Piece[Any]]
) -> Sequence[Piece[Any]]:
    """What may begin once dbt has done this step, while Dagster writes down what came of it."""
    if step == PRODUCTS:
        return judging
    if step == STAGING:
        return ()  # resolution comes next
    selected = context.job_def.asset_layer.executable_asset_keys
    return [_piece(project, PRODUCTS, [node for node in project.nodes_of(PRODUCTS) if key_of(node) in selected])]


def _piece(project: Project, step: str, chosen: list[Node]) -> "Piece[dict[str, Outcome]]":
    """dbt's work of a step. It depends on what other steps of the run make that its models read."""
    parents = {parent for node in chosen for parent in node.parents if parent in project.nodes}
    deps = [key_of(project.nodes[parent]) for parent in parents if project.nodes[parent].step != step]
    return Piece(
        _name(step),
        sorted(deps),
        lambda run: _build(run, project, step, chosen),
        module="orchestration.dbt_runs",
        stop=dbt_process.stop,
    )


def _outcomes(context: dg.AssetExecutionContext, step: str, piece: "Piece[dict[str, Outcome]]") -> dict[str, Outcome]:
    try:
        building.begin(context.run_id)
        with report.timed("staging" if step == STAGING else "build"):
            return side_by_side.outcome(context, piece, ())
    except Exception as error:
        message = safe_message(error)
        report.current().failed(f"dbt {step}", message)
        raise dg.Failure(description=message, allow_retries=False) from None


def _build(run: dg.DagsterRun, project: Project, step: str, chosen: list[Node]) -> dict[str, Outcome]:
    from orchestration import dbt_runs

    as_of = building.day(run.run_id)
    with report.shown(f"dbt {step}"):
        crash.point("build.begin")
        if step == STAGING:
            outcomes = staged.build(project, chosen, as_of)
        else:
            if not dbt_runs.read_outcomes(run.run_id):
                _note(run.run_id, project, staged.stood(project, as_of))
            going_on = building.plan(run.run_id, project, anew=names.ANEW_TAG in run.tags)
            outcomes = dbt_runs.build(
                project,
                step,
                as_of=as_of,
                only=chosen,
                by_changes=going_on,
                contracts_hold=building.contracts_hold(run.run_id),
            )
        _note(run.run_id, project, outcomes)
        missed = [node for node in chosen if (made := outcomes.get(node.unique_id)) is None or not made.passed]
        building.note_lost(run.run_id, (tuple(key_of(node).path) for node in missed))
    return outcomes


def _note(run_id: str, project: Project, outcomes: Mapping[str, Outcome]) -> None:
    from orchestration import dbt_runs

    building.note_built(run_id, project, (o.unique_id for o in outcomes.values() if o.passed))
    crash.point("build.done")
    dbt_runs.save_outcomes(run_id, project, outcomes)


def _node_results(
    project: Project, node: Node, outcome: Outcome | None
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
    built = outcome is not None and outcome.passed
    if outcome is not None and built:
        metadata: dict[str, Any] = {"seconds": round(outcome.seconds, 3)}
        if outcome.rows is not None and node.materialized not in ("view", "ephemeral"):
            metadata["rows made anew" if outcome.by_changes else "dagster/row_count"] = outcome.rows
        yield dg.MaterializeResult(asset_key=key_of(node), metadata=metadata)
    if node.materialized not in TABLES:
        return
    yield dg.AssetCheckResult(
        asset_key=key_of(node),
        check_name=BUILT_CHECK,
        passed=built,
        severity=dg.AssetCheckSeverity.ERROR,
        description=None if built else (outcome.message or outcome.status if outcome else "dbt did not reach it"),
    )


def _test_result(check: dg.AssetCheckKey, test: Test, outcome: Outcome | None) -> dg.AssetCheckResult:
    passed = outcome is not None and outcome.passed
    return dg.AssetCheckResult(
        asset_key=check.asset_key,
        check_name=check.name,
        passed=passed,
        severity=SEVERITIES.get(test.severity, dg.AssetCheckSeverity.ERROR),
        description=None if passed else (outcome.message if outcome else "dbt did not run it"),
        metadata={"failures": outcome.failures if outcome and outcome.failures is not None else 0},
    )


def _check_key(project: Project, test: Test) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(key_of(project.nodes[test.node]), test.name)


def _check_spec(project: Project, test: Test) -> dg.AssetCheckSpec:
    key = _check_key(project, test)
    return dg.AssetCheckSpec(key.name, asset=key.asset_key, description=test.description or None)


def _spec(project: Project, node: Node, landing: Mapping[tuple[str, str], dg.AssetKey]) -> dg.AssetSpec:
    deps = {key for parent in node.parents for key in _parent_keys(project, parent, landing)}
    columns = [
        dg.TableColumn(name=name, type=kind or "unknown", description=note or None) for name, kind, note in node.columns
    ]
    return dg.AssetSpec(
        key_of(node),
        deps=sorted(deps),
        description=node.description or None,
        group_name=node.group,
        owners=[names.team("data office")],
        kinds={"dbt", "postgres", node.resource_type if node.resource_type == "seed" else node.materialized},
        metadata={
            "dagster/column_schema": dg.TableSchema(columns=columns),
            "dagster/table_name": f"{node.schema}.{node.table}",
        },
        skippable=True,
    )


def _parent_keys(project: Project, parent: str, landing: Mapping[tuple[str, str], dg.AssetKey]) -> list[dg.AssetKey]:
    if parent in project.nodes:
        return [key_of(project.nodes[parent])]
    schema, table = project.sources.get(parent, ("", ""))
    if schema == "resolution":
        from orchestration.resolution import KINDS

        return [dg.AssetKey(names.resolved(kind)) for kind in KINDS]
    key = landing.get((schema, table))
    return [key] if key else []
