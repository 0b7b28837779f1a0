"""What must hold of the safety colours of premises before anyone sees them.

The thresholds stand in the seed `risk_weights` (core.risk_weights); here they are read, not repeated.
"""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

CATEGORIES = (
    "street_shop", "key_security", "rental_housing", "hazmat_producer",
    "labour_intensive", "construction_site", "crowded_place", "general_enterprise",
)  # fmt: skip
COLUMNS = (
    "premises_code", "premises_key", "enterprise_key", "name", "category", "grid_code", "community_code",
    "longitude", "latitude", "score", "colour", "reason", "points", "gates", "unknown_inputs",
    "last_inspected_on", "next_inspection_due", "overdue", "score_version", "held_inputs",
)  # fmt: skip

_RED_FROM = (
    "(SELECT min(w.value) FROM core.risk_weights w WHERE w.subject = 'colour' AND w.item = 'red_from'"
    " AND w.version = score_version)"
)
_YELLOW_FROM = _RED_FROM.replace("red_from", "yellow_from")
_SUM_OF_POINTS = "(SELECT coalesce(sum((p ->> 'points')::numeric), 0) FROM jsonb_array_elements(points) p)"

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("code_given", "premises_code"),
    unique("code_once", ["premises_code"]),
    in_set("colour_known", "colour", ("red", "yellow", "green", "grey")),
    in_set("category_known", "category", CATEGORIES),
    not_null("overdue_given", "overdue"),
    not_null("version_given", "score_version"),
    holds("reason_given", "length(trim(reason)) > 0 AND position(colour in reason) = 1", "Every colour says why."),
    holds("score_bounded", "score IS NULL OR score BETWEEN 0 AND 100", "A score lies between 0 and 100."),
    holds(
        "score_is_sum_of_points",
        f"score IS NULL OR score = greatest(0, least(100, round({_SUM_OF_POINTS})))",
        "A score is the sum of the points that are shown.",
    ),
    holds(
        "points_say_rule",
        "NOT EXISTS (SELECT FROM jsonb_array_elements(points) p"
        " WHERE coalesce(p ->> 'rule', '') = '' OR jsonb_typeof(p -> 'points') IS DISTINCT FROM 'number')",
        "Every point names its rule.",
    ),
    holds(
        "red_iff_score_or_gate",
        f"colour = 'grey' OR (colour = 'red') = (cardinality(gates) > 0 OR coalesce(score >= {_RED_FROM}, false))",
        "Red exactly when a gate holds or the score reaches the red line.",
    ),
    holds(
        "yellow_between_lines",
        f"colour NOT IN ('yellow', 'green') OR (score < {_RED_FROM}"
        f" AND (colour = 'yellow') = (score >= {_YELLOW_FROM}))",
        "Yellow and green lie on their side of the yellow line.",
    ),
    holds(
        "gated_never_mild", "cardinality(gates) = 0 OR colour IN ('red', 'grey')", "A gate is never yellow or green."
    ),
    holds("overdue_never_green", "NOT (overdue AND colour = 'green')", "Overdue premises are never green."),
    holds(
        "never_inspected_not_mild",
        "last_inspected_on IS NOT NULL OR colour IN ('red', 'grey')",
        "Premises that nobody visited are neither yellow nor green.",
    ),
    holds(
        "unknown_input_is_grey",
        "cardinality(unknown_inputs) = 0 OR colour = 'grey' OR (colour = 'red' AND cardinality(gates) > 0)",
        "An input that cannot be used makes grey, but for a gate that is certain.",
    ),
    holds(
        "held_never_green",
        "NOT (cardinality(held_inputs) > 0 AND colour = 'green')",
        "What rows wait about is not green.",
    ),
    holds(
        "held_inputs_told",
        "held_inputs IS NOT NULL AND (cardinality(held_inputs) = 0 OR position('held: ' in reason) > 0)",
        "What waits is told.",
    ),
    holds("unknown_input_no_score", "cardinality(unknown_inputs) = 0 OR score IS NULL", "A partial sum is no score."),
    holds("coloured_has_score", "colour IN ('grey', 'red') OR score IS NOT NULL", "Yellow and green have a score."),
    holds("place_whole", "(longitude IS NULL) = (latitude IS NULL)", "A place has both coordinates or none."),
    no_rows(
        "grid_on_map",
        f"SELECT count(*) AS strays FROM {ROWS} product LEFT JOIN core.dim_grid g ON g.grid_code = product.grid_code"
        " WHERE product.grid_code IS NOT NULL AND g.grid_code IS NULL HAVING count(*) > 0",
        "A grid code that is shown is on the map.",
    ),
    no_rows(
        "every_open_premises_once",
        "SELECT count(*) AS differences FROM"
        " (SELECT premises_code FROM core.dim_premises WHERE state = 'open') open_premises"
        f" FULL JOIN (SELECT premises_code, count(*) AS times FROM {ROWS} batch_rows GROUP BY 1) product"
        " ON product.premises_code = open_premises.premises_code"
        " WHERE open_premises.premises_code IS NULL OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every open coded premises stands exactly once, and no other.",
    ),
    holds(
        "no_identity_number",
        "(name || reason || points::text) !~ " + IDENTITY_NUMBER,
        "No identity number is shown.",
    ),
)
