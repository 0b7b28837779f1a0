"""What must hold of the repairs of estates before anyone sees them."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "estate", "community_code", "finding", "reported", "accepted", "repairing", "done", "overdue",
    "median_hours_to_accept", "median_hours_to_begin", "median_hours_to_repair", "median_hours_to_done",
    "unknown_inputs", "method_version", "rows_held_unplaced",
)  # fmt: skip
_MEDIANS = "median_hours_to_accept, median_hours_to_begin, median_hours_to_repair, median_hours_to_done"
_MEDIAN_FROM = (
    "(SELECT min(p.value) FROM core.event_parameters p WHERE p.item = 'repair_median_from'"
    " AND p.version = method_version)"
)

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("estate_given", "estate"),
    unique("estate_once", ["estate"]),
    in_set("finding_known", "finding", ("known", "unknown")),
    not_null("version_given", "method_version"),
    holds(
        "unknown_has_no_figure",
        "CASE WHEN finding = 'known' THEN num_nulls(reported, accepted, repairing, done, overdue) = 0"
        f" ELSE num_nonnulls(reported, accepted, repairing, done, overdue, {_MEDIANS}) = 0 END",
        "An unknown estate says nothing, a known one everything.",
    ),
    holds(
        "unknown_input_is_unknown",
        "(cardinality(unknown_inputs) > 0) = (finding = 'unknown')",
        "What lacks an input is unknown, and nothing else is.",
    ),
    holds(
        "overdue_are_open",
        "coalesce(overdue BETWEEN 0 AND reported + accepted + repairing, true)",
        "What is overdue is not done.",
    ),
    holds(
        "figures_not_negative",
        f"coalesce(least(reported, accepted, repairing, done, {_MEDIANS}) >= 0, true)",
        "Neither counts nor hours are negative.",
    ),
    holds(
        "medians_rest_on_enough",
        f"num_nonnulls({_MEDIANS}) = 0 OR coalesce(done >= {_MEDIAN_FROM}, false)",
        "A median rests on as many repairs as the minimum.",
    ),
    no_rows(
        "community_on_map",
        f"SELECT count(*) AS strays FROM {ROWS} product LEFT JOIN core.dim_community c"
        " ON c.community_code = product.community_code"
        " WHERE product.community_code IS NOT NULL AND c.community_code IS NULL HAVING count(*) > 0",
        "A community that is shown is on the map.",
    ),
    no_rows(
        "every_open_repair_counted",
        "SELECT 1 AS breach FROM (SELECT count(*) FILTER (WHERE finding = 'unknown') AS unknown,"
        f" sum(reported + accepted + repairing) AS open FROM {ROWS} batch_rows) product,"
        " (SELECT count(*) AS open FROM core.fct_repair WHERE state <> 'done' AND reported_on <="
        " (SELECT as_of FROM control.candidate WHERE family = 'enforcement' ORDER BY candidate_id DESC LIMIT 1)) found"
        " WHERE product.unknown = 0 AND product.open IS DISTINCT FROM found.open",
        "Every open repair is counted once.",
    ),
)
