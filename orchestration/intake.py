"""One Dagster asset per upstream stream, made from its contract.

The asset's step waits for its stream to be pulled, conformed and landed (connectors.intake, beside the run's other
streams: see `pulls`) and held against its contract (quality.contract_checks). The answers are told by the same step, so
that they cost no step of their own and a stream whose pull failed has none.
"""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import dagster as dg

from connectors.contract import Contract, Stream
from orchestration import names, pulls, recovery, report
from orchestration.failures import safe_message

CONTRACT_CHECK = "contract"
APPLIED_CHECK = "applied"
PRIORITY_TAG = "dagster/priority"


def assets(contracts: Mapping[str, Contract]) -> list[dg.AssetsDefinition]:
    """The assets of every enabled contract; a disabled one (health_code) has none."""
    return [
        _asset(contracts, contract, stream)
        for contract in contracts.values()
        if contract.enabled
        for stream in contract.streams.values()
    ]


def _asset(contracts: Mapping[str, Contract], contract: Contract, stream: Stream) -> dg.AssetsDefinition:
    key = dg.AssetKey(names.landing(stream))

    @dg.asset(
        key=key,
        group_name=contract.domain,
        owners=[names.team(contract.owner)],
        description=_description(contract, stream),
        kinds={"postgres", contract.server_of(stream).protocol},
        tags={"townhub/system": contract.id, "townhub/load": stream.load},
        metadata=_static_metadata(contract, stream),
        freshness_policy=dg.FreshnessPolicy.time_window(
            fail_window=timedelta(seconds=max(60, contract.freshness_seconds))
        ),
        pool=names.intake_pool(contract.id),
        op_tags={PRIORITY_TAG: str(-_wait(stream))},
        check_specs=[
            dg.AssetCheckSpec(CONTRACT_CHECK, asset=key, description="The landed current version obeys the contract."),
            dg.AssetCheckSpec(
                APPLIED_CHECK,
                asset=key,
                description="Applied whole: nothing held, no column unknown, the source told.",
            ),
        ],
    )
    def land(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster compares the annotation
        try:
            return _land(context, contracts, contract, stream)
        except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
            pulls.end(context.run_id)
            raise

    return land


def _wait(stream: Stream) -> int:
    """How late the stream's step comes, 0 to 2.

    The pulls run side by side, but Dagster takes one step after another, and one that waits for its pull keeps others
    waiting that could be told of already. So quick pulls come first: of what changed, then whole registers, then
    messages, which end with a silence, and what is asked for value by value.
    """
    return 2 if stream.mostly_waits else int(stream.load == "snapshot")


def _land(
    context: dg.AssetExecutionContext, contracts: Mapping[str, Contract], contract: Contract, stream: Stream
) -> dg.MaterializeResult[Any]:
    recovery.mark(context)
    current, began = report.current(), time.perf_counter()
    try:
        landed = _pulled(context, contracts, contract, stream)
    except Exception as error:
        message = safe_message(error)
        current.load_failed(stream.system, stream.name, message, time.perf_counter() - began)
        # `from None`: the original error's text and local values must not reach the event log.
        raise dg.Failure(description=message, allow_retries=False) from None
    current.loaded(landed.load, time.perf_counter() - began)
    judged = _judged(landed)
    return dg.MaterializeResult(
        metadata=_load_metadata(landed.load, judged),
        check_results=[_contract_check(stream, judged), _applied_check(landed.load)],
    )


def _pulled(
    context: dg.AssetExecutionContext, contracts: Mapping[str, Contract], contract: Contract, stream: Stream
) -> pulls.Landed:
    """The outcome of the stream's pull, which the run's first intake step has started."""
    of_run = pulls.begin(context.run_id, _asked(context, contracts), report.current().progress)
    result = of_run.take(stream)
    if result is None:  # the step runs a second time: what was pulled for it is spent
        of_run = pulls.Pulls(context.run_id, [(contract, stream)], report.current().progress)
        result = of_run.take(stream)
    assert result is not None
    return result.result()


def _judged(landed: pulls.Landed) -> pulls.Judged | Exception:
    try:
        with report.timed("gate"):
            return landed.judged.result()
    except Exception as error:
        return error


def _asked(context: dg.AssetExecutionContext, contracts: Mapping[str, Contract]) -> list[tuple[Contract, Stream]]:
    """The streams whose steps this process executes in this run: all of them, or one where every step has its own."""
    steps = set(context.get_step_execution_context().execution_plan.step_keys_to_execute)
    return [
        (contract, stream)
        for contract in contracts.values()
        if contract.enabled
        for stream in contract.streams.values()
        if dg.AssetKey(names.landing(stream)).to_python_identifier() in steps
    ]


def _contract_check(stream: Stream, judged: pulls.Judged | Exception) -> dg.AssetCheckResult:
    """The GX suite of the contract. It judges, it does not block: the rows are landed already."""
    if isinstance(judged, Exception):
        # A check that crashed counts as red; it must not undo the landing that is committed.
        message = safe_message(judged)
        report.current().failed(f"contract check of {stream.system}.{stream.name}", message)
        return dg.AssetCheckResult(
            check_name=CONTRACT_CHECK, passed=False, severity=dg.AssetCheckSeverity.ERROR, description=message
        )
    results = judged.checks
    failed = [result for result in results if not result.passed]
    errors = [result.name for result in failed if result.severity == "error"]
    return dg.AssetCheckResult(
        check_name=CONTRACT_CHECK,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if errors else dg.AssetCheckSeverity.WARN,
        description=f"{len(results) - len(failed)} of {len(results)} expectations met",
        metadata={
            "failed": [result.name for result in failed],
            "rows checked": max((result.rows_checked for result in results), default=0),
            "rows looked at anew": min(
                (result.observed.get("rows_anew", result.rows_checked) for result in results), default=0
            ),
            "observed": {result.name: result.observed for result in failed},
        },
    )


def _applied_check(result: Any) -> dg.AssetCheckResult:
    held = result.state == "held"
    told = ["held above the contract's limit; see `townhub holds list` and `townhub holds release`"] if held else []
    if withheld := result.notes.get("deletions_withheld"):
        told.append(
            f"{withheld} records that the register lacks were kept, because a row of it has no readable key; see "
            f"`townhub quarantine list --system {result.system}`"
        )
    if unheard := result.notes.get("not_acknowledged"):
        told.append(
            f"the rows are committed, but the source could not be told so and sends them again, which changes nothing: "
            f"{unheard}"
        )
    if missing := result.notes.get("messages_missing"):
        told.append(
            f"this hub was restored from a backup: messages of {missing['from']} to {missing['to']} are "
            "not in it; ask their sender to send them again"
        )
    if added := result.notes.get("added_columns"):
        told.append(f"the upstream sends columns that the contract does not describe: {', '.join(sorted(added))}")
    return dg.AssetCheckResult(
        check_name=APPLIED_CHECK,
        passed=not told,
        severity=dg.AssetCheckSeverity.ERROR if held else dg.AssetCheckSeverity.WARN,
        description="; ".join(told) or None,
    )


def _description(contract: Contract, stream: Stream) -> str:
    lines = [
        f"**{contract.name}** – {contract.purpose}",
        f"Grain: {stream.grain}" if stream.grain else "",
        f"Limitations: {contract.limitations}",
        f"Legal basis: {contract.legal_basis}; permitted purposes: {', '.join(contract.purposes)}",
        f"Owner: {contract.owner}",
    ]
    return "\n\n".join(line for line in lines if line)


def _static_metadata(contract: Contract, stream: Stream) -> dict[str, Any]:
    columns = [
        dg.TableColumn(
            name=column.name,
            type=column.postgres_type,
            description=_column_note(column),
            constraints=dg.TableColumnConstraints(nullable=not column.required, unique=False),
            tags={"class": column.classification, **({"sensitive": ""} if column.sensitive else {})},
        )
        for column in stream.columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "dagster/table_name": f"{stream.landing_schema}.{stream.landing_table}",
        "contract version": contract.version,
        "cadence (s)": contract.cadence_seconds,
        "retention (days)": contract.retention_days,
    }


def _column_note(column: Any) -> str:
    parts = [f"upstream: {column.physical_name}", column.semantic_type or "", column.description or ""]
    return "; ".join(part for part in parts if part)


def _load_metadata(result: Any, judged: pulls.Judged | Exception) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "load id": result.load_id,
        "state": result.state,
        "rows in": result.rows_in,
        "rows landed": result.landed,
        "rows unchanged": result.unchanged,
        "rows quarantined": result.quarantined,
        "rows tombstoned": result.tombstoned,
        "bytes in": result.bytes_in,
        "reasons": dict(result.reasons),
        "notes": dict(result.notes),
        "seconds": {step: round(seconds, 3) for step, seconds in result.seconds.items()},
    }
    if not isinstance(judged, Exception):
        metadata["dagster/row_count"] = judged.current.rows
        if judged.current.preview:
            metadata["preview"] = dg.MetadataValue.md(judged.current.preview)
    return metadata
