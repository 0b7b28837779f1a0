"""Who is hit by a change of a contract, found in the project as dbt compiles it, without a database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.contract import Contract
from connectors.contract_changes import Change, changes
from connectors.contract_folder import load_contracts
from orchestration.consumers import Consumers, Hit, consumers
from tests.conftest import environment

CONTRACTS = load_contracts()


@pytest.fixture(scope="module")
def readers(parsed_project: Path, compiled_project: Path) -> Consumers:
    dropped = Change("police_110", "incidents", "dropped_long_ago", "gone", "x")
    with environment(TOWNHUB_HOME=str(parsed_project.parent), TOWNHUB_DATABASE_URL=None):
        return consumers(CONTRACTS.values(), [dropped])


def without(system: str, stream: str, column: str) -> Contract:
    contract = CONTRACTS[system]
    before = contract.streams[stream]
    after = replace(before, columns=tuple(c for c in before.columns if c.name != column))
    return replace(contract, streams=contract.streams | {stream: after})


def hit(readers: Consumers, system: str, new: Contract | None) -> Hit:
    (change,) = changes(CONTRACTS[system], new)
    return readers.of(change)


def test_a_dropped_column_hits_its_readers_and_all_that_is_built_on_them(readers: Consumers) -> None:
    found = hit(readers, "household_registry", without("household_registry", "residents", "birth_date"))
    assert "int_person_record" in found.readers and "resolution of residents" in found.readers
    assert "welfare_match" in found.behind and found.products == ("welfare_match", "welfare_reconciliation")


def test_a_column_that_nobody_reads_hits_nobody(readers: Consumers) -> None:
    assert hit(readers, "police_110", without("police_110", "incidents", "caller_phone")) == Hit((), (), ())


def test_a_column_that_only_decides_rows_is_read_too(readers: Consumers) -> None:
    """Left out of every output, used in a filter or a join alone: as fatal as any other when it is gone."""
    found = hit(readers, "safety_inspection", without("safety_inspection", "hazards", "severity"))
    assert "premises_risk" in found.products


def test_values_follow_columns_and_leave_those_alone_that_do_not_rest_on_them(readers: Consumers) -> None:
    change = Change("fire_119", "incidents", "disaster_type", "values", "x")
    found, gone = readers.of(change), readers.of(replace(change, effect="gone"))
    assert found.readers == gone.readers and found.products == ("event", "event_hotspot")
    assert "premises_risk" in gone.products, "a column that is gone stops what is built on its readers"


def test_purposes_hit_only_those_that_have_them(readers: Consumers) -> None:
    contract = CONTRACTS["safety_inspection"]
    found = hit(readers, "safety_inspection", replace(contract, purposes=("event_handling",)))
    assert {"premises_risk", "grid_risk"} <= set(found.products)
    for name in (*found.readers, *found.behind):
        assert "premises_safety" in readers.models[name]["config"]["meta"]["purpose"]
    none = readers.of(Change("safety_inspection", None, None, "unlawful", "x", ("unheard_of",)))
    assert none == Hit((), (), ())


def test_every_stream_is_read_as_dbt_says_it_is(readers: Consumers) -> None:
    """What reads a stream by our tracing is what refers to its staging view by dbt's own graph."""
    for contract in CONTRACTS.values():
        for stream in contract.streams.values():
            found = readers.of(Change(contract.id, stream.name, None, "rows", "x"))
            staged = f"model.townhub.stg_{contract.id}__{stream.name}"
            expected = {n for n, node in readers.models.items() if staged in node["depends_on"]["nodes"]}
            assert {name for name in found.readers if not name.startswith("resolution of")} == expected


def test_every_model_can_be_followed(readers: Consumers) -> None:
    assert set(readers.models) - set(readers.streams) == set(readers._lineages)
