"""公共服务: where residents are served, and what their communities deliberated on."""

from __future__ import annotations

from quality.families.shape import Family, Product

SERVICE = Family(
    name="service",
    products=(
        Product(
            name="service_point",
            key_columns=("service_point_key",),
            identity_columns=(),
            purpose="public_service",
            owner="镇党群办",
            audience=("townhub_app_service",),
            unknown="place = 'unknown' OR state = 'unknown'",
            example="SELECT service, community_name, count(*) FROM serving.service_point GROUP BY 1, 2",
        ),
        Product(
            name="deliberation",
            key_columns=("topic_no",),
            identity_columns=(),
            purpose="public_service",
            owner="镇党群办",
            audience=("townhub_app_service",),
            unknown="outcome = 'unknown'",
            example="SELECT community_name, title, valid_votes, outcome"
            " FROM serving.deliberation ORDER BY opened_on DESC LIMIT 10",
        ),
    ),
    inputs=(
        ("service_circle", "places"),
        ("party_building", "service_points"),
        ("deliberation", "topics"),
        ("deliberation", "tallies"),
        ("grid_map", "communities"),
    ),
    base=(("service_circle", "places"), ("deliberation", "topics")),
)
