"""Families, names of checks, and what it costs to know them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connectors.contract_folder import load_contracts
from quality import gate
from quality.families import FAMILIES
from quality.suites import SUITES
from warehouse.grants import PRODUCTS


def test_names_of_verdicts_are_unique_and_stable() -> None:
    for family in FAMILIES.values():
        names = gate.required_checks(family)
        assert len(names) == len(set(names)) > 20
    assert "gx.premises_risk.overdue_never_green" in gate.required_checks(FAMILIES["safety"])
    assert "gx.welfare_match.deceased_never_eligible" in gate.required_checks(FAMILIES["welfare"])


def test_every_product_has_a_suite() -> None:
    products = {product.name for family in FAMILIES.values() for product in family.products}
    assert products == set(SUITES)


def test_inputs_are_streams_of_contracts_and_lawful() -> None:
    contracts = load_contracts()
    for family in FAMILIES.values():
        assert set(family.base) <= set(family.inputs)
        for system, stream in family.inputs:
            assert stream in contracts[system].streams
            permitted = contracts[system].purposes
            assert "any" in permitted or all(product.purpose in permitted for product in family.products)


def test_the_audience_are_those_whom_the_warehouse_lets_read() -> None:
    readers = {
        product: {f"townhub_app_{app}" for app, read in PRODUCTS.items() if product in read}
        for products in PRODUCTS.values()
        for product in products
    }
    assert {p.name: set(p.audience) for f in FAMILIES.values() for p in f.products} == readers


def test_an_app_reads_for_one_purpose() -> None:
    purposes = {p.name: p.purpose for f in FAMILIES.values() for p in f.products}
    for app, products in PRODUCTS.items():
        assert len({purposes[product] for product in products}) <= 1, app


def test_a_family_that_is_not_known() -> None:
    with pytest.raises(KeyError, match="knows safety, welfare"):
        gate.family_named("weather")


def test_registering_loads_nothing_heavy() -> None:
    """Every command registers the checks; Great Expectations takes seconds to import."""
    code = (
        "import sys, quality.gate; "
        "print([m for m in ('great_expectations', 'sqlglot', 'polars', 'pandas', 'sqlalchemy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
