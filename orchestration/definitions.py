"""Everything that Dagster knows of the hub, made from the contracts and dbt's manifest.

`dagster-webserver -w workspace.yaml` loads this module. It imports neither dbt nor Great Expectations nor Splink nor
polars: they are paid for by the step that uses them.
"""

from __future__ import annotations

import logging

import dagster as dg

from orchestration import (
    automation,
    environment,
    gates,
    intake,
    manifest,
    names,
    picture_assets,
    releases,
    resolution,
    review_queue,
    warehouse,
)

logger = logging.getLogger(__name__)


def build() -> dg.Definitions:
    """The definitions; a system with a wrong contract is left out with a warning. Raises ManifestError."""
    from connectors.contract_folder import broken_contracts, load_contracts

    environment.quiet()
    environment.collect_seldom()
    contracts = load_contracts()
    for broken in broken_contracts():
        logger.warning("the system %s has no assets, because its contract is refused: %s", broken.system, broken)
    project = manifest.load()
    streams = names.selected_streams(contracts, None)
    landing = {(stream.landing_schema, stream.landing_table): dg.AssetKey(names.landing(stream)) for stream in streams}
    judging = gates.pieces(project)
    return dg.Definitions(
        assets=[
            *intake.assets(contracts),
            *warehouse.assets(project, landing, list(judging.values())),
            *resolution.assets(contracts, lambda stream: warehouse.staging_key(project, *stream)),
            *review_queue.assets(resolution.KINDS),
            *gates.assets(judging),
            *releases.assets(project.families),
            *picture_assets.assets(project.families),
        ],
        jobs=automation.jobs(contracts, project),
        schedules=automation.schedules(contracts),
        sensors=automation.sensors(contracts),
        executor=dg.in_process_executor,
    )


defs = build()
