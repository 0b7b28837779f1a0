"""What must hold of the profiles of enterprises before anyone sees them."""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "enterprise_key", "credit_code", "name", "kind", "industry", "community_code", "registered_on", "closed_on",
    "registers", "market_state", "tax_state", "status_check", "status_conflict", "last_visited_on",
    "visits_12_months", "open_demands", "overdue_demands", "undated_demands", "tax_months", "tax_12_months",
    "tax_12_months_before", "tax_trend", "running_leases", "leases_ending", "leases_undated", "next_lease_end",
    "unknown_inputs", "parameter_version",
)  # fmt: skip
TRENDS = ("rising", "stable", "falling", "no_base", "unknown")

_WITHIN = (
    "(SELECT min(p.value) FROM core.product_parameters p WHERE p.subject = 'enterprise_profile'"
    " AND p.item = 'stable_within' AND p.version = parameter_version)"
)


def _without(stream: str) -> str:
    return f"'{stream}' = ANY (unknown_inputs)"


CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("key_given", "enterprise_key"),
    unique("key_once", ["enterprise_key"]),
    in_set("status_known", "status_check", ("agree", "conflict", "one_register", "unknown")),
    in_set("trend_known", "tax_trend", TRENDS),
    not_null("version_given", "parameter_version"),
    holds(
        "conflict_is_told",
        "(status_check = 'conflict') = (length(coalesce(status_conflict, '')) > 0)",
        "A contradiction between registers is told in words, and nothing else is.",
    ),
    holds(
        "comparison_needs_two",
        "status_check NOT IN ('agree', 'conflict') OR (market_state IS NOT NULL AND tax_state IS NOT NULL"
        " AND cardinality(registers) >= 2)",
        "Only what two registers say can agree or contradict.",
    ),
    holds(
        "open_and_closed_never_agree",
        "status_check <> 'agree' OR (market_state = 'open') = (tax_state = 'normal')",
        "What one register calls open and the other does not is no agreement.",
    ),
    holds(
        "unread_register_compares_nothing",
        f"NOT ({_without('market_registration.enterprises')} OR {_without('tax_registry.taxpayers')})"
        " OR status_check = 'unknown'",
        "A register that cannot be read agrees with nothing.",
    ),
    holds(
        "unread_visits_are_not_zero",
        f"NOT {_without('enterprise_visit.visits')} OR visits_12_months IS NULL",
        "Visits that cannot be read are not counted.",
    ),
    holds(
        "unread_demands_are_not_zero",
        f"NOT {_without('enterprise_demand.demands')} OR coalesce(open_demands, overdue_demands, undated_demands)"
        " IS NULL",
        "Demands that cannot be read are not counted.",
    ),
    holds(
        "unread_leases_are_not_zero",
        f"NOT {_without('lease_register.leases')} OR coalesce(running_leases, leases_ending, leases_undated) IS NULL",
        "Leases that cannot be read are not counted.",
    ),
    holds(
        "counts_add_up",
        "coalesce(overdue_demands + undated_demands <= open_demands, true)"
        " AND coalesce(leases_ending + leases_undated <= running_leases, true)"
        " AND least(visits_12_months, overdue_demands, undated_demands, leases_ending, leases_undated, 0) >= 0",
        "Parts are no more than the whole.",
    ),
    holds(
        "tax_needs_two_years",
        f"tax_trend = 'unknown' OR (tax_months = 24 AND NOT {_without('tax_analysis.collections')}"
        f" AND NOT {_without('tax_registry.taxpayers')})",
        "A trend rests on twenty-four months that could be read.",
    ),
    holds(
        "unknown_tax_has_no_sum",
        "(tax_trend = 'unknown') = (tax_12_months IS NULL) AND (tax_12_months IS NULL) ="
        " (tax_12_months_before IS NULL)",
        "Where the trend is unknown no sum is shown, and both sums are shown where it is known.",
    ),
    holds(
        "trend_follows_from_sums",
        "tax_trend = 'unknown' OR tax_trend = CASE WHEN tax_12_months_before <= 0 THEN 'no_base'"
        f" WHEN tax_12_months > tax_12_months_before * (1 + {_WITHIN}) THEN 'rising'"
        f" WHEN tax_12_months < tax_12_months_before * (1 - {_WITHIN}) THEN 'falling' ELSE 'stable' END",
        "A trend follows from the two sums beside it.",
    ),
    no_rows(
        "every_enterprise_once",
        "SELECT count(*) AS differences FROM (SELECT enterprise_key FROM core.dim_enterprise) enterprise FULL JOIN"
        f" (SELECT enterprise_key, count(*) AS times FROM {ROWS} batch_rows GROUP BY 1) product"
        " ON product.enterprise_key = enterprise.enterprise_key"
        " WHERE enterprise.enterprise_key IS NULL OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every enterprise of the registers stands exactly once, and no other.",
    ),
    holds(
        "owners_are_not_named",
        "kind = 'firm' OR name IS NULL",
        "A business that may bear its owner's name is not named.",
    ),
    holds(
        "no_identity_number",
        "coalesce(credit_code, '9') LIKE '9%' AND concat(name, industry, status_conflict) !~ " + IDENTITY_NUMBER,
        "A credit code begins with 9, which no resident's number of this country does; no other number is shown.",
    ),
)
