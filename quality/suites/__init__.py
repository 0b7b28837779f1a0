"""What must hold of each candidate product, written by hand: the module of a product's name."""

from __future__ import annotations

from importlib import import_module

from quality.checks import Check
from quality.families import FAMILIES

SUITES: dict[str, tuple[Check, ...]] = {
    product.name: import_module(f"quality.suites.{product.name}").CHECKS
    for family in FAMILIES.values()
    for product in family.products
}
"""product → checks; a check's verdict is called gx.<product>.<check>."""


def verdict_name(product: str, check: Check) -> str:
    return f"gx.{product}.{check.name}"
