"""119 报警信息平台: false alarms, disaster types as codes or as text."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import SoapOperation
from simulator.views import dirt, events, places
from simulator.views.base import Floats, Served, constant, draft, one_of
from simulator.world import hashing
from simulator.world.model import World

STREAMS = {
    "incidents": {
        "incident_no": "JQBH",
        "reported_at": "LASJ",
        "disaster_type": "ZHLX",
        "address": "DZ",
        "longitude": "JD",
        "latitude": "WD",
        "vehicles": "CDCLS",
        "cause_code": "QHYY",
        "state": "ZT",
        "updated_at": "GXSJ",
    }
}
SERVED_BY = {"incidents": SoapOperation("QueryIncidents")}
TYPES = {"fire": "10000", "gas": "20300", "traffic": "20500", "smoke": "10900"}
OTHER_TYPE = "29900"
_WORDS = {
    "10000": "火灾扑救",
    "20300": "燃气泄漏",
    "20500": "交通事故救援",
    "10900": "冒烟",
    "29900": "社会救助",
}
# GA/T 974.33-2011
_CAUSES = ("010000", "010101", "010102", "010103")
_STATES = {"received": "0", "assigned": "1", "handled": "1", "closed": "2", "feedback": "2"}
_FALSE_ALARMS = 0.06


def _type_words(values: pl.Series, luck: Floats) -> pl.Series:
    return values.replace(list(_WORDS), list(_WORDS.values()))


def _mixed(values: pl.Series, luck: Floats) -> pl.Series:
    """Code and word in one field."""
    return values + " " + values.replace(list(_WORDS), list(_WORDS.values()))


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`incidents`: one row per dispatch."""
    calls = events.reports(world, "fire_119")
    ids = calls["report_id"].to_numpy()
    cause = hashing.integers(ids, 0, len(_CAUSES), seed, "fire_119", "cause")
    burning = pl.col("kind") == "fire"
    done = pl.col("closed_at").is_not_null()
    false_alarm = pl.Series(hashing.uniform(ids, seed, "fire_119", "false") < _FALSE_ALARMS) & ~burning & done
    calls = calls.with_columns(
        incident_no=pl.col("reported_at").dt.strftime("330199F%Y%m%d")
        + pl.col("report_id").cast(pl.String).str.zfill(7),
        disaster_type=pl.col("kind").replace_strict(TYPES, default=OTHER_TYPE, return_dtype=pl.String),
        vehicles=pl.Series(hashing.integers(ids, 1, 7, seed, "fire_119", "vehicles")),
        cause_code=pl.when(burning & done).then(pl.Series(_CAUSES).gather(pl.Series(cause))),
        state=pl.when(false_alarm)
        .then(pl.lit("9"))
        .otherwise(pl.col("status").replace_strict(_STATES, default="0", return_dtype=pl.String)),
    )
    rows = draft(seed, "fire_119", "incidents", calls, "_report_id")
    places.faults(rows, share=0.02)
    rows.spoil("address", 0.3, "nearby", dirt.nearby)
    dirt.addresses(rows, spelling=0.3)
    rows.spoil("disaster_type", 0.1, "words", _type_words)
    rows.spoil("disaster_type", 0.05, "mixed", _mixed)
    rows.spoil("vehicles", 0.008, "range", lambda values, luck: values + 990, defect="out_of_range")
    rows.spoil("state", 0.006, "code", one_of("5"), defect="unknown_code")
    rows.spoil("disaster_type", 0.004, "missing", constant(None), defect="missing_required")
    return {
        "incidents": rows.served(
            STREAMS["incidents"], ["incident_no"], changed_at="updated_at",
            text_times="%Y-%m-%d %H:%M:%S", incidents="_incident_id",
        )
    }  # fmt: skip
