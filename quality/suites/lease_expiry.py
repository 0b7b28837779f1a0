"""What must hold of the warnings about leases before anyone sees them.

The limits stand in the seed `product_parameters` (core.product_parameters); here they are read, not repeated.
"""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "lease_no", "enterprise_key", "building_code", "building_name", "room", "area_sqm", "starts_on", "ends_on",
    "term", "days_left", "warning_level", "reason", "unknown_inputs", "parameter_version",
)  # fmt: skip
LEVELS = ("lapsed", "urgent", "soon", "early", "none", "open_ended", "unknown")


def _limit(item: str) -> str:
    return (
        f"(SELECT min(p.value) FROM core.product_parameters p WHERE p.subject = 'lease_expiry' AND p.item = '{item}'"
        " AND p.version = parameter_version)"
    )


CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("lease_given", "lease_no"),
    unique("lease_once", ["lease_no"]),
    in_set("term_known", "term", ("fixed", "open_ended", "unknown")),
    in_set("level_known", "warning_level", LEVELS),
    not_null("version_given", "parameter_version"),
    holds("reason_given", "position(warning_level in reason) = 1", "Every level says why."),
    holds(
        "level_fits_days",
        "warning_level IN ('open_ended', 'unknown') OR warning_level = CASE WHEN days_left < 0 THEN 'lapsed'"
        f" WHEN days_left <= {_limit('urgent_within')} THEN 'urgent' WHEN days_left <= {_limit('soon_within')} THEN"
        f" 'soon' WHEN days_left <= {_limit('early_within')} THEN 'early' ELSE 'none' END AND days_left IS NOT NULL",
        "A level follows from the days that are left.",
    ),
    holds(
        "endless_told_apart",
        "cardinality(unknown_inputs) > 0 OR (warning_level = 'open_ended') = (term = 'open_ended')",
        "A lease without an agreed end is told apart from one whose end nobody wrote down.",
    ),
    holds(
        "undated_is_unknown",
        "term <> 'unknown' OR warning_level = 'unknown'",
        "A lease whose end nobody wrote down warns of nothing and reassures nobody.",
    ),
    holds(
        "unknown_input_is_unknown",
        "cardinality(unknown_inputs) = 0 OR warning_level = 'unknown'",
        "A register that cannot be read warns of nothing.",
    ),
    no_rows(
        "every_running_lease_once",
        "SELECT count(*) AS differences FROM (SELECT lease_no FROM core.dim_lease WHERE state = 'running') running"
        f" FULL JOIN (SELECT lease_no, count(*) AS times FROM {ROWS} batch_rows GROUP BY 1) product"
        " ON product.lease_no = running.lease_no"
        " WHERE running.lease_no IS NULL OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every running lease stands exactly once, and no other.",
    ),
    holds(
        "no_identity_number",
        "concat(building_name, room, reason) !~ "
        + IDENTITY_NUMBER
        + " AND concat(building_name, room) !~ '1[3-9][0-9]{9}'",
        "No number of a person and no telephone is shown.",
    ),
)
