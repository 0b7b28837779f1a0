"""What must hold of the closing of hazards before anyone sees it."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique
from quality.suites._safety import DAY
from quality.suites.premises_risk import CATEGORIES

COLUMNS = (
    "grid_code", "category", "community_code", "state", "hazards", "open_hazards", "overdue", "unconfirmed",
    "closed_on_time", "closed_late", "median_days_to_close", "reinspected_share", "unknown_inputs",
    "rows_held",
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("grid_given", "grid_code"),
    unique("pair_once", ["grid_code", "category"]),
    in_set("category_known", "category", (*CATEGORIES, "unknown")),
    in_set("state_known", "state", ("known", "incomplete", "unknown")),
    holds(
        "held_is_incomplete",
        "coalesce(state = 'unknown' OR (state = 'incomplete') = (rows_held > 0), false)",
        "Where hazards wait in quarantine the figures are not called whole.",
    ),
    holds(
        "unknown_tells_no_figure",
        "(state = 'unknown') = (cardinality(unknown_inputs) > 0)"
        " AND (state <> 'unknown' OR num_nonnulls(hazards, open_hazards, overdue, unconfirmed, closed_on_time,"
        " closed_late, median_days_to_close, reinspected_share) = 0)",
        "Without an input no figure is told, and the input is named.",
    ),
    holds(
        "known_is_counted",
        "state = 'unknown' OR num_nulls(hazards, open_hazards, overdue, unconfirmed, closed_on_time, closed_late) = 0",
        "What is known is counted, zero included.",
    ),
    holds(
        "counts_add_up",
        "state = 'unknown' OR (hazards = open_hazards + unconfirmed + closed_on_time + closed_late"
        " AND overdue <= open_hazards AND least(overdue, unconfirmed, closed_on_time, closed_late) >= 0)",
        "Every hazard is open, unconfirmed or closed.",
    ),
    holds(
        "share_follows",
        "state = 'unknown' OR CASE WHEN unconfirmed + closed_on_time + closed_late = 0 THEN reinspected_share IS NULL"
        " ELSE abs(reinspected_share - (closed_on_time + closed_late)::numeric"
        " / (unconfirmed + closed_on_time + closed_late)) < 0.0001 END",
        "The share of re-inspected ones is that of its counts.",
    ),
    holds(
        "median_of_closed",
        "state = 'unknown' OR (median_days_to_close IS NULL) = (closed_on_time + closed_late = 0)",
        "A median stands where something was closed.",
    ),
    holds("median_not_negative", "coalesce(median_days_to_close, 0) >= 0", "Nothing is mended before it is found."),
    no_rows(
        "every_grid_in_every_category",
        "SELECT count(*) AS missing FROM core.dim_grid g CROSS JOIN"
        f" (SELECT DISTINCT category FROM {ROWS} seen WHERE category <> 'unknown') c"
        f" LEFT JOIN {ROWS} product ON product.grid_code = g.grid_code AND product.category = c.category"
        " WHERE product.grid_code IS NULL HAVING count(*) > 0",
        "No grid is left out of a category.",
    ),
    no_rows(
        "grid_on_map",
        f"SELECT count(*) AS strays FROM {ROWS} product LEFT JOIN core.dim_grid g ON g.grid_code = product.grid_code"
        " WHERE product.grid_code <> 'unplaced' AND g.grid_code IS NULL HAVING count(*) > 0",
        "A grid that is shown is on the map.",
    ),
    no_rows(
        "open_hazards_all_counted",
        "SELECT 1 AS breach FROM (SELECT count(*) AS waiting FROM core.fct_hazard"
        f" WHERE state <> 'closed' AND found_on <= {DAY}) f"
        " CROSS JOIN (SELECT sum(open_hazards + unconfirmed) AS counted, bool_or(state = 'unknown') AS unknown"
        f" FROM {ROWS} product) c WHERE NOT c.unknown AND c.counted < f.waiting",
        "No hazard that waits is lost on the way.",
    ),
)
