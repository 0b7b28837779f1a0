"""数据总览: what the town says of itself in numbers, and how far the case study's numbers are met.

The sums that `case_study` shows of other purposes' systems are permitted one by one in quality/declassifications.yml;
those systems are no inputs of the family, because their own purposes do not serve the overview: where one cannot be
used, the figures that rest on it are unknown.
"""

from __future__ import annotations

from quality.families.shape import Family, Product

OVERVIEW = Family(
    name="overview",
    products=(
        Product(
            name="town_indicator",
            key_columns=("indicator_code", "provider"),
            identity_columns=(),
            purpose="town_overview",
            owner="镇数据办",
            audience=("townhub_app_overview",),
            unknown="state IN ('unknown', 'stale')",
            example="SELECT name, provider, value, unit, comparability FROM serving.town_indicator ORDER BY 1, 2",
        ),
        Product(
            name="topic",
            key_columns=("topic", "published_on"),
            identity_columns=(),
            purpose="town_overview",
            owner="镇数据办",
            audience=("townhub_app_overview",),
            unknown="mood = 'unknown'",
            example="SELECT topic, sum(items) FROM serving.topic GROUP BY 1 ORDER BY 2 DESC LIMIT 10",
        ),
        Product(
            name="case_study",
            key_columns=("figure_code",),
            identity_columns=(),
            purpose="town_overview",
            owner="镇数据办",
            audience=("townhub_app_overview",),
            unknown="state = 'unknown'",
            example="SELECT module, label, stated_low, stated_high, hub_value, state"
            " FROM serving.case_study ORDER BY 1, 2",
        ),
    ),
    inputs=(
        ("city_brain", "indicators"),
        ("public_opinion", "items"),
        ("grid_map", "communities"),
        ("grid_map", "grids"),
    ),
    base=(("city_brain", "indicators"), ("public_opinion", "items")),
)
