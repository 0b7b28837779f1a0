"""网络舆情抓取: items seen again with more heat; counters that overflow, moods that no model could tell."""

from __future__ import annotations

from hashlib import sha256

import polars as pl

from simulator.interfaces import Queue
from simulator.views import dirt
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world.facts import opinion
from simulator.world.model import World

STREAMS = {
    "items": {
        "url_hash": "url_hash",
        "platform": "platform",
        "topic": "topic",
        "place": "place",
        "mood": "emotion",
        "heat": "heat",
        "published_at": "publish_time",
        "collected_at": "crawl_time",
    }
}
SERVED_BY = {"items": Queue("public_opinion.items")}
_PLATFORMS = dict(zip(opinion.PLATFORMS, ("weibo", "douyin", "bbs", "news", "wechat"), strict=True))
_MOODS = {"negative": "-1", "neutral": "0", "positive": "1"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`items`: one row per item as it was seen last."""
    found = look_up(opinion.items(world), world.communities.select("community_id", place="name"), "community_id")
    url = "https://" + found["platform"] + ".example/p/" + found["item_id"].cast(pl.String)
    found = found.with_columns(
        url_hash=pl.Series([sha256(text.encode()).hexdigest()[:32] for text in url.to_list()], dtype=pl.String),
        platform=pl.col("platform").replace_strict(_PLATFORMS, return_dtype=pl.String),
        mood=pl.col("mood").replace_strict(_MOODS, return_dtype=pl.String),
        heat=pl.col("heat").cast(pl.String),
        _url=url,
        _avatar=pl.lit("https://img.example/") + pl.col("author_id") + pl.lit(".jpg"),
        _row=pl.col("item_id"),
    )
    rows = draft(seed, "public_opinion", "items", found, "_row")
    rows.spoil("mood", 0.01, "model", one_of("2", "unknown"), defect="unknown_code")
    rows.spoil("heat", 0.004, "overflow", one_of("-1", "4294967295"), defect="out_of_range")
    rows.spoil("heat", 0.004, "words", one_of("10万+", "1.2w"), defect="not_a_number")
    rows.spoil("platform", 0.003, "new", one_of("xiaohongshu", "toutiao"), defect="unknown_code")
    rows.spoil("topic", 0.002, "missing", constant(None), defect="missing_required")
    rows.spoil("place", 0.1, "alias", dirt.alias)
    return {
        "items": rows.served(
            STREAMS["items"], ["url_hash"], changed_at="collected_at", text_times="%Y-%m-%d %H:%M:%S",
            unasked={"_url": "url", "title": "title", "text": "content", "author_id": "author_id",
                     "author": "author_name", "_avatar": "author_avatar"},
        )
    }  # fmt: skip
