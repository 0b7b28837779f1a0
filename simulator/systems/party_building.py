"""智慧党建: workbooks of three kinds, whose first one has the members' roster on a second sheet."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import FileDrop
from simulator.views import dirt, places
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world.facts import party
from simulator.world.model import World

STREAMS = {
    "organisations": {
        "organisation_code": "组织编码",
        "name": "组织名称",
        "community_code": "所属社区编码",
        "founded_on": "成立日期",
        "branches": "规模/下设支部",
        "members": "规模/党员总数",
        "women": "其中/女",
        "under_35": "其中/35岁以下",
        "over_60": "其中/60岁以上",
        "month": "统计月份",
    },
    "service_points": {
        "point_code": "服务点编码",
        "name": "服务点名称",
        "organisation_code": "组织编码",
        "community_code": "所属社区编码",
        "address": "地址",
        "longitude": "经度",
        "latitude": "纬度",
        "opening_hours": "开放时间",
    },
    "activities": {
        "organisation_code": "组织编码",
        "month": "月份",
        "kind": "活动类型",
        "times": "场次",
        "participants": "参加人次",
    },
}


def roster(organisations: pl.DataFrame) -> pl.DataFrame:
    """The sheet of the members, as the organisations of the first sheet have them."""
    sizes = organisations["规模/党员总数"].cast(pl.Int64, strict=False).fill_null(0).clip(0, 400)
    places_ = pl.Series(range(1, organisations.height + 1))
    found = party.members(places_, sizes)
    codes = organisations["组织编码"].gather(found["org_id"] - 1)
    return pl.DataFrame(
        {
            "组织编码": codes,
            "姓名": found["name"],
            "身份证号": found["id_no"],
            "联系电话": found["phone"],
            "入党时间": found["joined_on"].dt.strftime("%Y-%m-%d"),
        }
    )


SERVED_BY = {
    "organisations": FileDrop(
        "党组织_*.xlsx",
        every=31,
        title="党组织",
        total="合计",
        total_of="规模/党员总数",
        beside=(("党员名册", roster),),
    ),
    "service_points": FileDrop("服务点_*.xlsx", every=31, title="服务点"),
    "activities": FileDrop("活动_*.xlsx", every=31, title="活动", total="合计", total_of="场次"),
}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`organisations`, `service_points` and `activities`, as of the last whole month."""
    return {
        "organisations": _organisations(world, seed),
        "service_points": _points(world, seed),
        "activities": _activities(world, seed),
    }


def _organisations(world: World, seed: int) -> Served:
    found = look_up(party.organisations(world), _codes(world), "community_id")
    numbers = ("branches", "members", "women", "under_35", "over_60")
    found = found.with_columns(
        pl.col(numbers).cast(pl.String),
        organisation_code="code",
        founded_on=pl.col("founded_on").dt.strftime("%Y-%m-%d"),
        month=pl.col("month").dt.strftime("%Y年%-m月"),
        _row=pl.col("org_id"),
    )
    rows = draft(seed, "party_building", "organisations", found, "_row")
    rows.spoil("women", 0.04, "words", one_of("约半数", "/"), defect="not_a_number")
    rows.spoil("founded_on", 0.04, "no_such_day", one_of("2003-02-30", "1999-13-01"), defect="impossible_date")
    rows.spoil("name", 0.05, "spaced", dirt.spaced)
    rows.spoil("month", 0.1, "other", lambda values, luck: values.str.replace("年", "-").str.replace("月", ""))
    return rows.served(
        STREAMS["organisations"], ["organisation_code"], unasked={"secretary": "书记", "phone": "联系电话"}
    )


def _points(world: World, seed: int) -> Served:
    found = look_up(party.service_points(world), _codes(world), "community_id")
    doors = world.addresses.select("address_id", address="full_text", longitude="lon", latitude="lat")
    found = look_up(found, doors, "address_id").with_columns(
        point_code="code",
        organisation_code=pl.lit("DZZ") + pl.col("community_code"),
        opening_hours=_hours(),
        _row=pl.col("point_id"),
    )
    rows = draft(seed, "party_building", "service_points", found, "_row")
    places.to_gcj02(rows)
    places.faults(rows, share=0.04, uncorrected_share=0.03)
    dirt.addresses(rows, spelling=0.2, aliases=0.05)
    rows.spoil("organisation_code", 0.03, "missing", constant(None))
    rows.spoil("name", 0.02, "missing", constant(None), defect="missing_required")
    return rows.served(STREAMS["service_points"], ["point_code"], unasked={"contact": "联系人", "phone": "联系电话"})


def _activities(world: World, seed: int) -> Served:
    found = look_up(
        party.activities(world).rename({"org_id": "community_id"}), _codes(world), "community_id"
    ).with_columns(
        organisation_code=pl.lit("DZZ") + pl.col("community_code"),
        month=pl.col("month").dt.strftime("%Y-%m"),
        times=pl.col("times").cast(pl.String),
        participants=pl.col("participants").cast(pl.String),
        _row=pl.col("activity_id"),
    )
    rows = draft(seed, "party_building", "activities", found, "_row")
    rows.spoil("kind", 0.005, "new", one_of("民主评议", "党课"), defect="unknown_code")
    rows.spoil("times", 0.004, "words", one_of("三场", "若干"), defect="not_a_number")
    rows.spoil("participants", 0.01, "unit", lambda values, luck: values + "人次", defect="not_a_number")
    rows.spoil("month", 0.003, "month", one_of("2026-13", "今年"), defect="impossible_date")
    return rows.served(STREAMS["activities"], ["organisation_code", "month", "kind"], unasked={"names": "参加人员名单"})


def _codes(world: World) -> pl.DataFrame:
    return world.communities.select("community_id", community_code="code")


def _hours() -> pl.Expr:
    return pl.concat_str(
        pl.col("opens").cast(pl.String), pl.lit(":00-"), pl.col("closes").cast(pl.String), pl.lit(":00")
    )
