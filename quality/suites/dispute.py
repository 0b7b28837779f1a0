"""What must hold of the counts of disputes before anyone sees them."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "community_code", "category", "month", "cell", "opened", "mediated", "agreed", "open_beyond_limit",
    "open_without_limit", "unknown_inputs", "method_version", "rows_held_unplaced",
)  # fmt: skip
CATEGORIES = ("neighbours", "family", "labour", "property_management", "tenancy", "consumer")
_CATEGORIES = ", ".join(f"'{category}'" for category in CATEGORIES)
_CELL_FROM = (
    "(SELECT min(p.value) FROM core.event_parameters p WHERE p.item = 'dispute_cell_from'"
    " AND p.version = method_version)"
)

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("community_given", "community_code"),
    unique("cell_once", ["community_code", "category", "month"]),
    in_set("category_known", "category", CATEGORIES),
    in_set("cell_known", "cell", ("shown", "merged", "too_few", "unknown")),
    not_null("version_given", "method_version"),
    holds("month_is_a_month", "month ~ '^20[0-9][0-9]-(0[1-9]|1[0-2])$'", "A month is YYYY-MM."),
    holds(
        "small_cells_are_not_shown",
        f"cell <> 'shown' OR coalesce(opened >= {_CELL_FROM}, false)",
        "No cell of fewer disputes than the minimum is shown.",
    ),
    holds(
        "what_is_not_shown_has_no_figure",
        "CASE WHEN cell = 'shown' THEN opened IS NOT NULL"
        " ELSE num_nonnulls(opened, mediated, agreed, open_beyond_limit, open_without_limit) = 0 END",
        "What is shown has its number, and what is not has no figure.",
    ),
    holds(
        "parts_stand_on_enough",
        "num_nulls(mediated, agreed, open_beyond_limit, open_without_limit)"
        f" = CASE WHEN coalesce(opened >= 3 * {_CELL_FROM}, false) THEN 0 ELSE 4 END",
        "How disputes ended is told of three times the minimum of a cell, and of no fewer.",
    ),
    holds(
        "figures_add_up",
        "mediated IS NULL OR (agreed <= mediated AND mediated + open_beyond_limit + open_without_limit <= opened"
        " AND least(agreed, mediated, open_beyond_limit, open_without_limit) >= 0)",
        "Agreed are mediated, mediated are not open, and all are opened.",
    ),
    holds("merged_is_a_community", "cell <> 'merged' OR community_code <> 'town'", "The town is not merged."),
    holds("too_few_is_the_town", "cell <> 'too_few' OR community_code = 'town'", "Only the town is too few."),
    holds(
        "unknown_input_is_unknown",
        "(cardinality(unknown_inputs) > 0) = (cell = 'unknown')",
        "A count that lacks its input is unknown, and no other is.",
    ),
    no_rows(
        "every_community_and_kind_each_month",
        "SELECT count(*) AS differences FROM (SELECT c.community_code, k.category, m.month"
        " FROM (SELECT community_code FROM core.dim_community UNION ALL SELECT 'town') c"
        f" CROSS JOIN unnest(ARRAY[{_CATEGORIES}]) k (category)"
        f" CROSS JOIN (SELECT DISTINCT month FROM {ROWS} months) m) cell FULL JOIN {ROWS} product"
        " ON product.community_code = cell.community_code AND product.category = cell.category"
        " AND product.month = cell.month"
        " WHERE cell.month IS NULL OR product.month IS NULL HAVING count(*) > 0",
        "Every community and the town stand with every kind in every month.",
    ),
    no_rows(
        "shown_are_the_disputes",
        f"SELECT count(*) AS differences FROM {ROWS} product LEFT JOIN (SELECT community_code, category,"
        " to_char(accepted_on, 'YYYY-MM') AS month, count(*) AS opened FROM core.fct_dispute WHERE accepted_on <="
        " (SELECT as_of FROM control.candidate WHERE family = 'enforcement' ORDER BY candidate_id DESC LIMIT 1)"
        " GROUP BY 1, 2, 3) d ON d.community_code = product.community_code AND d.category = product.category"
        " AND d.month = product.month WHERE product.community_code <> 'town' AND product.opened <>"
        " coalesce(d.opened, 0) HAVING count(*) > 0",
        "What is shown of a community are its disputes.",
    ),
)
