"""智慧执法 and 邻里E家: what happens in town, how far it has come, and whether it ended in time."""

from __future__ import annotations

from quality.families.shape import Family, Product

_OWNER = "镇综合执法办"
_AUDIENCE = ("townhub_app_enforcement",)
_PURPOSE = "event_handling"

ENFORCEMENT = Family(
    name="enforcement",
    products=(
        Product(
            name="event",
            key_columns=("incident_key",),
            identity_columns=("incident_key",),
            purpose=_PURPOSE,
            owner=_OWNER,
            audience=_AUDIENCE,
            unknown="state = 'unknown' OR (state = 'closed' AND closed_in_time IS NULL)",
            example="SELECT event_type, count(*) FROM serving.event WHERE overdue GROUP BY 1 ORDER BY 2 DESC",
        ),
        Product(
            name="event_hotspot",
            key_columns=("grid_code", "event_type"),
            identity_columns=(),
            purpose=_PURPOSE,
            owner=_OWNER,
            audience=_AUDIENCE,
            unknown="level = 'unknown'",
            example="SELECT grid_code, event_type, incidents, ratio_to_town"
            " FROM serving.event_hotspot WHERE level IN ('high', 'raised')",
        ),
        Product(
            name="dispute",
            key_columns=("community_code", "category", "month"),
            identity_columns=(),
            purpose=_PURPOSE,
            owner=_OWNER,
            audience=_AUDIENCE,
            unknown="cell = 'unknown'",
            example="SELECT community_code, month, opened, agreed FROM serving.dispute WHERE opened IS NOT NULL",
        ),
        Product(
            name="repair",
            key_columns=("estate",),
            identity_columns=(),
            purpose=_PURPOSE,
            owner=_OWNER,
            audience=_AUDIENCE,
            unknown="finding = 'unknown'",
            example="SELECT estate, accepted, overdue, median_hours_to_done"
            " FROM serving.repair ORDER BY overdue DESC NULLS LAST",
        ),
        Product(
            name="community_flow",
            key_columns=("community_code", "day"),
            identity_columns=(),
            purpose=_PURPOSE,
            owner=_OWNER,
            audience=_AUDIENCE,
            unknown="finding = 'unknown'",
            example="SELECT community_code, day, passes_in, coverage"
            " FROM serving.community_flow WHERE finding = 'known'",
        ),
    ),
    inputs=(
        ("four_platform", "events"),
        ("police_110", "incidents"),
        ("fire_119", "incidents"),
        ("snapshot_report", "reports"),
        ("hotline_12345", "orders"),
        ("city_management", "cases"),
        ("city_eye", "alarms"),
        ("safety_patrol", "patrols"),
        ("grid_app", "reports"),
        ("high_altitude_video", "alarms"),
        ("drone_patrol", "findings"),
        ("dispute_mediation", "cases"),
        ("neighbour_service", "repairs"),
        ("smart_community", "devices"),
        ("smart_community", "hourly_counts"),
        ("grid_map", "grids"),
        ("grid_map", "communities"),
        ("standard_address", "addresses"),
    ),
    base=(("four_platform", "events"), ("grid_map", "grids"), ("grid_map", "communities")),
)
