"""What must hold of the safety colours of grids before anyone sees them."""

from __future__ import annotations

from quality.checks import ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "grid_code", "community_code", "name", "premises_count", "scored_count", "red_count", "yellow_count",
    "green_count", "grey_count", "coverage", "raw_score", "shrunk_score", "colour", "confidence", "reason",
    "score_version", "rows_held", "rows_held_unplaced", "community_name", "border",
)  # fmt: skip

_SPANS = (
    "SELECT array_position(ARRAY['green', 'blue', 'yellow', 'orange', 'red'], colour) AS severity,"
    f" min(shrunk_score) AS least, max(shrunk_score) AS most FROM {ROWS} graded WHERE colour <> 'grey' GROUP BY 1"
)

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("code_given", "grid_code"),
    unique("code_once", ["grid_code"]),
    in_set("colour_known", "colour", ("red", "orange", "yellow", "blue", "green", "grey")),
    in_set("confidence_known", "confidence", ("high", "medium", "low", "none")),
    not_null("version_given", "score_version"),
    holds("reason_given", "length(trim(reason)) > 0 AND position(colour in reason) = 1", "Every colour says why."),
    holds(
        "counts_add_up",
        "premises_count = red_count + yellow_count + green_count + grey_count"
        " AND scored_count BETWEEN 0 AND premises_count"
        " AND least(red_count, yellow_count, green_count, grey_count) >= 0",
        "The colours of a grid's premises add up.",
    ),
    holds(
        "coverage_is_share",
        "coverage BETWEEN 0 AND 1"
        " AND abs(coverage - coalesce(scored_count::numeric / nullif(premises_count, 0), 0)) < 0.0001",
        "Coverage is the share of premises whose colour is known.",
    ),
    holds(
        "scores_bounded",
        "coalesce(raw_score, 0) BETWEEN 0 AND 100 AND coalesce(shrunk_score, 0) BETWEEN 0 AND 100",
        "Scores lie between 0 and 100.",
    ),
    holds(
        "held_counted",
        "num_nulls(rows_held, rows_held_unplaced) = 0 AND least(rows_held, rows_held_unplaced) >= 0",
        "What waits is counted, zero included.",
    ),
    holds(
        "border_is_an_area",
        "border::jsonb ->> 'type' IN ('Polygon', 'MultiPolygon')",
        "Every grid can be drawn.",
    ),
    holds("grey_has_no_confidence", "(colour = 'grey') = (confidence = 'none')", "Grey claims no confidence."),
    holds("coloured_has_score", "colour = 'grey' OR shrunk_score IS NOT NULL", "A colour rests on a score."),
    holds(
        "few_premises_are_grey",
        "colour = 'grey' OR scored_count >= (SELECT min(w.value) FROM core.risk_weights w WHERE w.subject = 'grid'"
        " AND w.item = 'minimum_premises' AND w.version = score_version)",
        "A grid with too few known premises is grey.",
    ),
    no_rows(
        "worse_score_never_milder",
        f"SELECT 1 AS breach FROM ({_SPANS}) milder JOIN ({_SPANS}) worse"
        " ON milder.severity < worse.severity AND milder.most > worse.least",
        "A grid with a higher score never has a milder colour.",
    ),
    no_rows(
        "every_grid_once",
        "SELECT count(*) AS differences FROM (SELECT grid_code FROM core.dim_grid) grid FULL JOIN"
        f" (SELECT grid_code, count(*) AS times FROM {ROWS} batch_rows GROUP BY 1) product"
        " ON product.grid_code = grid.grid_code"
        " WHERE grid.grid_code IS NULL OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every grid of the map stands exactly once, and no other.",
    ),
    no_rows(
        "counts_match_premises",
        f"SELECT count(*) AS differences FROM {ROWS} product LEFT JOIN (SELECT grid_code, count(*) AS premises,"
        " count(*) FILTER (WHERE colour = 'red') AS red, count(*) FILTER (WHERE colour = 'yellow') AS yellow,"
        " count(*) FILTER (WHERE colour = 'green') AS green FROM candidate.premises_risk GROUP BY 1) p"
        " ON p.grid_code = product.grid_code"
        " WHERE product.premises_count <> coalesce(p.premises, 0) OR product.red_count <> coalesce(p.red, 0)"
        " OR product.yellow_count <> coalesce(p.yellow, 0) OR product.green_count <> coalesce(p.green, 0)"
        " HAVING count(*) > 0",
        "The counts are those of the premises of this very candidate.",
    ),
)
