"""What must hold of the reconciliation with the case study before anyone sees it."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "figure_code", "module", "label", "unit", "stated_low", "stated_high", "scale_free", "note", "hub_value",
    "ratio", "state", "reason", "unknown_inputs", "figure_version",
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("figure_given", "figure_code"),
    unique("figure_once", ["figure_code"]),
    in_set("state_known", "state", ("counted", "unknown", "not_permitted", "not_counted")),
    not_null("label_given", "label"),
    not_null("version_given", "figure_version"),
    holds("reason_given", "length(trim(reason)) > 0", "Every figure says what was counted, or why not."),
    holds(
        "only_counted_has_value",
        "(state = 'counted') = (hub_value IS NOT NULL) AND (ratio IS NULL OR hub_value IS NOT NULL)",
        "A figure that was not counted has no value.",
    ),
    holds(
        "unread_input_is_unknown",
        "cardinality(unknown_inputs) = 0 OR state = 'unknown'",
        "A figure that rests on an input that cannot be used is unknown.",
    ),
    holds(
        "ratio_follows",
        "ratio IS NULL OR abs(ratio - hub_value / ((stated_low + stated_high) / 2)) < 0.001",
        "The ratio is the hub's value over the middle of what the case study says.",
    ),
    holds("span_in_order", "coalesce(stated_low <= stated_high, true)", "A span has its lower end first."),
    holds(
        "shares_are_shares",
        "unit <> 'share' OR hub_value IS NULL OR hub_value >= 0",
        "A share is not below zero.",
    ),
    holds(
        "left_out_stays_left_out",
        "module <> 'party' OR state = 'not_permitted'",
        "Party data serve no overview: no declassification names them, and none may.",
    ),
    no_rows(
        "figures_are_those_of_the_seed",
        "SELECT count(*) AS differences FROM (SELECT figure_code, version FROM core.case_study_figures) stated"
        f" FULL JOIN {ROWS} product ON product.figure_code = stated.figure_code"
        " AND product.figure_version = stated.version"
        f" WHERE product.figure_code IS NULL AND stated.version IN (SELECT figure_version FROM {ROWS} versions)"
        " OR stated.figure_code IS NULL HAVING count(*) > 0",
        "Every figure of the named version stands, and no other.",
    ),
)
