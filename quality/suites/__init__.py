"""What must hold of each candidate product, written by hand, one module per product."""

from __future__ import annotations

from quality.checks import Check
from quality.suites import grid_risk, premises_risk, welfare_match

SUITES: dict[str, tuple[Check, ...]] = {
    "premises_risk": premises_risk.CHECKS,
    "grid_risk": grid_risk.CHECKS,
    "welfare_match": welfare_match.CHECKS,
}
"""product → checks; a check's verdict is called gx.<product>.<check>."""


def verdict_name(product: str, check: Check) -> str:
    return f"gx.{product}.{check.name}"
