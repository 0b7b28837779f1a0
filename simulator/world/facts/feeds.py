"""The feeds that the district's data centre lists: when each was filled last, and what it says it holds."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, Ints, dates, day_number, times
from simulator.world.facts.draws import strangers
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

CYCLES = {"realtime": 0, "daily": 1, "weekly": 7, "monthly": 31, "quarterly": 92, "yearly": 366}
"""Cycle of updates → the days that it may take."""

# title, provider, cycle, fields
_FEEDS: tuple[tuple[str, str, str, str], ...] = (
    ("户籍人口基本信息", "区公安分局", "daily", "gmsfhm,xm,xb,mz,csrq,hh,yhzgx,hjdz"),
    ("流动人口登记信息", "区公安分局", "daily", "sfzh,xm,jzdz,djrq,zxrq"),
    ("标准地址信息", "区公安分局", "weekly", "dzbm,dzmc,cj,jd,wd"),
    ("机动车登记汇总", "区公安分局", "monthly", "hphm,cllx,zcrq"),
    ("市场主体登记信息", "区市场监管局", "daily", "tyshxydm,mc,fddbr,zs,zt,clrq"),
    ("食品经营许可", "区市场监管局", "daily", "xkzbh,tyshxydm,jyxm,yxqz"),
    ("特种设备使用登记", "区市场监管局", "weekly", "sbdm,sydw,sblx,xcjyrq"),
    ("纳税人登记信息", "区税务局", "daily", "nsrsbh,nsrmc,zt,djrq"),
    ("城乡低保信息", "区民政局", "monthly", "jtbh,cyxm,sfzh,hde,qsrq"),
    ("殡葬火化信息", "区民政局", "daily", "sfzh,xm,hhrq"),
    ("婚姻登记信息", "区民政局", "daily", "djzh,nfxm,nvxm,djrq"),
    ("社会组织登记", "区民政局", "weekly", "tyshxydm,mc,fddbr,zt"),
    ("养老机构信息", "区民政局", "monthly", "jgdm,jgmc,cws,rzs"),
    ("残疾人证信息", "区残联", "weekly", "cjzh,xm,cjlb,cjdj,yxqz"),
    ("社保参保信息", "区人社局", "monthly", "sfzh,xm,dwmc,cbzt"),
    ("企业退休人员信息", "区人社局", "monthly", "sfzh,xm,txrq,dyzt"),
    ("不动产登记信息", "区规划资源局", "daily", "bdcdyh,zl,yt,mj"),
    ("施工许可信息", "区住建局", "daily", "sgxkzh,xmmc,sgdw,kgrq,zt"),
    ("出租房备案信息", "区住建局", "daily", "bah,zl,czr,qzrq"),
    ("危化品经营许可", "区应急局", "monthly", "xkzh,qymc,hxp,dj"),
    ("行政处罚决定", "区综合执法局", "daily", "jdswh,dsr,ay,je,jdrq"),
    ("医疗机构执业许可", "区卫健局", "monthly", "djh,jgmc,zlkm,yxqz"),
    ("出生医学证明", "区卫健局", "daily", "zmbh,csrq,mqxm"),
    ("教师资格信息", "区教育局", "yearly", "zsbh,xm,xk"),
    ("在校学生汇总", "区教育局", "yearly", "xxdm,nj,rs"),
    ("公共停车场信息", "区交通局", "realtime", "tcbh,mc,zbw,sybw"),
    ("排污许可信息", "区生态环境分局", "quarterly", "xkzbh,dwmc,yxqz"),
    ("空气质量监测", "区生态环境分局", "realtime", "zddm,sj,pm10,pm25"),
    ("法律援助案件汇总", "区司法局", "quarterly", "slrq,ajlx,js"),
    ("信用评价结果", "区发改局", "monthly", "tyshxydm,pjdj,pjrq"),
)


def feeds(world: World) -> pl.DataFrame:
    """One row per feed of the catalogue; there are thirty, whatever the town's size.

    ``feed_id``, code, title, provider, cycle (of ``CYCLES``), fields (names, joined by a comma), version, rows,
    filled_at (when its data were filled last), published_on, contact, contact_phone.

    Every fifth or so stands still since some day, whatever its cycle says. The fields of some changed one day, with
    a new version or without one.
    """
    ids = np.arange(1, len(_FEEDS) + 1)
    cycles = [cycle for _, _, cycle, _ in _FEEDS]
    today = day_number(world.today)
    filled = np.array([_filled(cycle, world.today) for cycle in cycles])
    halted = day_number(HISTORY_START) + integers(ids, 60, 420, world.seed, "feed halts")
    halts = (uniform(ids, world.seed, "feed halted") < 0.22) & (halted < filled)
    filled = np.where(halts, halted, filled)
    hour = 2 * HOUR + (uniform(ids * 100_000 + filled, world.seed, "feed hour") * 3 * HOUR).astype(np.int64)
    changed = day_number(HISTORY_START) + integers(ids, 230, 390, world.seed, "feed changes") <= today
    luck = uniform(ids, world.seed, "feed changed")
    silent, told = changed & (luck < 0.4), changed & (luck > 0.85)
    people = strangers(ids, world.seed, "feed contact")
    return pl.DataFrame(
        {
            "feed_id": ids,
            "code": [f"330199{number:03d}{cycle[0].upper()}{number * 37 % 1000:03d}" for number, cycle in _numbered()],
            "title": [title for title, *_ in _FEEDS],
            "provider": [provider for _, provider, *_ in _FEEDS],
            "cycle": cycles,
            "fields": _fields(silent | told, ids, world.seed),
            "version": np.where(told, "2.0", "1.0"),
            "rows": integers(ids * 100_000 + filled, 800, 90_000, world.seed, "feed rows"),
            "filled_at": times(filled * DAY + hour),
            "published_on": dates(day_number(HISTORY_START) - integers(ids, 30, 1500, world.seed, "feed published")),
            "contact": people["name"],
            "contact_phone": people["phone"],
        }
    )


def _numbered() -> list[tuple[int, str]]:
    return [(number, cycle) for number, (_, _, cycle, _) in enumerate(_FEEDS, 1)]


def _filled(cycle: str, today: date) -> int:
    """The newest day on which a feed that is kept up was filled."""
    match cycle:
        case "weekly":
            return day_number(today - timedelta(days=today.weekday()))
        case "monthly":
            return day_number(today.replace(day=1))
        case "quarterly":
            return day_number(date(today.year, (today.month - 1) // 3 * 3 + 1, 1))
        case "yearly":
            return day_number(date(today.year, 1, 1))
        case _:
            return day_number(today)


def _fields(changed: np.ndarray, ids: Ints, seed: int) -> list[str]:
    """As first published; where changed, one field is renamed, dropped, or new."""
    way = integers(ids, 0, 3, seed, "feed change")
    lists = []
    for number, (_, _, _, fields) in enumerate(_FEEDS):
        names = fields.split(",")
        if changed[number]:
            names = [[*names[:-1], names[-1] + "_new"], names[:-1], [*names, "bz"]][way[number]]
        lists.append(",".join(names))
    return lists
