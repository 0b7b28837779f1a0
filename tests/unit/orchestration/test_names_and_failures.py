"""Names that Dagster accepts, selections that say what is wrong, and errors that tell no personal data."""

from __future__ import annotations

import re

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract_folder import load_contracts
from connectors.errors import Permanent
from orchestration import names
from orchestration.failures import for_people, safe_message


@given(st.text(max_size=30))
def test_a_team_is_always_ascii_and_never_empty(owner: str) -> None:
    assert re.fullmatch(r"team:[a-z0-9_]+", names.team(owner))


def test_owners_keep_apart() -> None:
    owners = {contract.owner for contract in load_contracts().values()}
    assert len({names.team(owner) for owner in owners}) == len(owners)


def test_selection_by_system_and_by_stream() -> None:
    contracts = load_contracts()
    chosen = names.selected_streams(contracts, ["tax_analysis.collections", "safety_inspection", "safety_inspection"])
    assert (chosen[0].system, chosen[0].name) == ("tax_analysis", "collections")
    assert len(chosen) == 1 + len(contracts["safety_inspection"].streams)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("police_111", "townhub systems list"), ("health_code", "disabled"), ("police_110.x", "--select")],
)
def test_a_wrong_selection_is_explained(wanted: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        names.selected_streams(load_contracts(), [wanted])


def test_our_own_errors_speak() -> None:
    assert safe_message(Permanent("the password changed", "Ask the owner")) == "the password changed. Ask the owner"


def test_a_drivers_error_keeps_rows_to_itself(conn: psycopg.Connection) -> None:
    canary = "330199199001011234"
    conn.execute("CREATE TEMP TABLE t (resident_id text PRIMARY KEY)")
    conn.execute("INSERT INTO t VALUES (%s)", [canary])
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        conn.execute("INSERT INTO t VALUES (%s)", [canary])
    assert canary in str(caught.value)  # the driver itself would tell
    told = safe_message(caught.value)
    assert canary not in told and "23505" in told and "t_pkey" in told


def test_a_foreign_error_tells_its_kind_only() -> None:
    told = safe_message(KeyError("330199199001011234"))
    assert "330199199001011234" not in told and told.startswith("KeyError")


def test_people_get_the_message_of_a_wrong_value() -> None:
    assert for_people(ValueError("--select x: is not a system")) == "--select x: is not a system"
