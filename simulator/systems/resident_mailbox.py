"""居民信箱: letters that name their writers, and answers that repeat it; the hub takes their course and no word."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import ExchangeTable
from simulator.views.base import Served, constant, draft, look_up, one_of
from simulator.world.facts import letters
from simulator.world.model import World

STREAMS = {
    "letters": {
        "letter_no": "xjbh",
        "category": "lb",
        "community_code": "sqbm",
        "state": "zt",
        "received_at": "lxsj",
        "replied_at": "hfsj",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"letters": ExchangeTable("xx_letter", ("xjbh",), flagged=False)}
UNASKED = {"writer": "xm", "writer_id_no": "sfzh", "writer_phone": "lxdh", "text": "xjzw", "reply": "hfnr"}
"""Who wrote, what they wrote and what they were told: in the table beside the rest."""
_KINDS = {
    "traffic": "01", "environment": "02", "property": "03", "education": "04",
    "welfare": "05", "labour": "06", "advice": "07", "other": "99",
}  # fmt: skip
_WORDS = {
    "01": "交通出行", "02": "环境卫生", "03": "物业管理", "04": "教育", "05": "民生保障", "06": "劳动社保",
    "07": "建议", "99": "其他",
}  # fmt: skip
_STATES = {"received": "0", "assigned": "1", "replied": "2"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`letters`: one row per letter as it stands."""
    communities = world.communities.select("community_id", community_code="code")
    sent = look_up(letters.letters(world), communities, "community_id").with_columns(
        letter_no=pl.lit("XX") + pl.col("letter_id").cast(pl.String).str.zfill(10),
        category=pl.col("kind").replace_strict(_KINDS, return_dtype=pl.String),
        state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
        _row=pl.col("letter_id"),
    )
    rows = draft(seed, "resident_mailbox", "letters", sent, "_row")
    rows.spoil("category", 0.2, "words", lambda values, luck: values.replace(_WORDS))
    rows.spoil("category", 0.004, "code", one_of("08", "咨询投诉"), defect="unknown_code")
    rows.spoil("community_code", 0.05, "missing", constant(None))
    rows.spoil("state", 0.003, "code", one_of("9"), defect="unknown_code")
    rows.spoil("received_at", 0.002, "missing", constant(None), defect="missing_required")
    return {"letters": rows.served(STREAMS["letters"], ["letter_no"], changed_at="updated_at", unasked=UNASKED)}
