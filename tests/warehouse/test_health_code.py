"""The health code: its purpose is over. Nothing is built on it, nobody reads it, purging it leaves a certificate."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from psycopg import sql

from connectors import retention
from connectors.contract_folder import load_contracts
from connectors.tables import ensure_tables
from quality.families import FAMILIES
from tests.integration.gate_cases import land, stream_of
from warehouse import audit
from warehouse.connection import connect
from warehouse.grants import GRANTS, LOADER, ROLES

CONTRACTS = load_contracts()
COUNT = "SELECT count(*) FROM isolated.health_code__lookups"


@pytest.fixture
def landed(fresh_database: str) -> str:
    """Two records of different age, as if the contract had been enabled for a while."""
    stream = stream_of("health_code", "lookups")
    with connect("loader") as loader:
        ensure_tables(loader, CONTRACTS)
        land(loader, stream, updated_at="2026-05-01 08:00:00+08")
        loader.execute("UPDATE isolated.health_code__lookups SET _key = gen_random_uuid()")
        land(loader, stream, updated_at="2026-06-20 08:00:00+08", issuing_city="another")
    return fresh_database


def test_no_product_has_its_purpose_or_its_data() -> None:
    contract = CONTRACTS["health_code"]
    assert contract.isolated and not contract.enabled and contract.purposes == ("epidemic_control",)
    for family in FAMILIES.values():
        assert "health_code" not in {system for system, _ in family.inputs}
        assert not {product.purpose for product in family.products} & set(contract.purposes)


def test_who_builds_publishes_or_reads_cannot_see_it(landed: str) -> None:
    granted = {grant.role for grant in GRANTS if any(name.split(".")[0] == "isolated" for name in grant.objects)}
    assert granted == {LOADER}
    for role in ROLES:
        if role in (LOADER, "townhub_owner"):
            continue
        with psycopg.connect(landed) as conn:
            conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(COUNT)


def test_purging_leaves_nothing_but_a_certificate(landed: str) -> None:
    """Current records too: 30 days after they were made. Disabled as it is, and without its contract as well."""
    assert not CONTRACTS["health_code"].enabled
    others = {name: contract for name, contract in CONTRACTS.items() if name != "health_code"}
    with connect("loader") as loader:
        assert retention.purge(loader, CONTRACTS, date(2026, 6, 30)) == {("health_code", "lookups"): 1}
        assert retention.purge(loader, others, date(2026, 8, 1)) == {("health_code", "lookups"): 1}
    with psycopg.connect(landed) as conn:
        assert conn.execute(COUNT).fetchone() == (0,)
        certificates = [entry.detail for entry in audit.entries(conn, action="deletion certificate")]
    assert [(c["system"], c["older_than"], c["rows"]) for c in certificates] == [
        ("health_code", "2026-07-02", 1), ("health_code", "2026-05-31", 1),
    ]  # fmt: skip
    assert "330106" not in str(certificates)
