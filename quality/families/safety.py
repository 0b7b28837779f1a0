"""智慧平安: how safe coded premises and grids are."""

from __future__ import annotations

from quality.families.shape import Family, Product

SAFETY = Family(
    name="safety",
    products=(
        Product(
            name="premises_risk",
            key_columns=("premises_code",),
            identity_columns=("premises_key", "enterprise_key"),
            purpose="premises_safety",
            owner="镇平安办",
            audience=("townhub_app_safety",),
            unknown="colour = 'grey'",
            example="SELECT colour, count(*) FROM serving.premises_risk GROUP BY 1 ORDER BY 2 DESC",
        ),
        Product(
            name="grid_risk",
            key_columns=("grid_code",),
            identity_columns=(),
            purpose="premises_safety",
            owner="镇平安办",
            audience=("townhub_app_safety",),
            unknown="colour = 'grey'",
            example="SELECT grid_code, colour, red_count, reason"
            " FROM serving.grid_risk ORDER BY shrunk_score DESC NULLS LAST LIMIT 5",
        ),
        Product(
            name="inspection_plan",
            key_columns=("premises_code",),
            identity_columns=("premises_key",),
            purpose="premises_safety",
            owner="镇平安办",
            audience=("townhub_app_safety",),
            unknown="state = 'unknown'",
            example="SELECT grid_code, state, count(*)"
            " FROM serving.inspection_plan WHERE state <> 'later' GROUP BY 1, 2",
        ),
        Product(
            name="hazard_closure",
            key_columns=("grid_code", "category"),
            identity_columns=(),
            purpose="premises_safety",
            owner="镇平安办",
            audience=("townhub_app_safety",),
            unknown="state = 'unknown'",
            example="SELECT category, sum(open_hazards), sum(overdue) FROM serving.hazard_closure GROUP BY 1",
        ),
        Product(
            name="uninspected_premises",
            key_columns=("register", "record_key"),
            identity_columns=("premises_key",),
            purpose="premises_safety",
            owner="镇平安办",
            audience=("townhub_app_safety",),
            unknown="finding = 'unknown'",
            example="SELECT register, category, count(*)"
            " FROM serving.uninspected_premises WHERE finding = 'uncovered' GROUP BY 1, 2",
        ),
    ),
    inputs=(
        ("safety_inspection", "premises"),
        ("safety_inspection", "inspections"),
        ("safety_inspection", "hazards"),
        ("fire_119", "incidents"),
        ("grid_map", "grids"),
        ("grid_map", "communities"),
        ("standard_address", "addresses"),
        ("fire_supervision", "inspections"),
        ("construction_site", "sites"),
        ("construction_site", "dust_readings"),
        ("hazmat_enterprise", "licences"),
        ("property_register", "rentals"),
        ("smoke_sensor", "installations"),
        ("smoke_sensor", "messages"),
        ("administrative_penalty", "penalties"),
        ("safety_patrol", "patrols"),
        ("market_registration", "enterprises"),
    ),
    base=(("safety_inspection", "premises"), ("grid_map", "grids")),
)
