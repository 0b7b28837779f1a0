"""What must hold of the passes at gates before anyone sees them."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "community_code", "day", "finding", "passes_in", "passes_out", "gates", "gates_heard", "hours_heard",
    "hours_expected", "coverage", "unknown_inputs", "method_version",
)  # fmt: skip
_PARAMETER = "(SELECT min(p.value) FROM core.event_parameters p WHERE p.item = '{}' AND p.version = method_version)"

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("community_given", "community_code"),
    unique("day_once", ["community_code", "day"]),
    in_set("finding_known", "finding", ("known", "partial", "unknown", "no_gates")),
    not_null("version_given", "method_version"),
    holds(
        "no_day_to_come",
        "day <= (SELECT as_of FROM control.candidate WHERE family = 'enforcement' ORDER BY candidate_id DESC LIMIT 1)",
        "No day after the candidate's.",
    ),
    holds(
        "coverage_is_heard_of_expected",
        "hours_expected = 24 * gates AND CASE WHEN gates = 0 THEN coverage IS NULL"
        " ELSE abs(coverage - least(1, hours_heard::numeric / hours_expected)) < 0.0001 END",
        "Coverage is the hours heard over those expected.",
    ),
    holds(
        "known_was_heard",
        f"finding <> 'known' OR coalesce(coverage >= {_PARAMETER.format('flow_known_from')} - 0.0001, false)",
        "A known count was heard nearly whole.",
    ),
    holds(
        "partial_was_half_heard",
        f"finding <> 'partial' OR coalesce(coverage >= {_PARAMETER.format('flow_unknown_below')} - 0.0001, false)",
        "A part is half of it at least.",
    ),
    holds(
        "unheard_is_no_zero",
        "CASE WHEN finding IN ('known', 'partial') THEN coalesce(least(passes_in, passes_out) >= 0, false)"
        " ELSE passes_in IS NULL AND passes_out IS NULL END",
        "What was not heard has no count.",
    ),
    holds("no_gates_means_none", "finding <> 'no_gates' OR gates = 0", "A community without gates has none."),
    holds(
        "unknown_input_is_unknown",
        "cardinality(unknown_inputs) = 0 OR finding = 'unknown'",
        "A count that lacks an input is unknown.",
    ),
    no_rows(
        "every_community_each_day",
        "SELECT count(*) AS differences FROM (SELECT c.community_code, d.day FROM core.dim_community c"
        f" CROSS JOIN (SELECT DISTINCT day FROM {ROWS} days) d) cell FULL JOIN {ROWS} product"
        " ON product.community_code = cell.community_code AND product.day = cell.day"
        " WHERE cell.day IS NULL OR product.day IS NULL HAVING count(*) > 0",
        "Every community of the map stands on every day, and no other.",
    ),
)
