"""气象预警: chains of messages; exercises on the same queue, lifts that are lost, references told in two ways."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import Queue
from simulator.views.base import Draft, Floats, Served, draft, one_of
from simulator.world.calibration import DISTRICT_CODE
from simulator.world.columns import digits
from simulator.world.facts import weather
from simulator.world.hashing import uniform
from simulator.world.model import World

STREAMS = {
    "messages": {
        "message_id": "identifier",
        "sender": "sender",
        "sent_at": "sent",
        "status": "status",
        "kind": "msgType",
        "event": "eventType",
        "severity": "severity",
        "expires_at": "expires",
        "previous_id": "references",
        "headline": "headline",
    }
}
SERVED_BY = {"messages": Queue("weather_warning.messages")}
CODES = {
    "typhoon": "11B01", "rainstorm": "11B03", "snowstorm": "11B04", "cold_wave": "11B05", "gale": "11B06",
    "heat": "11B09", "lightning": "11B14", "fog": "11B17", "icing": "11B21",
}  # fmt: skip
WORDS = dict(zip(CODES, ("台风", "暴雨", "暴雪", "寒潮", "大风", "高温", "雷电", "大雾", "道路结冰"), strict=True))
_COLOURS = {"blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}
_SENDER = "安澜区气象台"
_LOST_LIFTS = 0.08


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`messages`: one row per message that was sent and not lost."""
    said = weather.messages(world)
    # The identifier names the office and the moment; two messages of one second differ by their last digit.
    ids = said.select(
        "message_id",
        _sent=pl.col("sent_at").dt.strftime("%Y-%m-%dT%H:%M:%S+08:00"),
        _id=pl.lit(f"{DISTRICT_CODE}416000")
        + digits((said["message_id"] // 10 % 100).to_numpy(), 2)
        + pl.lit("_")
        + pl.col("sent_at").dt.strftime("%Y%m%d%H%M%S")
        + pl.lit("_")
        + (said["message_id"] % 10).cast(pl.String),
    )
    before = ids.rename({"message_id": "previous_id", "_id": "_before", "_sent": "_before_sent"})
    told = said.join(ids, on="message_id", maintain_order="left").join(
        before, on="previous_id", how="left", maintain_order="left"
    )
    lost = pl.Series(uniform(told["message_id"].to_numpy(), seed, "weather_warning", "lost") < _LOST_LIFTS)
    told = told.filter(~(lost & (pl.col("kind") == "cancel"))).with_columns(_row=pl.col("message_id"))
    rows = draft(seed, "weather_warning", "messages", _worded(told, seed), "_row")
    _dirt(rows)
    return {
        "messages": rows.served(
            STREAMS["messages"], ["message_id"], changed_at="sent_at", text_times="%Y-%m-%d %H:%M:%S"
        )
    }


def _worded(told: pl.DataFrame, seed: int) -> pl.DataFrame:
    triple = pl.Series(uniform(told["message_id"].to_numpy(), seed, "weather_warning", "triple") < 0.4)
    reference = pl.when(triple).then(pl.concat_str(pl.lit(_SENDER + ","), "_before", pl.lit(","), "_before_sent"))
    verb = pl.col("kind").replace_strict(
        ["alert", "update", "cancel"], ["发布", "更新", "解除"], return_dtype=pl.String
    )
    event = pl.col("event").replace_strict(WORDS, return_dtype=pl.String)
    colour = pl.col("severity").replace_strict(_COLOURS, return_dtype=pl.String)
    return told.select(
        "_row",
        "sent_at",
        "expires_at",
        message_id="_id",
        sender=pl.lit(_SENDER),
        status=pl.when("exercise").then(pl.lit("Exercise")).otherwise(pl.lit("Actual")),
        kind=pl.col("kind").str.to_titlecase(),
        event=pl.col("event").replace_strict(CODES, return_dtype=pl.String),
        severity=pl.col("severity").str.to_titlecase(),
        previous_id=pl.when(pl.col("_before").is_not_null()).then(reference.otherwise("_before")),
        headline=pl.lit(_SENDER) + verb + event + colour + pl.lit("预警信号"),
    )


def _dirt(rows: Draft) -> None:
    rows.spoil("message_id", 0.01, "cut", _cut, defect="invalid_warning_id")
    rows.spoil("severity", 0.01, "word", one_of("Unknown", "橙色"), defect="unknown_code")
    rows.spoil("event", 0.01, "code", one_of("11A99"), defect="unknown_code")
    rows.spoil("expires_at", 0.01, "missing", _nothing)


def _cut(values: pl.Series, luck: Floats) -> pl.Series:
    """The running digit left out."""
    return values.str.head(29)


def _nothing(values: pl.Series, luck: Floats) -> pl.Series:
    return pl.Series([None], dtype=values.dtype).new_from_index(0, len(values))
