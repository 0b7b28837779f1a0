"""Petitions: what people come to the petition office with, and who they are, which is nobody's business but its own."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import dates, day_number, digits, masked
from simulator.world.facts.draws import chosen, daily, strangers, told, working_days
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

A_DAY = 2.0
_TEXTS = {
    "城乡建设": ("反映旧房拆迁补偿迟迟未到位", "反映楼上违章搭建影响采光"),
    "劳动社保": ("反映工地拖欠工资", "要求补缴早年社会保险"),
    "国土资源": ("反映承包地被占未获补偿", "反映宅基地审批多年没有结果"),
    "环境保护": ("反映附近工厂夜间排放异味", "反映餐饮店油烟扰民"),
    "涉法涉诉": ("不服交通事故责任认定", "反映判决执行不到位"),
    "教育卫生": ("反映孩子入学名额问题", "反映医疗费用报销问题"),
    "交通运输": ("反映小区门口公交站点撤销", "反映停车收费不合理"),
    "其他": ("反映物业公司服务不到位", "反映邻里纠纷未得到处理"),
}
CATEGORIES = tuple(_TEXTS)
FORMS = ("letter", "visit", "online", "phone")
STATES = ("registered", "accepted", "transferred", "closed")


def petitions(world: World) -> pl.DataFrame:
    """One row per petition since the history began, of weeks that are over: the office exports the week on Monday.

    ``petition_id``, number, category, form, community_id, people (who signed), repeated, registered_on, due_on,
    closed_on (null until then), state, week (Monday), name, id_no, phone, door (number of the street), text.
    """
    ids = daily(HISTORY_START, world.today, A_DAY * world.scale, world.seed, "petition")
    day = working_days(ids // 10_000)
    today = day_number(world.today)
    closed = working_days(day + integers(ids, 8, 80, world.seed, "petition closed"))
    accepted = day + integers(ids, 1, 14, world.seed, "petition accepted")
    transferred = uniform(ids, world.seed, "petition transferred") < 0.25
    state = np.select([closed <= today, (accepted <= today) & transferred, accepted <= today], [3, 2, 1], 0)
    many = uniform(ids, world.seed, "petition of many") < 0.06
    people = strangers(ids, world.seed, "petitioner")
    category = chosen(CATEGORIES, ids, world.seed, "petition kind", weights=(22, 18, 9, 12, 10, 8, 6, 15))
    found = pl.DataFrame(
        {
            "petition_id": ids,
            "number": "XF330199" + dates(ids // 10_000).dt.strftime("%Y%m%d") + digits(ids % 10_000, 4),
            "category": category,
            "form": chosen(FORMS, ids, world.seed, "petition form", weights=(20, 25, 40, 15)),
            "community_id": integers(ids, 1, world.communities.height + 1, world.seed, "petition place"),
            "people": np.where(many, integers(ids, 5, 40, world.seed, "petition people"), 1),
            "repeated": uniform(ids, world.seed, "petition repeated") < 0.15,
            "registered_on": dates(day),
            "due_on": dates(day + 60),
            "closed_on": masked(dates(closed), closed <= today),
            "state": pl.Series(np.array(STATES)[state], dtype=pl.String),
            "name": people["name"],
            "id_no": people["id_no"],
            "phone": people["phone"],
            "door": integers(ids, 1, 400, world.seed, "petition door"),
            "text": told(category, _TEXTS, ids, world.seed, "petition text"),
        }
    ).with_columns(week=pl.col("registered_on").dt.truncate("1w"))
    over = world.today - timedelta(days=7)
    return found.filter(pl.col("week") < over).sort("registered_on", "petition_id")
