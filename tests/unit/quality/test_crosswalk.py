"""An app learns whom a record belongs to for its own purpose, and is refused for any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from connectors.contract_folder import load_contracts
from quality import crosswalk
from quality.crosswalk import purposes_of
from warehouse.access import run_as
from warehouse.grants import APPS

CONTRACTS = load_contracts()
RESIDENT_VIEWS = ("resident_crosswalk", "resident_key")


@pytest.fixture
def served(fresh_database: str) -> Iterator[str]:
    """A pensioner, a registered firm, a place code of the safety office, a demand of a firm; and a merged key each."""
    with psycopg.connect(fresh_database) as conn:
        crosswalk.register(conn, CONTRACTS.values())
        for kind, system, stream, key in (
            ("resident", "pension", "pensioners", "R1"),
            ("resident", "smart_community", "visitors", "R2"),
            ("enterprise", "market_registration", "enterprises", "E1"),
            ("enterprise", "enterprise_demand", "demands", "E2"),
        ):
            conn.execute(
                "INSERT INTO resolution.membership (kind, system, stream, record_key, entity_key, link_kind, from_run)"
                " VALUES (%s, %s, %s, 'K1', %s, 'exact', 1)",
                [kind, system, stream, key],
            )
            conn.execute(
                "INSERT INTO resolution.entity"
                " (entity_key, kind, status, merged_into, resolves_to, created_run, updated_run)"
                " VALUES (%(k)s, %(kind)s, 'active', NULL, NULL, 1, 1),"
                "        ('old' || %(k)s, %(kind)s, 'merged', %(k)s, %(k)s, 1, 1)",
                {"k": key, "kind": kind},
            )
    yield fresh_database


def test_welfare_finds_residents_of_streams_that_serve_it(served: str) -> None:
    found = run_as("welfare", "SELECT system, record_key, resident_key, link_kind FROM serving.resident_crosswalk")
    assert found.rows == [("pension", "K1", "R1", "exact")], "and not a stream of another purpose"
    asked = "SELECT current_key FROM serving.resident_key WHERE resident_key IN ('oldR1', 'R1')"
    assert run_as("welfare", asked).rows == [("R1",), ("R1",)]


@pytest.mark.parametrize("app", sorted(set(APPS) - {"welfare"}))
@pytest.mark.parametrize("view", RESIDENT_VIEWS)
def test_a_purpose_that_may_not_see_residents_is_refused(served: str, app: str, view: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run_as(app, f"SELECT * FROM serving.{view}")


def test_firms_are_shown_by_the_purpose_of_who_asks(served: str) -> None:
    query = "SELECT enterprise_key FROM serving.enterprise_crosswalk ORDER BY 1"
    assert "premises_safety" not in CONTRACTS["enterprise_demand"].purposes
    assert run_as("safety", query).rows == [("E1",)]
    assert run_as("economy", query).rows == [("E1",), ("E2",)]
    for app in ("welfare", "enforcement"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run_as(app, query)


def test_a_changed_contract_changes_what_is_shown(served: str) -> None:
    narrowed = replace(CONTRACTS["pension"], purposes=("event_handling",))
    with psycopg.connect(served) as conn:
        crosswalk.register(conn, [narrowed])
    assert run_as("welfare", "SELECT * FROM serving.resident_crosswalk").rows == []
    assert run_as("economy", "SELECT * FROM serving.enterprise_crosswalk").rows == []


def test_a_purpose_must_be_permitted_by_the_contract_the_key_and_the_name() -> None:
    contract = CONTRACTS["pension"]
    stream = contract.streams["pensioners"]
    assert "welfare_delivery" in purposes_of(contract, stream)
    for kept in (lambda c: c.primary_key, lambda c: c.semantic_type == "cn.person_name"):
        columns = tuple(replace(c, purposes=("event_handling",)) if kept(c) else c for c in stream.columns)
        assert "welfare_delivery" not in purposes_of(contract, replace(stream, columns=columns))
    assert purposes_of(replace(contract, isolated=True), stream) == frozenset()
    health = CONTRACTS["health_code"]
    assert all(purposes_of(health, each) == frozenset() for each in health.streams.values())
