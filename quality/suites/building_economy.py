"""What must hold of the figures of office buildings before anyone sees them."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "building_code", "quarter_from", "name", "area_sqm", "floor_labels", "let_sqm", "occupied_share", "tenants",
    "registered", "rent_yuan_sqm_day", "leased_sqm", "taxed_enterprises", "tax_yuan", "tax_yuan_sqm",
    "contradictions", "unknown_parts", "state", "unknown_inputs", "parameter_version",
)  # fmt: skip


def _limit(item: str) -> str:
    return (
        "(SELECT min(p.value) FROM core.product_parameters p WHERE p.subject = 'building_economy'"
        f" AND p.item = '{item}' AND p.version = parameter_version)"
    )


CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("building_given", "building_code"),
    not_null("quarter_given", "quarter_from"),
    unique("pair_once", ["building_code", "quarter_from"]),
    in_set("state_known", "state", ("known", "partly_known", "contradictory", "unknown")),
    not_null("version_given", "parameter_version"),
    holds(
        "quarter_begins",
        "quarter_from = date_trunc('quarter', quarter_from)::date",
        "A quarter is named by its first day.",
    ),
    holds(
        "share_is_of_the_areas",
        "occupied_share IS NULL OR (occupied_share BETWEEN 0 AND 1"
        " AND abs(occupied_share - let_sqm / area_sqm) < 0.0001)",
        "The occupied share is the let area over the built one.",
    ),
    holds(
        "no_share_of_a_contradiction",
        "occupied_share IS NULL OR NOT contradictions && ARRAY['let_above_built_area', 'let_without_tenants',"
        " 'tenants_without_let_area']",
        "No share is shown of figures that cannot both be true.",
    ),
    holds(
        "over_let_is_told",
        "coalesce(let_sqm <= area_sqm, true) OR 'let_above_built_area' = ANY (contradictions)",
        "More let than built is told.",
    ),
    holds(
        "contradictory_is_told",
        "cardinality(contradictions) = 0 OR state IN ('contradictory', 'unknown')",
        "A building whose figures contradict each other says so.",
    ),
    holds(
        "unknown_parts_are_named",
        "(occupied_share IS NULL) = ('occupied_share' = ANY (unknown_parts))"
        " AND (tax_yuan IS NULL) = ('tax_yuan' = ANY (unknown_parts))",
        "What is not known is named.",
    ),
    holds(
        "unread_figures_are_unknown",
        "NOT unknown_inputs && ARRAY['building_economy.buildings', 'building_economy.quarters']"
        " OR (state = 'unknown' AND let_sqm IS NULL AND occupied_share IS NULL AND tenants IS NULL)",
        "Figures that cannot be read are unknown.",
    ),
    holds(
        "unread_tax_is_unknown",
        "NOT unknown_inputs && ARRAY['lease_register.leases', 'tax_analysis.collections', 'tax_registry.taxpayers']"
        " OR (tax_yuan IS NULL AND leased_sqm IS NULL)",
        "Tax that cannot be read is unknown.",
    ),
    holds(
        "tax_of_enough",
        f"tax_yuan IS NULL OR (taxed_enterprises >= {_limit('tax_enterprises_from')}"
        f" AND leased_sqm >= {_limit('tax_cover_from')} * let_sqm)",
        "No tax of few enterprises, and none that rests on a small part of the let area.",
    ),
    holds(
        "tax_by_area",
        "(tax_yuan_sqm IS NULL AND (tax_yuan IS NULL OR leased_sqm = 0))"
        " OR abs(tax_yuan_sqm - tax_yuan / leased_sqm) < 0.01",
        "Tax by area is the sum over the area that it rests on.",
    ),
    holds("no_rent_of_nothing", "rent_yuan_sqm_day IS NULL OR let_sqm > 0", "Where nothing is let there is no rent."),
    no_rows(
        "every_building_in_every_quarter",
        "SELECT count(*) AS differences FROM (SELECT building_code FROM core.dim_building) building LEFT JOIN"
        f" (SELECT building_code, count(*) AS quarters FROM {ROWS} batch_rows GROUP BY 1) product"
        " ON product.building_code = building.building_code WHERE coalesce(product.quarters, 0) <>"
        f" (SELECT count(DISTINCT quarter_from) FROM {ROWS} all_rows) HAVING count(*) > 0",
        "Every building stands in every quarter, also one that said nothing.",
    ),
)
