"""What must hold of the numbers of the party organisations before anyone sees them: above all, of how few people.

The smallest number stands in the seed `product_parameters` (core.product_parameters); here it is read, not repeated.
"""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "organisation_code", "name", "community_code", "community_name", "founded_on", "stated_month", "branches",
    "members", "women", "under_35", "over_60", "service_points", "activities_12_months",
    "participants_12_months", "suppressed", "unknown_parts", "state", "unknown_inputs", "parameter_version",
    "rows_held", "rows_held_unplaced",
)  # fmt: skip

_LEAST = (
    "(SELECT min(p.value) FROM core.product_parameters p WHERE p.subject = 'party_organisation'"
    " AND p.item = 'minimum_count' AND p.version = parameter_version)"
)

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("organisation_given", "organisation_code"),
    unique("organisation_once", ["organisation_code"]),
    in_set("state_known", "state", ("stated", "stale", "unknown")),
    not_null("version_given", "parameter_version"),
    holds("month_written", "stated_month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", "The numbers are of a month."),
    holds(
        "no_count_is_negative",
        "coalesce(least(branches, service_points, activities_12_months) >= 0, true)",
        "No count is below zero.",
    ),
    holds(
        "few_people_are_not_shown",
        f"coalesce(least(members, women, under_35, over_60) >= {_LEAST}, true)"
        f" AND coalesce(participants_12_months >= {_LEAST} OR activities_12_months = 0, true)",
        "No number of few people is shown.",
    ),
    holds(
        "few_people_are_not_left_over",
        f"coalesce(members - women >= {_LEAST}, true) AND coalesce(members - under_35 - over_60 >= {_LEAST}, true)"
        f" AND coalesce(members - under_35 >= {_LEAST}, true) AND coalesce(members - over_60 >= {_LEAST}, true)",
        "Nor one from which a number of few people could be taken away.",
    ),
    holds(
        "suppressed_is_gone",
        "('members' = ANY (suppressed)) <= (members IS NULL) AND ('women' = ANY (suppressed)) <= (women IS NULL)"
        " AND ('under_35' = ANY (suppressed)) <= (under_35 IS NULL)"
        " AND ('over_60' = ANY (suppressed)) <= (over_60 IS NULL)"
        " AND ('participants_12_months' = ANY (suppressed)) <= (participants_12_months IS NULL)",
        "What is named as left out is left out.",
    ),
    holds(
        "ages_are_shown_together",
        "(under_35 IS NULL) = (over_60 IS NULL)",
        "Of the young and the old both are shown or none.",
    ),
    holds(
        "unread_statements_are_unknown",
        "NOT 'party_building.organisations' = ANY (unknown_inputs)"
        " OR (state = 'unknown' AND coalesce(branches, members, women, under_35, over_60) IS NULL)",
        "Statements that cannot be read show no number.",
    ),
    holds(
        "unread_parts_are_unknown",
        "(NOT 'party_building.service_points' = ANY (unknown_inputs) OR service_points IS NULL)"
        " AND (NOT 'party_building.activities' = ANY (unknown_inputs)"
        "   OR coalesce(activities_12_months, participants_12_months) IS NULL)",
        "Service points and activities that cannot be read are not counted as none.",
    ),
    holds(
        "held_counted",
        "num_nulls(rows_held, rows_held_unplaced) = 0 AND least(rows_held, rows_held_unplaced) >= 0",
        "What waits is counted, zero included.",
    ),
    no_rows(
        "every_organisation_once",
        "SELECT count(*) AS differences FROM (SELECT organisation_code FROM core.dim_party_organisation) organisation"
        f" FULL JOIN (SELECT organisation_code, count(*) AS times FROM {ROWS} batch_rows GROUP BY 1) product"
        " ON product.organisation_code = organisation.organisation_code"
        " WHERE organisation.organisation_code IS NULL OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every organisation stands exactly once, and no other.",
    ),
    holds(
        "no_identity_number",
        "concat(name, community_name) !~ " + IDENTITY_NUMBER + " AND concat(name, community_name) !~ '1[3-9][0-9]{9}'",
        "No number of a person and no telephone is shown.",
    ),
)
