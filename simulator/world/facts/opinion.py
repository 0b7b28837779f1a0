"""What is written about the town on public platforms: items, the topic that each is on, and who wrote it."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.calibration import HISTORY_START
from simulator.world.columns import DAY, HOUR, WAKING, micros, texts, times, words
from simulator.world.facts.draws import chosen, daily, strangers
from simulator.world.hashing import integers, uniform
from simulator.world.model import World

A_DAY = 120.0
TOPICS = words(
    "出行停车 环境卫生 噪音扰民 物业服务 教育入学 看病就医 养老服务 工地扬尘 消防安全 食品安全 社区活动 河道水质"
)
_WEIGHTS = (18, 12, 14, 12, 9, 6, 5, 6, 5, 5, 5, 3)
PLATFORMS = ("microblog", "short_video", "forum", "news", "message_app")
_WRITTEN = {
    "negative": ("有没有人管管", "已经投诉好几次了", "实在受不了", "希望有关部门重视"),
    "neutral": ("想问一下", "有人知道吗", "转发给邻居看看", "记录一下"),
    "positive": ("点个赞", "比以前好多了", "感谢社区工作人员", "值得推广"),
}


def items(world: World) -> pl.DataFrame:
    """One row per item since the history began.

    ``item_id``, topic, platform, mood (negative|neutral|positive), community_id (null where no place is told), heat
    (reposts and comments when it was seen last), title, text (naming people, as such texts do), author, author_id,
    published_at, collected_at (when it was seen last: again after a day where many read it).
    """
    ids = daily(HISTORY_START, world.today, A_DAY * world.scale, world.seed, "opinion")
    hours = np.searchsorted(np.cumsum(WAKING), uniform(ids, world.seed, "opinion hour") * sum(WAKING), side="right")
    published = (
        ids // 10_000 * DAY + hours * HOUR + (uniform(ids, world.seed, "opinion minute") * HOUR).astype(np.int64)
    )
    seen = published + (uniform(ids, world.seed, "opinion seen") * 3 * HOUR).astype(np.int64)
    final = np.floor(2 ** (uniform(ids, world.seed, "heat") ** 3 * 15)).astype(np.int64)
    again = (final >= 100) & (seen + DAY < micros(world.now))
    mood = chosen(tuple(_WRITTEN), ids, world.seed, "mood", weights=(45, 40, 15))
    community = integers(ids, 1, world.communities.height + 1, world.seed, "opinion place")
    told = uniform(ids, world.seed, "opinion place told") < 0.7
    topic = chosen(TOPICS, ids, world.seed, "topic", weights=_WEIGHTS)
    people = strangers(ids, world.seed, "author")
    phrases = [text for some in _WRITTEN.values() for text in some]
    first = mood.replace_strict(tuple(_WRITTEN), (0, 4, 8), return_dtype=pl.Int64).to_numpy()
    phrase = texts(phrases, first + integers(ids, 0, 4, world.seed, "phrase"))
    found = pl.DataFrame(
        {
            "item_id": ids,
            "topic": topic,
            "platform": chosen(PLATFORMS, ids, world.seed, "platform", weights=(35, 30, 15, 5, 15)),
            "mood": mood,
            "community_id": pl.Series(np.where(told, community, 0)).replace(0, None),
            "heat": np.where(again, final, np.minimum(final, 99)),
            "title": topic + "：" + phrase,
            "text": people["name"] + "说，" + topic + "的事" + phrase,
            "author": people["name"],
            "author_id": "u" + pl.Series(integers(ids, 10**9, 10**10, world.seed, "author id")).cast(pl.String),
            "published_at": times(published),
            "collected_at": times(np.where(again, seen + DAY, seen)),
        }
    )
    return found.filter(pl.col("collected_at") < world.now)
