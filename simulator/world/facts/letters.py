"""Letters to the town's mailbox (居民信箱), with the names, numbers and troubles that people put into them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, micros, texts, times
from simulator.world.facts.cycles import daily
from simulator.world.facts.draws import chosen, strangers, told
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

LETTERS_A_DAY = 12.0
STATES = ("received", "assigned", "replied")
WORDS: dict[str, Sequence[str]] = {
    "traffic": ("小区门口的公交班次太少，早上等不到车", "学校门口接送的车堵住了路", "希望路口装红绿灯"),
    "environment": ("河道又发臭了", "垃圾分类站没人管", "工地晚上还在施工，孩子睡不着"),
    "property": ("物业费涨了，服务却没有变好", "地下车库一直漏水", "加装电梯的事拖了一年"),
    "education": ("想问孩子入学要哪些材料", "幼儿园的名额什么时候公布"),
    "welfare": ("父亲瘫痪在床，想申请护理补贴", "我有残疾证，补贴两个月没有到账", "低保复核需要什么"),
    "labour": ("厂里拖欠了三个月的工资", "社保断缴了怎么补"),
    "advice": ("建议公园晚上多开一会儿", "建议在菜场旁边设停车位"),
    "other": ("感谢社区的工作人员", "想查询办事进度"),
}
_WEIGHTS = (17, 22, 20, 10, 9, 7, 10, 5)


def letters(world: World) -> pl.DataFrame:
    """One row per letter: ``letter_id``, community_id, kind (of ``WORDS``), writer, writer_phone, writer_id_no, text
    (names its writer), reply (null until there is one), state (of ``STATES``), received_at, replied_at, updated_at.

    5–20 a day at scale 1; answered within twelve days, but for one in twenty-five.
    """
    ids, days = daily(world, LETTERS_A_DAY, "letters")
    salt = (world.seed, "letter")
    people = strangers(ids, *salt, "writer")
    kind = chosen(list(WORDS), ids, *salt, "kind", weights=_WEIGHTS)
    received = days * DAY + 6 * HOUR + integers(ids, 0, 17 * 3600, *salt, "second") * 1_000_000
    assigned = received + integers(ids, 1, 40, *salt, "assigned") * HOUR
    replied = assigned + integers(ids, 5, 12 * 24, *salt, "replied") * HOUR
    now = micros(world.now)
    given = assigned < now
    answered = (replied < now) & (uniform(ids, *salt, "never") >= 0.04)
    state = given.astype(np.int64) + answered
    body = pl.DataFrame({"text": told(kind, WORDS, ids, *salt, "text")}).with_columns(people)
    return pl.DataFrame(
        {
            "letter_id": ids,
            "community_id": integers(ids, 1, len(world.communities) + 1, *salt, "community"),
            "kind": kind,
            "writer": people["name"],
            "writer_phone": people["phone"],
            "writer_id_no": people["id_no"],
            "text": body.select(
                pl.concat_str(
                    pl.lit("您好，我是"), "name", pl.lit("，身份证号"), "id_no", pl.lit("。"), "text",
                    pl.lit("。请回电"), "phone", pl.lit("。"),
                )
            ).to_series(),
            "state": texts(STATES, state),
            "received_at": times(received),
            "replied_at": times(replied, answered),
            "updated_at": times(np.choose(state, [received, assigned, replied])),
        }
    ).with_columns(
        reply=pl.when(pl.Series(answered)).then(pl.col("writer") + "您好，来信收悉，已转相关部门办理并电话告知。")
    )  # fmt: skip
