"""What must hold of the hotspots of incidents before anyone sees them."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "grid_code", "event_type", "community_code", "window_from", "window_to", "level", "incidents", "incidents_before",
    "share_of_grid", "rate_per_1000_doors", "ratio_to_town", "trend", "few", "doors", "placed_share", "unknown_inputs",
    "method_version", "rows_held", "rows_held_unplaced",
)  # fmt: skip
_PARAMETER = "(SELECT min(p.value) FROM core.event_parameters p WHERE p.item = '{}' AND p.version = method_version)"
_FEW = _PARAMETER.format("few_below")

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("grid_given", "grid_code"),
    not_null("type_given", "event_type"),
    unique("cell_once", ["grid_code", "event_type"]),
    not_null("version_given", "method_version"),
    in_set("level_known", "level", ("high", "raised", "usual", "low", "few", "unknown")),
    in_set("trend_known", "trend", ("rising", "falling", "steady", "unknown")),
    holds(
        "window_has_its_days",
        f"window_to - window_from + 1 = {_PARAMETER.format('window_days')}",
        "The window is as long as the parameter says.",
    ),
    holds(
        "few_or_unknown_say_no_rate",
        "level NOT IN ('few', 'unknown') OR (rate_per_1000_doors IS NULL AND ratio_to_town IS NULL"
        " AND share_of_grid IS NULL AND trend = 'unknown')",
        "Chance and ignorance have no rate and no trend.",
    ),
    holds(
        "level_rests_on_enough",
        f"level IN ('few', 'unknown') OR coalesce(incidents >= {_FEW}, false)",
        "A level rests on as many incidents as the minimum.",
    ),
    holds("few_says_so", "few = (level = 'few')", "What is greyed for its small count says so."),
    holds("few_is_few", f"level <> 'few' OR coalesce(incidents, 0) < {_FEW}", "Few is below the minimum."),
    holds(
        "unknown_input_is_unknown",
        "cardinality(unknown_inputs) = 0 OR level = 'unknown'",
        "A count that lacks an input is unknown.",
    ),
    holds(
        "held_counted",
        "num_nulls(rows_held, rows_held_unplaced) = 0 AND least(rows_held, rows_held_unplaced) >= 0",
        "What waits is counted, zero included.",
    ),
    holds("unknown_has_no_count", "level <> 'unknown' OR incidents IS NULL", "An unknown count is not shown."),
    holds(
        "level_follows_ratio",
        "level IN ('few', 'unknown') OR level = CASE"
        f" WHEN ratio_to_town >= {_PARAMETER.format('high_from')} THEN 'high'"
        f" WHEN ratio_to_town >= {_PARAMETER.format('raised_from')} THEN 'raised'"
        f" WHEN ratio_to_town <= {_PARAMETER.format('low_to')} THEN 'low' ELSE 'usual' END"
        # Shown with three decimals: at a line the shown value may lie on its other side.
        f" OR least(abs(ratio_to_town - {_PARAMETER.format('high_from')}),"
        f" abs(ratio_to_town - {_PARAMETER.format('raised_from')}),"
        f" abs(ratio_to_town - {_PARAMETER.format('low_to')})) <= 0.0005",
        "A level is read from the ratio and from nothing else.",
    ),
    holds(
        "rate_is_count_over_doors",
        "rate_per_1000_doors IS NULL OR abs(rate_per_1000_doors * doors / 1000 - incidents) < 0.5",
        "A rate is the count over the doors.",
    ),
    holds(
        "shares_are_shares",
        "coalesce(share_of_grid, 0) BETWEEN 0 AND 1 AND coalesce(placed_share, 0) BETWEEN 0 AND 1",
        "Shares lie between 0 and 1.",
    ),
    no_rows(
        "share_is_of_what_is_shown",
        f"SELECT count(*) AS leaks FROM (SELECT share_of_grid, incidents, sum(incidents) OVER (PARTITION BY grid_code)"
        f" AS shown FROM {ROWS} batch_rows) product WHERE share_of_grid IS NOT NULL"
        " AND abs(share_of_grid - incidents::numeric / shown) <= 0.00005 IS NOT TRUE HAVING count(*) > 0",
        "A share is of the counts that are shown, so that none that is not can be reckoned from it.",
    ),
    no_rows(
        "few_between_persons_not_counted",
        f"SELECT count(*) AS shown FROM {ROWS} product JOIN core.event_types t ON t.event_type = product.event_type"
        f" WHERE t.between_persons AND (product.incidents BETWEEN 1 AND {_FEW} - 1"
        f" OR product.incidents_before BETWEEN 1 AND {_FEW} - 1) HAVING count(*) > 0",
        "A small number of incidents between persons is not shown.",
    ),
    no_rows(
        "every_grid_and_kind_once",
        "SELECT count(*) AS differences FROM (SELECT g.grid_code, t.event_type FROM core.dim_grid g"
        " CROSS JOIN core.event_types t) cell FULL JOIN"
        f" (SELECT grid_code, event_type, count(*) AS times FROM {ROWS} batch_rows GROUP BY 1, 2) product"
        " ON product.grid_code = cell.grid_code AND product.event_type = cell.event_type"
        " WHERE cell.grid_code IS NULL OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every grid of the map stands once with every kind, and no other.",
    ),
    no_rows(
        "counts_are_of_the_incidents",
        f"SELECT count(*) AS differences FROM {ROWS} product LEFT JOIN"
        " (SELECT e.grid_code, e.event_type, count(*) AS incidents FROM candidate.int_event_incident e JOIN"
        f" (SELECT min(window_from) AS first, max(window_to) AS last FROM {ROWS} batch_rows) w"
        " ON e.reported_on BETWEEN w.first AND w.last WHERE e.state <> 'dismissed' GROUP BY 1, 2) found"
        " ON found.grid_code = product.grid_code AND found.event_type = product.event_type"
        " WHERE product.incidents <> coalesce(found.incidents, 0) HAVING count(*) > 0",
        "The counts are those of the incidents of this very build, before the grid of some is held back.",
    ),
)
