"""智慧经济: what the town knows of enterprises, their rooms and the business environment, to serve them."""

from __future__ import annotations

from typing import Any

from quality.families.shape import Family, Product

_SERVICE: dict[str, Any] = {
    "purpose": "enterprise_service",
    "owner": "镇经发办",
    "audience": ("townhub_app_economy",),
}

ECONOMY = Family(
    name="economy",
    products=(
        Product(
            name="enterprise_profile",
            key_columns=("enterprise_key",),
            identity_columns=("enterprise_key",),
            unknown="status_check = 'unknown' OR tax_trend = 'unknown' OR cardinality(unknown_inputs) > 0",
            example="SELECT name, market_state, tax_state"
            " FROM serving.enterprise_profile WHERE status_conflict IS NOT NULL LIMIT 20",
            **_SERVICE,
        ),
        Product(
            name="lease_expiry",
            key_columns=("lease_no",),
            identity_columns=("enterprise_key",),
            unknown="warning_level = 'unknown'",
            example="SELECT building_name, warning_level, count(*) FROM serving.lease_expiry GROUP BY 1, 2",
            **_SERVICE,
        ),
        Product(
            name="building_economy",
            key_columns=("building_code", "quarter_from"),
            identity_columns=(),
            unknown="state = 'unknown'",
            example="SELECT name, quarter_from, occupied_share, tax_yuan_sqm"
            " FROM serving.building_economy WHERE state = 'known'",
            **_SERVICE,
        ),
        Product(
            name="business_environment",
            key_columns=("quarter_from",),
            identity_columns=(),
            unknown="state = 'unknown'",
            example="SELECT quarter_from, index_value, state, reason FROM serving.business_environment ORDER BY 1 DESC",
            **_SERVICE,
        ),
    ),
    inputs=(
        ("market_registration", "enterprises"),
        ("tax_registry", "taxpayers"),
        ("tax_analysis", "collections"),
        ("enterprise_visit", "visits"),
        ("enterprise_demand", "demands"),
        ("lease_register", "leases"),
        ("building_economy", "buildings"),
        ("building_economy", "quarters"),
        ("standard_address", "addresses"),
    ),
    base=(("market_registration", "enterprises"), ("lease_register", "leases"), ("building_economy", "quarters")),
)
