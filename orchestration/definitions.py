"""Everything that Dagster knows of the hub, made from the contracts and dbt's manifest.

`dagster-webserver -w workspace.yaml` loads this module. It imports neither dbt nor Great Expectations nor Splink nor
polars: they are paid for by the step that uses them.
"""

from __future__ import annotations

import dagster as dg

from orchestration import automation, environment, gates, intake, manifest, names, releases, resolution, warehouse


def build() -> dg.Definitions:
    """The definitions. Raises ContractError for a wrong contract, ManifestError for a wrong dbt project."""
    from connectors.contract import load_contracts

    environment.quiet()
    contracts = load_contracts()
    project = manifest.load()
    streams = names.selected_streams(contracts, None)
    landing = {(stream.landing_schema, stream.landing_table): dg.AssetKey(names.landing(stream)) for stream in streams}
    return dg.Definitions(
        assets=[
            *intake.assets(contracts),
            *warehouse.assets(project, landing),
            *resolution.assets(contracts, lambda stream: warehouse.staging_key(project, *stream)),
            *gates.assets(project),
            *releases.assets(project.families),
        ],
        jobs=automation.jobs(contracts, project),
        schedules=automation.schedules(contracts),
        sensors=automation.sensors(contracts),
        executor=dg.in_process_executor,
    )


defs = build()
