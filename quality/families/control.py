"""智慧防控: the care of elderly people living alone, by what their door sensors say."""

from __future__ import annotations

from quality.families.shape import Family, Product

CONTROL = Family(
    name="control",
    products=(
        Product(
            name="elder_care_alarm",
            key_columns=("device_id",),
            identity_columns=(),
            purpose="elder_care",
            owner="镇民政办",
            audience=("townhub_app_control",),
            unknown="state = 'unknown'",
            example="SELECT grid_code, state, next_step FROM serving.elder_care_alarm WHERE state <> 'normal'",
        ),
    ),
    inputs=(
        ("elder_door_sensor", "devices"),
        ("elder_door_sensor", "readings"),
        ("standard_address", "addresses"),
    ),
    base=(("elder_door_sensor", "devices"),),
)
