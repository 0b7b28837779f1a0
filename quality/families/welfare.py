"""民生直达: what residents are due, against what they receive."""

from __future__ import annotations

from quality.families.shape import Family, Product

WELFARE = Family(
    name="welfare",
    products=(
        Product(
            name="welfare_match",
            key_columns=("resident_key", "policy_code"),
            identity_columns=("resident_key",),
            purpose="welfare_delivery",
            owner="镇民政办",
            audience=("townhub_app_welfare",),
            unknown="outcome = 'unknown'",
            example="SELECT policy_code, finding, count(*) FROM serving.welfare_match GROUP BY 1, 2 ORDER BY 1, 2",
        ),
        Product(
            name="welfare_reconciliation",
            key_columns=("policy_code", "period"),
            identity_columns=(),
            purpose="welfare_delivery",
            owner="镇民政办",
            audience=("townhub_app_welfare",),
            unknown="state = 'unknown'",
            example="SELECT policy_code, due_amount, paid_amount, state"
            " FROM serving.welfare_reconciliation WHERE is_current",
        ),
    ),
    inputs=(
        ("household_registry", "residents"),
        ("migrant_registry", "registrations"),
        ("death_register", "deaths"),
        ("disability_certificate", "certificates"),
        ("disability_certificate", "surveys"),
        ("minimum_living", "members"),
        ("pension", "pensioners"),
        ("pension", "illnesses"),
        ("children_in_need", "children"),
        ("elderly_service", "elders"),
        ("payee_account", "accounts"),
        ("welfare_payment", "payments"),
        ("welfare_payment", "applications"),
        ("standard_address", "addresses"),
    ),
    base=(("household_registry", "residents"),),
)
