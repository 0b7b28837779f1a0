"""Which records are one resident, enterprise, premises or event: the assets around `resolution.runner`."""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, get_args

import dagster as dg

from connectors.contract import Contract
from orchestration import building, names, recovery, report, side_by_side, statistics
from orchestration.failures import safe_message
from orchestration.side_by_side import Piece
from resolution.things import REFERENCES, SOURCES, Kind

if TYPE_CHECKING:
    from resolution.runner import ResolutionResult

KINDS: tuple[Kind, ...] = get_args(Kind)

LEDGER_TABLES = [("resolution", "membership"), ("resolution", "entity")]


def streams_about(kind: Kind, contracts: Mapping[str, Contract]) -> set[tuple[str, str]]:
    """(system, stream) of the enabled, not isolated streams that a kind is resolved from."""
    read = {(source.system, source.stream) for source in (*SOURCES[kind], *REFERENCES.get(kind, ()))}
    return {
        (stream.system, stream.name)
        for contract in contracts.values()
        if contract.enabled and not contract.isolated
        for stream in contract.streams.values()
        if (stream.system, stream.name) in read
    }


def assets(
    contracts: Mapping[str, Contract], staging_of: Callable[[tuple[str, str]], dg.AssetKey | None]
) -> list[dg.AssetsDefinition]:
    """One asset per kind, downstream of the staging models (or, without one, the landing table) it reads."""
    pieces = {}
    for kind in KINDS:
        keys = {staging_of(stream) or dg.AssetKey(("landing", *stream)) for stream in streams_about(kind, contracts)}
        pieces[kind] = Piece(
            _key(kind).to_python_identifier(), sorted(keys), partial(_resolve, kind), module="resolution.runner"
        )
    return [_asset(kind, piece, list(pieces.values())) for kind, piece in pieces.items()]


def _key(kind: Kind) -> dg.AssetKey:
    return dg.AssetKey(names.resolved(kind))


def _resolve(kind: Kind, run: dg.DagsterRun) -> "ResolutionResult":
    from resolution import runner
    from warehouse import connection

    with report.shown(f"resolve {kind}"):
        result = runner.resolve(kind, run_id=run.run_id, full=names.ANEW_TAG in run.tags)
        if statistics.worth_it(result.created + result.merged + result.split, result.entities):
            with connection.connect("owner", autocommit=True) as conn:
                statistics.take(conn, *LEDGER_TABLES)
        return result


def _asset(kind: Kind, piece: Piece["ResolutionResult"], group: list[Piece["ResolutionResult"]]) -> dg.AssetsDefinition:
    @dg.asset(
        key=_key(kind),
        deps=piece.deps,
        group_name="resolution",
        owners=[names.team("data office")],
        kinds={"python", "postgres"},
        description=f"Identities of {kind}: memberships, merges and splits in the ledger, doubtful pairs to review.",
    )
    def resolve(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster compares the annotation
        recovery.mark(context)
        try:
            # Who belongs to whom is part of a build: what it rests on is what core and products will read.
            building.begin(context.run_id)
            with report.timed("resolve"):
                result = side_by_side.outcome(context, piece, group)
        except Exception as error:
            message = safe_message(error)
            report.current().failed(f"resolve {kind}", message)
            raise dg.Failure(description=message, allow_retries=False) from None
        return dg.MaterializeResult(
            metadata={
                "run": result.run,
                "records": result.records,
                "dagster/row_count": result.entities,
                "created": result.created,
                "merged": result.merged,
                "split": result.split,
                "links": dict(result.links),
                "content hash": result.content_hash,
                "seconds": round(result.seconds, 3),
            }
        )

    return resolve
