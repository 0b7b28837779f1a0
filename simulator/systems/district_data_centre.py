"""区数据资源共享中心: feeds that say "daily" and stand still, fields that change without a new version."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import CatalogueApi
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world.facts import feeds
from simulator.world.model import World

STREAMS = {
    "feeds": {
        "feed_code": "mlbm",
        "title": "mlmc",
        "provider": "tgdw",
        "cycle": "gxzq",
        "fields": "sjx",
        "version": "bbh",
        "row_count": "sjl",
        "filled_at": "zjgxsj",
        "published_on": "fbrq",
    }
}
SERVED_BY = {"feeds": CatalogueApi("33019900004")}
_CYCLES = {"realtime": "实时", "daily": "每日", "weekly": "每周", "monthly": "每月", "quarterly": "每季度",
           "yearly": "每年"}  # fmt: skip


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`feeds`: one row per feed; with whom to speak about it stands there too."""
    listed = feeds.feeds(world).with_columns(
        feed_code="code",
        cycle=pl.col("cycle").replace_strict(_CYCLES, return_dtype=pl.String),
        row_count=pl.col("rows").cast(pl.String),
        filled_at=pl.col("filled_at").dt.strftime("%Y-%m-%d %H:%M:%S"),
        published_on=pl.col("published_on").dt.strftime("%Y-%m-%d"),
    )
    rows = draft(seed, "district_data_centre", "feeds", listed.rename({"feed_id": "_row"}), "_row")
    rows.spoil("cycle", 0.06, "code", one_of("不定期", "按需"), defect="unknown_code")
    rows.spoil("cycle", 0.1, "words", constant("每天"), among=rows.frame["cycle"] == "每日")
    rows.spoil("row_count", 0.06, "text", one_of("约3万", "--"), defect="not_a_number")
    rows.spoil("filled_at", 0.15, "slashes", _slashes)
    rows.spoil("filled_at", 0.05, "no_such_day", one_of("2026-02-30 02:00:00"), defect="impossible_date")
    rows.spoil("fields", 0.1, "spaced", lambda values, luck: values.str.replace_all(",", ", "))
    return {
        "feeds": rows.served(
            STREAMS["feeds"], ["feed_code"], unasked={"contact": "lxr", "contact_phone": "lxdh"}
        )
    }  # fmt: skip


def _slashes(values: pl.Series, luck: Floats) -> pl.Series:
    """2026/06/30 02:17, without the seconds."""
    return values.str.slice(0, 16).str.replace_all("-", "/")
