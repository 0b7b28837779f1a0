"""Every planted defect is found by the contract's rules, and nothing else is: for every stream of every system."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta

import polars as pl
import pytest

from connectors.conform import Conformed, Conformer
from connectors.contract import Stream
from connectors.contract_folder import load_contracts
from simulator import systems
from simulator.servers.view import as_sent
from simulator.systems import Key
from simulator.views.base import UNDECODABLE, Served
from simulator.world import World, generate

CONTRACTS = load_contracts()
STREAMS = [(system, stream) for system in systems.SYSTEMS for stream in systems.streams(system)]
SCALE, SEED = 0.05, 11
ELSEWHERE = ["repeated_row", "undecodable_text"]
"""Landing sees a row that comes twice, the reader of a file or a message the bytes of no encoding."""
FEWEST = 20
"""With fewer defects of a kind one miss would be more than a hundredth: then there may be none."""


@pytest.fixture(scope="module")
def world() -> World:
    return generate(SCALE, SEED)


@pytest.fixture(scope="module")
def served(world: World) -> dict[Key, Served]:
    return {(s, name): one for s in systems.SYSTEMS for name, one in systems.view(s, world, seed=SEED).items()}


def page_of(key: Key, one: Served) -> pl.DataFrame:
    """The rows as they reach the conform rules: as texts."""
    page = as_sent(one.frame).drop([name for name in one.frame.columns if name.startswith("__")])
    return page.with_columns(pl.all().cast(pl.String).str.replace_all(UNDECODABLE, "", literal=True))


def conformed(key: Key, page: pl.DataFrame, world: World) -> Conformed:
    contract = CONTRACTS[key[0]]
    stream = contract.streams[key[1]]
    now = world.now.replace(tzinfo=UTC) + timedelta(days=1)
    return Conformer(stream, contract.server_of(stream), now=now)(page)


def planted(one: Served, stream: Stream) -> pl.DataFrame:
    """(row, column, kind) of the planted defects: a record that is sent twice is spoiled twice."""
    key = [column.physical_name for column in stream.primary_key]
    rows = one.frame.select(
        record_key=pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in key], separator="|")
    ).with_row_index("row")
    defects = one.defects.filter(~pl.col("kind").is_in(ELSEWHERE))
    return rows.join(defects, on="record_key").select("row", "column", "kind").unique()


@pytest.mark.parametrize("key", STREAMS, ids=".".join)
def test_every_planted_defect_is_found_and_nothing_else(key: Key, served: dict[Key, Served], world: World) -> None:
    one, stream = served[key], CONTRACTS[key[0]].streams[key[1]]
    done = conformed(key, page_of(key, one), world)
    wanted = planted(one, stream)
    there = Counter({(column, kind): n for column, kind, n in wanted.group_by("column", "kind").len().rows()})
    found: Counter[tuple[str, str]] = Counter()
    for (column, reason, _), count in done.outcomes.items():
        found[column, reason] += count
    for kind in there.keys() | found.keys():
        missed = abs(there[kind] - found[kind])
        allowed = 0 if there[kind] < FEWEST else 0.01 * there[kind]
        assert missed <= allowed, (key, kind, there[kind], found[kind])


@pytest.mark.parametrize("key", STREAMS, ids=".".join)
def test_the_rows_held_are_the_rows_that_were_spoiled(key: Key, served: dict[Key, Served], world: World) -> None:
    one, stream = served[key], CONTRACTS[key[0]].streams[key[1]]
    done = conformed(key, page_of(key, one), world)
    spoiled = {(row, f"{column}:{kind}") for row, column, kind in planted(one, stream).rows()}
    held = {(row["row_no"], reason) for row in done.rejected.to_dicts() for reason in row["reasons"]}
    assert len(held & spoiled) >= 0.99 * len(held)
    assert len(done.accepted) + len(done.rejected) == one.frame.height


def test_there_are_defects_of_many_kinds(served: dict[Key, Served]) -> None:
    kinds = set(pl.concat([one.defects for one in served.values()])["kind"])
    assert len(kinds) > 12


def test_a_rule_that_is_lost_is_seen(served: dict[Key, Served], world: World) -> None:
    """The test above can fail: without its code list a column finds no unknown code."""
    key = ("four_platform", "events")
    page = page_of(key, served[key])
    healed = page.with_columns(zt=pl.lit("10"))
    wanted = planted(served[key], CONTRACTS[key[0]].streams[key[1]]).filter(pl.col("column") == "state").height
    assert wanted > 0
    assert sum(n for (column, _, _), n in conformed(key, healed, world).outcomes.items() if column == "state") == 0
