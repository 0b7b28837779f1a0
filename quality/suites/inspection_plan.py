"""What must hold of the plan of inspections before anyone sees it."""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique
from quality.suites._safety import DAY

COLUMNS = (
    "premises_code", "premises_key", "name", "category", "grid_code", "community_code", "colour", "state", "due_on",
    "days_overdue", "last_inspected_on", "last_inspector", "open_hazards", "unconfirmed_hazards",
    "needs_other_inspector", "not_by", "drawn", "draw_reason", "reason", "unknown_inputs", "score_version",
    "held_inputs",
)  # fmt: skip

_SHARE = (
    "SELECT w.value FROM core.risk_weights w WHERE w.subject = 'plan' AND w.item = 'random_share'"
    f" AND w.version = (SELECT min(score_version) FROM {ROWS} dated)"
)

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("code_given", "premises_code"),
    unique("code_once", ["premises_code"]),
    in_set("colour_known", "colour", ("red", "yellow", "green", "grey")),
    in_set("state_known", "state", ("overdue", "due", "later", "unknown")),
    not_null("drawn_given", "drawn"),
    not_null("version_given", "score_version"),
    holds("reason_given", "position(state || ':' in reason) = 1", "Every state says why."),
    holds("unknown_has_no_day", "(state = 'unknown') = (due_on IS NULL)", "Unknown has no day, all others have one."),
    holds(
        "unknown_says_what_is_missing",
        "state <> 'unknown' OR cardinality(unknown_inputs) > 0",
        "Unknown names what is missing.",
    ),
    holds(
        "state_follows_the_day",
        f"state = 'unknown' OR (state = 'overdue') = (due_on < {DAY})",
        "Overdue is what was due before the day, and nothing else.",
    ),
    holds(
        "days_overdue_counted",
        f"state = 'unknown' OR days_overdue = greatest(0, {DAY} - due_on)",
        "Days overdue are those since the due day.",
    ),
    holds("grey_is_at_once", "colour <> 'grey' OR state <> 'later'", "What nobody knows is not put off."),
    holds(
        "waiting_hazard_needs_another",
        "needs_other_inspector = (open_hazards > 0) AND unconfirmed_hazards BETWEEN 0 AND open_hazards",
        "Where a hazard waits, somebody else has to look.",
    ),
    holds(
        "nobody_kept_out_without_hazard",
        "cardinality(not_by) = 0 OR needs_other_inspector",
        "Nobody is kept out where no hazard waits.",
    ),
    holds(
        "staff_by_number",
        "coalesce(last_inspector, '') || array_to_string(not_by, '') ~ '^[A-Za-z0-9]*$'",
        "Staff are told by number, never by name.",
    ),
    holds(
        "draw_explained",
        "position(CASE WHEN drawn THEN 'drawn for' ELSE 'not drawn for' END in draw_reason) = 1",
        "Every draw says what it was.",
    ),
    no_rows(
        "draw_is_fair",
        f"SELECT 1 AS breach FROM (SELECT count(*) AS n, count(*) FILTER (WHERE drawn) AS hits, ({_SHARE}) AS p"
        f" FROM {ROWS} tickets) t WHERE p IS NULL OR abs(hits - n * p) > 5 * sqrt(n * p * (1 - p))",
        "The random slice is as large as its parameter says, within five standard deviations.",
    ),
    no_rows(
        "every_risk_planned_once",
        "SELECT count(*) AS differences FROM (SELECT premises_code, colour FROM candidate.premises_risk) risk"
        f" FULL JOIN (SELECT premises_code, min(colour) AS colour, count(*) AS times FROM {ROWS} batch_rows"
        " GROUP BY 1) product ON product.premises_code = risk.premises_code"
        " WHERE product.colour IS DISTINCT FROM risk.colour OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every premises of this candidate's colours is planned once, by that colour.",
    ),
    holds(
        "no_identity_number",
        "(name || reason) !~ " + IDENTITY_NUMBER,
        "No identity number is shown.",
    ),
)
