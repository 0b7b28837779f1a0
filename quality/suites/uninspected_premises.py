"""What must hold of the premises that no place code is known of before anyone is sent there."""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique
from quality.suites.premises_risk import CATEGORIES

COLUMNS = (
    "register", "record_key", "premises_key", "name", "category", "place", "grid_code", "community_code", "finding",
    "confidence", "covered_by", "known_to", "reason", "unknown_inputs", "held_inputs",
)  # fmt: skip
REGISTERS = (
    "construction_site.sites", "fire_supervision.inspections", "hazmat_enterprise.licences",
    "market_registration.enterprises", "property_register.rentals", "smoke_sensor.installations",
)  # fmt: skip
_CATEGORIES = ", ".join(f"'{category}'" for category in CATEGORIES)

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("record_given", "record_key"),
    unique("record_once", ["register", "record_key"]),
    in_set("register_known", "register", REGISTERS),
    holds("category_known", f"category IS NULL OR category IN ({_CATEGORIES})", "A category is one of the eight."),
    in_set("finding_known", "finding", ("covered", "uncovered", "unknown")),
    in_set("confidence_known", "confidence", ("high", "medium", "low", "none")),
    holds("reason_given", "position(finding || ': ' in reason) = 1", "Every finding says why."),
    holds("unknown_has_no_confidence", "(finding = 'unknown') = (confidence = 'none')", "Unknown claims nothing."),
    holds(
        "nothing_claimed_without_input",
        "cardinality(unknown_inputs) = 0 OR finding = 'unknown'",
        "Without a register nobody is called inspected or uninspected.",
    ),
    holds(
        "held_never_covered",
        "NOT (cardinality(held_inputs) > 0 AND finding = 'covered')",
        "What rows wait about is not called covered.",
    ),
    holds("covered_by_a_code", "(finding = 'covered') = (covered_by IS NOT NULL)", "Covered names its code."),
    holds(
        "address_is_never_sure",
        "register <> 'market_registration.enterprises' OR finding <> 'uncovered' OR confidence <> 'high'",
        "A registered address alone is never sure to be premises.",
    ),
    holds("known_to_somebody", "known_to >= 1", "Some register knows each of them."),
    no_rows(
        "covering_code_is_open",
        f"SELECT count(*) AS strays FROM {ROWS} product LEFT JOIN core.dim_premises p"
        " ON p.premises_code = product.covered_by AND p.state = 'open'"
        " WHERE product.covered_by IS NOT NULL AND p.premises_code IS NULL HAVING count(*) > 0",
        "A code that covers is one of the open ones.",
    ),
    no_rows(
        "grid_on_map",
        f"SELECT count(*) AS strays FROM {ROWS} product LEFT JOIN core.dim_grid g ON g.grid_code = product.grid_code"
        " WHERE product.grid_code IS NOT NULL AND g.grid_code IS NULL HAVING count(*) > 0",
        "A grid code that is shown is on the map.",
    ),
    holds(
        "homes_without_a_name",
        "register <> 'property_register.rentals' OR name IS NULL",
        "Of a home the place is told and nobody's name.",
    ),
    holds(
        "self_employed_without_name_and_place",
        "register <> 'market_registration.enterprises' OR category IS NOT DISTINCT FROM 'general_enterprise'"
        " OR num_nonnulls(name, place) = 0",
        "Of the self-employed of the market register neither name nor address is told.",
    ),
    holds(
        "no_identity_number",
        "(coalesce(name, '') || coalesce(place, '') || reason) !~ " + IDENTITY_NUMBER,
        "No identity number is shown.",
    ),
)
