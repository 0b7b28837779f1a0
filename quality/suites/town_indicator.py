"""What must hold of the city's indicators before anyone sees them."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "indicator_code", "provider", "name", "definition", "definition_no", "definitions", "providers",
    "comparability", "unit", "value", "stated_on", "age_days", "state", "unknown_inputs", "parameter_version",
)  # fmt: skip
COMPARABILITY = ("single", "comparable", "differing_definitions", "differing_units", "definition_unknown")

_STALE = (
    "(SELECT min(p.value) FROM core.product_parameters p WHERE p.subject = 'town_indicator'"
    " AND p.item = 'stale_after' AND p.version = parameter_version)"
)

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("indicator_given", "indicator_code"),
    not_null("provider_given", "provider"),
    unique("pair_once", ["indicator_code", "provider"]),
    in_set("comparability_known", "comparability", COMPARABILITY),
    in_set("state_known", "state", ("current", "stale", "unknown")),
    not_null("version_given", "parameter_version"),
    holds(
        "state_follows_from_age",
        "state = CASE WHEN cardinality(unknown_inputs) > 0 THEN 'unknown'"
        f" WHEN age_days > {_STALE} THEN 'stale' ELSE 'current' END AND age_days >= 0",
        "An old value says that it is old, and what cannot be read is unknown.",
    ),
    holds("unknown_has_no_value", "(state = 'unknown') = (value IS NULL)", "What is unknown has no value."),
    holds(
        "definition_has_its_number",
        "(definition IS NULL) = (definition_no IS NULL) AND coalesce(definition_no BETWEEN 1 AND definitions, true)",
        "Every definition has its number within the indicator.",
    ),
    holds(
        "several_definitions_do_not_compare",
        "comparability <> 'comparable' OR (definitions = 1 AND providers > 1 AND definition IS NOT NULL)",
        "Only values of several departments under one told definition compare.",
    ),
    no_rows(
        "equal_numbers_are_equal_definitions",
        f"SELECT count(*) AS mixed FROM (SELECT 1 FROM {ROWS} product WHERE definition IS NOT NULL"
        " GROUP BY indicator_code, definition_no HAVING count(DISTINCT definition) > 1) m HAVING count(*) > 0",
        "One number stands for one definition.",
    ),
    no_rows(
        "definitions_are_counted",
        f"SELECT count(*) AS miscounted FROM (SELECT 1 FROM {ROWS} product GROUP BY indicator_code"
        " HAVING count(DISTINCT definition) <> max(definitions) OR count(*) <> max(providers)) m HAVING count(*) > 0",
        "Definitions and departments are as many as stand in the rows.",
    ),
)
