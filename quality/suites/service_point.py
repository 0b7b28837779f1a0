"""What must hold of the places that serve residents before anyone sees them."""

from __future__ import annotations

from quality.checks import IDENTITY_NUMBER, ROWS, Check, columns, holds, in_set, no_rows, not_null, unique

COLUMNS = (
    "service_point_key", "source", "name", "kind", "service", "community_code", "community_name", "address",
    "longitude", "latitude", "place", "opening_hours", "opening", "state", "unknown_inputs",
    "rows_held", "rows_held_unplaced",
)  # fmt: skip
KINDS = (
    "elder_care", "child_care", "health", "market", "culture", "sport", "daily_service", "public_office",
    "party_service",
)  # fmt: skip

CHECKS: tuple[Check, ...] = (
    columns("columns", COLUMNS),
    not_null("point_given", "service_point_key"),
    unique("point_once", ["service_point_key"]),
    not_null("name_given", "name"),
    in_set("source_known", "source", ("service_circle", "party_building")),
    in_set("kind_known", "kind", KINDS),
    in_set("state_known", "state", ("open", "closed", "unknown")),
    holds(
        "place_is_whole",
        "(place = 'known') = (longitude IS NOT NULL) AND (longitude IS NULL) = (latitude IS NULL)"
        " AND place IN ('known', 'unknown')",
        "A place that is known has both coordinates, and one that is not has none.",
    ),
    holds(
        "opening_says_what_is_stated",
        "(opening = 'unknown') = (trim(coalesce(opening_hours, '')) = '')"
        " AND opening IN ('hours', 'all_day', 'words', 'unknown')",
        "A place whose hours nobody stated says so.",
    ),
    holds(
        "unread_register_says_nothing",
        "(cardinality(unknown_inputs) = 0 OR state = 'unknown')"
        " AND (state <> 'unknown' OR cardinality(unknown_inputs) > 0 OR rows_held > 0)",
        "A place of a register that cannot be read is neither open nor closed, no other is unknown.",
    ),
    holds(
        "held_never_open",
        "coalesce(rows_held_unplaced >= 0 AND (rows_held = 0 OR state <> 'open'), false)",
        "A place whose newer row waits in quarantine is not called open.",
    ),
    no_rows(
        "every_point_once",
        "SELECT count(*) AS differences FROM (SELECT service_point_key FROM core.dim_service_point) point FULL JOIN"
        f" (SELECT service_point_key, count(*) AS times FROM {ROWS} batch_rows GROUP BY 1) product"
        " ON product.service_point_key = point.service_point_key"
        " WHERE point.service_point_key IS NULL OR coalesce(product.times, 0) <> 1 HAVING count(*) > 0",
        "Every service point stands exactly once, and no other.",
    ),
    holds(
        "no_identity_number",
        "concat(name, service, address) !~ "
        + IDENTITY_NUMBER
        + " AND concat_ws(' ', name, service, opening_hours) !~ '1[3-9][0-9]{9}'",
        "No number of a person and no telephone is shown.",
    ),
)
