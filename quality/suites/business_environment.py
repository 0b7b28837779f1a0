"""What must hold of the index of the business environment before anyone sees it.

Components and weights stand in the seed `business_environment_components`; here they are read, not repeated.
"""

from __future__ import annotations

from quality.checks import Check, columns, holds, in_set, not_null, unique

COLUMNS = (
    "quarter_from", "quarter_to", "index_value", "state", "reason", "components", "unknown_components",
    "method_version",
)  # fmt: skip
FIELDS = ("component", "value", "unit", "observations", "weight", "zero_at", "full_at", "points", "unknown_because")

_PARTS = "jsonb_array_elements(components) p"
_METHOD = "core.business_environment_components m WHERE m.version = method_version"
_POSITION = (
    "greatest(0, least(1, ((p ->> 'value')::numeric - (p ->> 'zero_at')::numeric)"
    " / ((p ->> 'full_at')::numeric - (p ->> 'zero_at')::numeric)))"
)

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("quarter_given", "quarter_from"),
    unique("quarter_once", ["quarter_from"]),
    in_set("state_known", "state", ("known", "unknown")),
    not_null("version_given", "method_version"),
    holds("reason_given", "length(trim(reason)) > 0", "Every index says how it was made, or what is missing."),
    holds("index_bounded", "index_value IS NULL OR index_value BETWEEN 0 AND 100", "An index lies between 0 and 100."),
    holds(
        "whole_quarter",
        "quarter_from = date_trunc('quarter', quarter_from)::date"
        " AND quarter_to = (quarter_from + interval '3 months' - interval '1 day')::date",
        "A row is of one whole quarter.",
    ),
    holds(
        "every_component_once",
        f"(SELECT count(*) FROM {_METHOD}) = jsonb_array_length(components) AND NOT EXISTS (SELECT FROM {_METHOD}"
        f" AND m.component NOT IN (SELECT p ->> 'component' FROM {_PARTS}))",
        "Every component of the method stands in the row, and no other.",
    ),
    holds(
        "weights_are_those_of_the_method",
        f"NOT EXISTS (SELECT FROM {_PARTS} LEFT JOIN core.business_environment_components m"
        " ON m.component = p ->> 'component' AND m.version = method_version"
        " WHERE (m.weight, m.zero_at, m.full_at) IS DISTINCT FROM"
        " ((p ->> 'weight')::numeric, (p ->> 'zero_at')::numeric, (p ->> 'full_at')::numeric))",
        "Weights and limits are those of the named version.",
    ),
    holds(
        "fields_known",
        f"NOT EXISTS (SELECT FROM {_PARTS}, jsonb_object_keys(p) k WHERE k NOT IN"
        f" ({', '.join(repr(name) for name in FIELDS)}))",
        "A component shows these fields and no other.",
    ),
    holds(
        "points_follow_from_values",
        f"NOT EXISTS (SELECT FROM {_PARTS} WHERE p ->> 'value' IS NOT NULL AND coalesce(abs((p ->> 'points')::numeric"
        f" - (p ->> 'weight')::numeric / (SELECT sum(m.weight) FROM {_METHOD}) * 100 * {_POSITION}) > 0.01, true))",
        "Points are the weighted place of a value between its worthless and its full one.",
    ),
    holds(
        "unknown_value_has_no_points",
        f"NOT EXISTS (SELECT FROM {_PARTS} WHERE p ->> 'value' IS NULL"
        " AND (p ->> 'points' IS NOT NULL OR coalesce(p ->> 'unknown_because', '') = ''))",
        "What is unknown says why, and has no points.",
    ),
    holds(
        "unknown_component_no_index",
        f"(index_value IS NULL) = EXISTS (SELECT FROM {_PARTS} WHERE p ->> 'points' IS NULL)"
        " AND (index_value IS NULL) = (cardinality(unknown_components) > 0)"
        " AND (index_value IS NULL) = (state = 'unknown')",
        "A missing component makes the index unknown, not better.",
    ),
    holds(
        "index_is_sum_of_points",
        f"index_value IS NULL OR index_value = (SELECT sum((p ->> 'points')::numeric) FROM {_PARTS})",
        "An index is the sum of the points that are shown.",
    ),
)
