"""Records behind the products of economy, party, service and overview, for towns of the tests that build with dbt."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.warehouse.conftest import DbtTown

FIRM, SHOP = "91110000600037341L", "92330106MA2H00006X"
OWNER, PHONE = "夏大华", "13912345679"


def land(town: DbtTown) -> None:
    """Everything. Nothing of it is of a resident."""
    _enterprises(town)
    _rooms(town)
    _service(town)


def _enterprises(town: DbtTown) -> None:
    register = {
        "registered_on": "2020-01-01",
        "updated_at": "2026-01-01",
        "legal_representative": OWNER,
        "phone": PHONE,
    }
    town.land(
        "market_registration", "enterprises",
        {"registration_no": "M1", "credit_code": FIRM, "name": "恒信贸易有限公司", "kind": "firm", "industry": "F",
         "state": "open", "address": "文一路1号", **register},
        {"registration_no": "M2", "credit_code": SHOP, "name": f"{OWNER}小吃店", "kind": "self_employed",
         "industry": "H", "state": "revoked", **register},
    )  # fmt: skip
    town.land(
        "tax_registry", "taxpayers",
        {"taxpayer_no": FIRM, "name": "恒信贸易有限公司", "state": "normal", "updated_at": "2026-01-01"},
        {"taxpayer_no": SHOP, "name": f"{OWNER}小吃店", "state": "normal", "updated_at": "2026-01-01"},
    )  # fmt: skip
    # Two whole years of the firm: a hundred a month, then two hundred; and a refund.
    for back in range(24):
        month = date(2024 + (5 + back) // 12, (5 + back) % 12 + 1, 1)
        town.land(
            "tax_analysis", "collections",
            {"taxpayer_no": FIRM, "tax_kind": "增值税", "period": f"{month:%Y-%m}", "amount": 100 if back < 12 else 200,
             "paid_on": month},
        )  # fmt: skip
    town.land(
        "tax_analysis", "collections",
        {"taxpayer_no": FIRM, "tax_kind": "印花税", "period": "2026-05", "amount": -50.5, "paid_on": "2026-06-10"},
    )  # fmt: skip
    town.land(
        "enterprise_visit", "visits",
        {"visit_no": "Z1", "enterprise_name": "恒信", "visitor": "GH1", "visited_at": "2026-05-04 10:00:00+08",
         "purpose": "routine", "problem_kind": "none", "state": "nothing_to_do", "contact_phone": PHONE,
         "problem": f"{OWNER}说", "updated_at": "2026-05-04"},
    )  # fmt: skip
    town.land(
        "enterprise_demand", "demands",
        {"demand_no": "D1", "enterprise_name": "恒信", "category": "labour", "source": "app", "content": f"{OWNER}说",
         "reported_at": "2026-06-01 10:00:00+08", "due_on": "2026-06-10", "state": "handling",
         "updated_at": "2026-06-02"},
    )  # fmt: skip
    town.link(
        "enterprise", "E1", ("market_registration", "enterprises", "M1"), ("tax_registry", "taxpayers", FIRM),
        ("enterprise_visit", "visits", "Z1"), ("enterprise_demand", "demands", "D1"),
        ("lease_register", "leases", "L1"),
    )  # fmt: skip
    town.link("enterprise", "E2", ("market_registration", "enterprises", "M2"), ("tax_registry", "taxpayers", SHOP))


def _rooms(town: DbtTown) -> None:
    lease = {"building_code": "LY1", "building_name": "锦绣大厦", "tenant_name": OWNER, "contact_phone": PHONE,
             "area_sqm": 100, "starts_on": "2024-01-01", "state": "running"}  # fmt: skip
    town.land(
        "lease_register", "leases",
        {**lease, "lease_no": "L1", "room": "301", "ends_on": "2026-07-30"},
        {**lease, "lease_no": "L2", "room": "302", "ends_on": "9999-12-31"},
        {**lease, "lease_no": "L3", "room": "303", "ends_on": None},
    )  # fmt: skip
    town.land(
        "building_economy", "buildings",
        {"building_code": "LY1", "name": "锦绣大厦", "floor_labels": "B1-9F", "area_sqm": 1000},
        {"building_code": "LY2", "name": "望江大厦", "floor_labels": "B1-9F", "area_sqm": None},
    )  # fmt: skip
    town.land(
        "building_economy", "quarters",
        {"building_code": "LY1", "year": 2026, "quarter": "1", "let_sqm": 500, "tenants": 3, "rent": 3.2},
    )  # fmt: skip


def _service(town: DbtTown) -> None:
    code = "330199103001"
    organisation = {"organisation_code": "DZZ1", "month": "2026-05"}
    town.land(
        "party_building", "organisations",
        {**organisation, "name": "听澜社区党委", "community_code": code, "branches": 3, "members": 100, "women": 97,
         "under_35": 20, "over_60": 30},
    )  # fmt: skip
    town.land("party_building", "activities", {**organisation, "kind": "meetings", "times": 2, "participants": 60})
    town.land(
        "party_building", "service_points",
        {"point_code": "FW1", "name": "党群服务中心", "organisation_code": "DZZ1", "community_code": code,
         "longitude": 120.1, "latitude": 30.3, "opening_hours": "8:00-17:00"},
    )  # fmt: skip
    town.land(
        "service_circle", "places",
        {"place_code": "C1", "name": "社区卫生站", "kind": "health", "community_code": code, "state": "open",
         "opening_hours": "全天", "updated_at": "2026-06-01"},
    )  # fmt: skip
    town.land(
        "deliberation", "topics",
        {"topic_no": "XS1", "channel": "bell", "community_code": code, "title": "加装电梯怎么分摊", "state": "decided",
         "opened_at": "2026-05-01 09:00:00+08", "closed_at": "2026-05-11 09:00:00+08", "adopted_option": 2,
         "updated_at": "2026-05-11"},
    )  # fmt: skip
    tally = {"topic_no": "XS1", "plan": "按方案实施", "updated_at": "2026-05-11"}
    town.land(
        "deliberation", "tallies",
        {**tally, "option_no": 1, "votes": 20, "voters": 20}, {**tally, "option_no": 2, "votes": 25, "voters": 15},
    )  # fmt: skip
    _overview(town)


def _overview(town: DbtTown) -> None:
    indicator = {"indicator_code": "ZL1", "name": "实有人口", "stated_on": "2026-06-30", "updated_at": "2026-06-30"}
    town.land(
        "city_brain", "indicators",
        {**indicator, "provider": "市公安局", "definition": "居住半年以上", "unit": "万人", "value": 33.1},
        {**indicator, "provider": "市统计局", "definition": "常住", "unit": "人", "value": 180000},
    )  # fmt: skip
    town.land(
        "public_opinion", "items",
        {"url_hash": "u1", "platform": "forum", "topic": "停车", "mood": "negative", "heat": 5,
         "published_at": "2026-06-29 10:00:00+08", "collected_at": "2026-06-29 11:00:00+08"},
    )  # fmt: skip
    # Ten events of the four platforms, over two months; nine reports of another channel are too few to be told.
    for number in range(10):
        town.land(
            "four_platform", "events",
            {"event_no": f"S{number}", "unit_code": "1", "source": "app", "category": "x", "state": "closed",
             "reported_at": f"2026-0{4 + number % 2}-1{number} 10:00:00+08", "updated_at": "2026-06-01"},
        )  # fmt: skip
    for number in range(9):
        town.land(
            "snapshot_report", "reports",
            {"report_id": f"R{number}", "state": "closed", "content": f"{OWNER}，{PHONE}",
             "reported_at": f"2026-05-1{number} 10:00:00+08", "updated_at": "2026-06-01"},
        )  # fmt: skip
