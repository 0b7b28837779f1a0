"""智慧党建: the organisations of the communities as numbers, without any member."""

from __future__ import annotations

from quality.families.shape import Family, Product

PARTY = Family(
    name="party",
    products=(
        Product(
            name="party_organisation",
            key_columns=("organisation_code",),
            identity_columns=(),
            purpose="party_service",
            owner="镇党群办",
            audience=("townhub_app_party",),
            unknown="state IN ('unknown', 'stale') OR cardinality(unknown_parts) > 0",
            example="SELECT community_name, branches, service_points, activities_12_months"
            " FROM serving.party_organisation",
        ),
    ),
    inputs=(
        ("party_building", "organisations"),
        ("party_building", "service_points"),
        ("party_building", "activities"),
        ("grid_map", "communities"),
    ),
    base=(("party_building", "organisations"),),
)
