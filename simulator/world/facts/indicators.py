"""The city's indicators day by day: some counted in the town itself, each department in its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, Floats, Ints, dates, day_number, times, words
from simulator.world.columns import numbers as as_numbers
from simulator.world.hashing import uniform
from simulator.world.model import World

DAYS = 31
"""So many days back the interface answers."""
_FAR = 2**31 - 1


@dataclass(frozen=True)
class _Counted:
    """An indicator that can be counted: two departments, two definitions, two functions of (world, days)."""

    name: str
    unit: str
    ways: tuple[tuple[str, str, Callable[[World, Ints], Floats]], ...]


# department → name, unit, level at scale 1, and whether it grows with the town
_OTHERS: dict[str, tuple[tuple[str, str, float, bool], ...]] = {
    "市交通局": (
        ("高峰拥堵指数", "", 1.62, False), ("高峰平均车速", "公里/小时", 26.4, False),
        ("停车泊位利用率", "%", 74, False), ("公交客流", "万人次", 5.8, True), ("共享单车投放量", "辆", 8600, True),
    ),
    "市生态环境局": (
        ("空气质量指数", "", 62, False), ("细颗粒物浓度", "微克/立方米", 33, False), ("噪声达标率", "%", 91, False),
        ("水质达标率", "%", 88, False), ("工地扬尘超标数", "次", 14, True),
    ),
    "市城管局": (
        ("生活垃圾清运量", "吨", 318, True), ("垃圾分类准确率", "%", 83, False), ("城管案件结案率", "%", 95, False),
        ("污水处理量", "万吨", 5.6, True), ("自来水供水量", "万吨", 6.9, True), ("天然气用量", "万立方米", 21, True),
        ("管网监测告警数", "条", 18, True), ("路灯亮灯率", "%", 95, False),
    ),
    "市经信局": (
        ("全社会用电量", "万千瓦时", 412, True), ("高新技术企业数", "家", 386, True), ("专利授权量", "件", 19, True),
        ("快递业务量", "万件", 14.1, True),
    ),
    "市商务局": (
        ("社会消费品零售额", "万元", 2960, True), ("网上零售额", "万元", 1830, True),
        ("商圈客流", "万人次", 11.2, True),
    ),
    "市文旅局": (
        ("酒店入住率", "%", 61, False), ("景区客流", "人次", 7400, True), ("图书馆到馆人次", "人次", 860, True),
    ),
    "市人社局": (
        ("新增就业人数", "人", 41, True), ("登记失业率", "%", 2.1, False), ("社保参保人数", "万人", 19.4, True),
    ),
    "市卫健委": (
        ("门诊人次", "人次", 3900, True), ("急救平均到达时间", "分钟", 9.8, False), ("托育位数", "个", 1450, True),
    ),
    "市民政局": (("养老床位数", "张", 1180, True), ("养老床位使用率", "%", 57, False)),
    "市政务办": (("政务办件量", "件", 920, True), ("一网通办率", "%", 94, False), ("办件满意度", "%", 95, False)),
    "市消防支队": (("消防栓在线率", "%", 92, False),),
}  # fmt: skip
_WHOLE = frozenset(words("辆 次 条 家 件 人 人次 个 张"))
"""Units of things that cannot be halved."""
_STATISTICS = "市统计局"
_DEFINITIONS = ("全口径，按发生地统计", "规上口径，按报送单位所在地统计")


def indicators(world: World) -> pl.DataFrame:
    """One row per indicator, department and day, of the newest 31 days.

    ``indicator_id``, code, name, provider, definition, unit, day, value, updated_at. An indicator with two departments
    has two definitions.
    """
    days = np.arange(day_number(world.today - timedelta(days=DAYS - 1)), day_number(world.today) + 1)
    parts = [_rows(number, *said, days) for number, said in enumerate(_said(world, days), 1)]
    return pl.concat(parts)


def _said(world: World, days: Ints) -> list[tuple[str, str, str, str, str, Floats]]:
    """(code, name, unit, provider, definition, values) of every series."""
    found = []
    for at, counted in enumerate(_COUNTED, 1):
        for provider, definition, count in counted.ways:
            found.append((_code("ZL", at), counted.name, counted.unit, provider, definition, count(world, days)))
    others = [(provider, *said) for provider, said_by in _OTHERS.items() for said in said_by]
    for at, (provider, name, unit, level, grows) in enumerate(others, 1):
        swing = 1 + 0.1 * (uniform(days, world.seed, "indicator", name) - 0.5)
        values = level * (world.scale if grows else 1.0) * swing
        for way, department in enumerate((provider, _STATISTICS) if at % 10 != 3 else (provider,)):
            theirs = np.round(values * (1 - 0.08 * way), 0 if unit in _WHOLE else 2)
            found.append((_code("CS", at), name, unit, department, _DEFINITIONS[way], theirs))
    return found


def _code(group: str, at: int) -> str:
    return f"{group}{at:04d}"


def _rows(
    number: int, code: str, name: str, unit: str, provider: str, definition: str, values: Floats, days: Ints
) -> pl.DataFrame:
    size = len(days)
    told = days * DAY + 22 * HOUR + (uniform(days * 1_000 + number, "told") * HOUR).astype(np.int64)
    fixed = {"code": code, "name": name, "provider": provider, "definition": definition, "unit": unit or None}
    return pl.DataFrame(
        {
            "indicator_id": days * 1_000 + number,
            **{key: pl.Series([value], dtype=pl.String).new_from_index(0, size) for key, value in fixed.items()},
            "day": dates(days),
            "value": values,
            "updated_at": times(told),
        }
    )


def _standing(since: pl.Series, until: pl.Series, days: Ints) -> Floats:
    """How many of what lasts from one day to before another there are at the end of each day."""
    began = np.sort(as_numbers(since, null=0))
    ended = np.sort(as_numbers(until, null=_FAR))
    return (np.searchsorted(began, days, side="right") - np.searchsorted(ended, days, side="right")).astype(float)


def _happened(when: pl.Series, days: Ints) -> Floats:
    on = np.sort(as_numbers(when.drop_nulls().cast(pl.Date)))
    return (np.searchsorted(on, days, side="right") - np.searchsorted(on, days, side="left")).astype(float)


def _people(world: World, days: Ints, *, registered: bool | None = None) -> Floats:
    here = world.residents if registered is None else world.residents.filter(pl.col("registered") == registered)
    since = pl.max_horizontal("birth_date", "moved_in")
    left = pl.min_horizontal("moved_out", "death_date")
    frame = here.select(since=since, left=left)
    return _standing(frame["since"], frame["left"], days)


def _firms(world: World, days: Ints, *, revoked: bool) -> Floats:
    firms = world.enterprises
    gone = pl.when(pl.col("status") == "cancelled") if revoked else pl.when(pl.col("closed_on").is_not_null())
    until = firms.select(gone.then("closed_on")).to_series()
    return _standing(firms["registered_on"], until, days)


def _reports(channel: str, step: str) -> Callable[[World, Ints], Floats]:
    return lambda world, days: _happened(world.reports.filter(pl.col("channel") == channel)[step], days)


def _hazards(world: World, days: Ints, *, overdue: bool) -> Floats:
    since = world.hazards.select(
        pl.col("due_on") + pl.duration(days=1) if overdue else pl.col("found_at").cast(pl.Date)
    ).to_series()
    fixed = world.hazards.select(pl.col("fixed_at").cast(pl.Date)).to_series()
    frame = pl.DataFrame({"since": since, "fixed": fixed})
    frame = frame.filter(pl.col("fixed").is_null() | (pl.col("fixed") > pl.col("since")))
    return _standing(frame["since"], frame["fixed"], days)


_COUNTED = (
    _Counted("常住人口", "万人", (
        ("市统计局", "居住在本镇的人口，含未登记的流动人口", lambda w, d: np.round(_people(w, d) / 10_000, 2)),
        ("市公安局", "户籍人口", lambda w, d: np.round(_people(w, d, registered=True) / 10_000, 2)),
    )),
    _Counted("市场主体数", "户", (
        ("市市场监管局", "在营主体", lambda w, d: _firms(w, d, revoked=False)),
        ("市统计局", "在营及吊销未注销主体", lambda w, d: _firms(w, d, revoked=True)),
    )),
    _Counted("新设市场主体数", "户", (
        ("市市场监管局", "当日核准设立", lambda w, d: _happened(w.enterprises["registered_on"], d)),
    )),
    _Counted("基层治理事件数", "件", (
        ("市委政法委", "按上报时间", _reports("four_platform", "reported_at")),
        ("市数据局", "按办结时间", _reports("four_platform", "closed_at")),
    )),
    _Counted("有效警情数", "起", (("市公安局", "按接警时间", _reports("police_110", "reported_at")),)),
    _Counted("场所巡查次数", "次", (
        ("市应急局", "全部巡查", lambda w, d: _happened(w.inspections["inspected_at"], d)),
    )),
    _Counted("未整改隐患数", "处", (
        ("市应急局", "已发现未整改", lambda w, d: _hazards(w, d, overdue=False)),
        ("市消防支队", "逾期未整改", lambda w, d: _hazards(w, d, overdue=True)),
    )),
)  # fmt: skip
