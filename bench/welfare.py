"""Who is due what: the hub's welfare_match against the town's own answer key, policy by policy.

A simulated town is taken in, resolved, built and published by a hub of its own; its outcomes are read from the
warehouse, the answer key from files that no part of the hub may read.

- *False exclusion* is "not eligible" for somebody entitled, *false inclusion* "eligible" for somebody who is not, both
  as shares of the decided cases (eligible or not eligible). Candidates and unknowns are not decided.
- A false inclusion is *avoidable* unless no register told by the day that it is one: a death that is registered later,
  an income above the line of somebody who is approved all the same. Both shares are printed; the aim is for the
  avoidable ones.
- *Unseen* are entitled people of whom no register tells (they never applied): no cases, for no hub can find them.
  Whoever a register tells of and the hub does not list is *missed*: a case that was not decided.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from bench._home import own_home, town_taken_in
from bench._results import write_result
from bench._welfare_scores import FOUND, HIDDEN, KEY, Score, by_policy, hidden
from bench.defects import hub_keys
from connectors.contract_folder import load_contracts
from orchestration.commands.passes import DEFAULT_SEED
from resolution import things
from warehouse import connection

REPOSITORY = Path(__file__).parents[1]
MOST_EXCLUDED, MOST_INCLUDED, LEAST_DECIDED = 0.01, 0.005, 0.95


def run_town(scale: float, seed: int, home: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """`FOUND`, `KEY` and `HIDDEN` of a town, taken in by this process's own hub."""
    truth = town_taken_in(home, scale, seed)
    answers = key(truth)
    residents = pl.read_parquet(truth / "residents.parquet")
    known = residents.filter(pl.col("death_registered_on").is_not_null())["resident_id"]
    with connection.connect("builder") as conn:
        return outcomes(conn, truth), answers, hidden(answers, known)


def key(truth: Path) -> pl.DataFrame:
    """`KEY` from the folder that `townhub simulate truth` wrote."""
    entitled = pl.read_parquet(truth / "entitlements.parquet")
    code = pl.lit("P") + pl.col("policy").cast(pl.String).str.zfill(2)
    return entitled.select(code.alias("policy"), pl.col("resident_id").alias("person"), "eligible", "reason")


def outcomes(conn: psycopg.Connection, truth: Path) -> pl.DataFrame:
    """`FOUND` from the candidate product; each resident of the hub is the person most of whose records it holds."""
    found = conn.execute("SELECT policy_code, resident_key, outcome FROM candidate.welfare_match").fetchall()
    links = conn.execute(
        "SELECT system, stream, record_key, entity_key FROM resolution.membership"
        " WHERE kind = 'resident' AND to_run IS NULL"
    ).fetchall()
    names = {name: pl.String for name in ("system", "stream", "record_key", "resident_key")}
    linked = pl.DataFrame(links, schema=names, orient="row")
    person = people(linked, records(truth))
    schema = {name: pl.String for name in ("policy", "resident_key", "outcome")}
    rows = pl.DataFrame(found, schema=schema, orient="row")
    return rows.join(person, on="resident_key").select(list(FOUND))


def people(linked: pl.DataFrame, truly: pl.DataFrame) -> pl.DataFrame:
    """resident_key and person: whose records most of the resident's are, of equals the first person."""
    counted = linked.join(truly, on=["system", "stream", "record_key"]).group_by("resident_key", "person").len()
    counted = counted.sort(["resident_key", "len", "person"], descending=[False, True, False])
    return counted.unique("resident_key", keep="first", maintain_order=True).select("resident_key", "person")


def records(truth: Path) -> pl.DataFrame:
    """system, stream, record_key (ours) and person of every record that the hub links to residents."""
    who = pl.read_parquet(truth / "who_is_who.parquet").filter(pl.col("kind") == "resident")
    contracts = load_contracts()
    keyed = []
    for source in things.RESIDENTS:
        mine = who.filter(pl.col("system") == source.system, pl.col("stream") == source.stream)
        contract = contracts[source.system]
        ours = hub_keys(mine["record_key"], contract, contract.streams[source.stream])
        keyed.append(mine.select("system", "stream", record_key=pl.Series(ours, dtype=pl.String), person="true_id"))
    return pl.concat(keyed).unique(["system", "stream", "record_key"])


def short(policy: str, one: Score) -> list[str]:
    """The aims that a policy misses."""
    missed = []
    if one.false_exclusion > MOST_EXCLUDED:
        missed.append(f"{policy} false exclusion {one.false_exclusion:.4f}")
    if one.avoidable_inclusion > MOST_INCLUDED:
        missed.append(f"{policy} false inclusion {one.avoidable_inclusion:.4f}")
    if one.decided_share < LEAST_DECIDED:
        missed.append(f"{policy} decided share {one.decided_share:.4f}")
    return missed


def table(scores: dict[str, Score]) -> Iterator[str]:
    """Lines for a person: a row per policy, then what the wrong ones are."""
    yield (
        f"{'policy':<8}{'cases':>7}{'decided':>9}{'share':>8}{'entitled':>10}{'unseen':>8}{'missed':>8}"
        f"{'excluded':>10}{'share':>8}{'included':>10}{'share':>8}{'avoidable':>11}"
    )
    for policy, one in scores.items():
        yield (
            f"{policy:<8}{one.cases:>7}{one.decided:>9}{one.decided_share:>8.4f}{one.entitled:>10}{one.unseen:>8}"
            f"{one.missed:>8}{one.false_exclusions:>10}{one.false_exclusion:>8.4f}{one.false_inclusions:>10}"
            f"{one.false_inclusion:>8.4f}{one.avoidable_inclusion:>11.4f}"
        )
    for policy, one in scores.items():
        for name, wrong in (("excluded", one.wrongly_out), ("included", one.wrongly_in)):
            if wrong:
                yield f"{policy} wrongly {name}: " + ", ".join(f"{why} ({n})" for why, n in wrong.items())


def figures(scores: dict[str, Score]) -> dict[str, Any]:
    """For the file of results."""
    shares = ("decided_share", "false_exclusion", "false_inclusion", "avoidable_inclusion")
    return {policy: asdict(one) | {name: getattr(one, name) for name in shares} for policy, one in scores.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1, help="size of the town: 1 is 330,000 residents")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--save", type=Path, help="save what was found and what is true in this folder, for --read")
    parser.add_argument("--read", type=Path, help="score what an earlier run saved, make no town")
    options = parser.parse_args()
    names = {"found": FOUND, "key": KEY, "hidden": HIDDEN}
    if options.read:
        frames = tuple(pl.read_parquet(options.read / f"{name}.parquet") for name in names)
    else:
        with own_home() as home:
            frames = run_town(options.scale, options.seed, home)
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        for name, frame in zip(names, frames, strict=True):
            frame.write_parquet(options.save / f"{name}.parquet")
    scores = by_policy(*frames)
    print("\n".join(table(scores)))
    if not options.read:
        result = {"scale": options.scale, "seed": options.seed, "policies": figures(scores)}
        print(f"written to {write_result('welfare', result)}")
    if missed := [line for policy, one in scores.items() for line in short(policy, one)]:
        sys.exit("short of the aim: " + "; ".join(missed))


if __name__ == "__main__":
    main()
