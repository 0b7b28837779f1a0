"""协商铃/议事会: topics and their tallies; people who voted twice, more voters than votes, statuses in words."""

from __future__ import annotations

import polars as pl

from simulator.interfaces import Hook
from simulator.views.base import Served, draft, look_up, one_of
from simulator.world.facts import deliberations
from simulator.world.facts.draws import strangers
from simulator.world.model import World

STREAMS = {
    "topics": {
        "topic_no": "topicNo",
        "channel": "channel",
        "community_code": "communityCode",
        "title": "title",
        "state": "status",
        "adopted_option": "adoptedOption",
        "opened_at": "openTime",
        "closed_at": "closeTime",
        "updated_at": "updateTime",
    },
    "tallies": {
        "topic_no": "topicNo",
        "option_no": "optionNo",
        "plan": "plan",
        "votes": "votes",
        "voters": "voters",
        "updated_at": "updateTime",
    },
}
SERVED_BY = {"topics": Hook("topic"), "tallies": Hook("tally")}
_CHANNELS = {"bell": "协商铃", "council": "议事会"}
_STATES = {"open": "0", "decided": "1", "dropped": "2"}


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`topics` and `tallies`."""
    return {"topics": _topics(world, seed), "tallies": _tallies(world, seed)}


def _topics(world: World, seed: int) -> Served:
    found = look_up(
        deliberations.topics(world), world.communities.select("community_id", community_code="code"), "community_id"
    )
    people = strangers(found["topic_id"].to_numpy(), seed, "proposer of a topic")
    found = found.with_columns(
        topic_no="number",
        channel=pl.col("channel").replace_strict(_CHANNELS, return_dtype=pl.String),
        state=pl.col("state").replace_strict(_STATES, return_dtype=pl.String),
        adopted_option="adopted",
        _phone=people["phone"],
        _row=pl.col("topic_id"),
    )
    rows = draft(seed, "deliberation", "topics", found, "_row")
    rows.spoil("state", 0.02, "words", one_of("表决中", "9"), defect="unknown_code")
    return rows.served(
        STREAMS["topics"], ["topic_no"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
        unasked={"proposer": "proposer", "_phone": "proposerPhone"},
    )  # fmt: skip


def _tallies(world: World, seed: int) -> Served:
    found = deliberations.tallies(world).with_columns(
        pl.lit("oUp").add(pl.col("tally_id").cast(pl.String)).alias("_openids"),
        topic_no="number",
        option_no="option",
        _row=pl.col("tally_id"),
    )
    rows = draft(seed, "deliberation", "tallies", found, "_row")
    rows.spoil("votes", 0.01, "negative", lambda values, luck: -values - 1, defect="out_of_range")
    rows.spoil("voters", 0.02, "more", lambda values, luck: values + 40)
    return rows.served(
        STREAMS["tallies"], ["topic_no", "option_no"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
        unasked={"names": "voterList", "_openids": "openids"},
    )  # fmt: skip
