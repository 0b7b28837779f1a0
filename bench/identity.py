"""How well and how fast records are put together: our residents against the truth, beside stock Splink on the same.

A simulated town is taken in by a hub of its own (or records of an earlier run are read with --records), and the records
that name people go to both. They are resolved as served and once more with added dirt (--dirt): there a third of the
records that say anything besides a name lose their valid number, and other columns get slips.

- *automatic* are links of kind exact and probabilistic; *with probable* are all.
- *ceiling* is the recall that would be left if records with nothing but a name stayed alone and all else were right.
- Seconds of all cores together suffer less from what else the machine does than the time by the clock. The two take
  turns (--rounds), each begins every other round, and the median of each is told; `faster` is Splink's by ours. Of
  Splink's seconds some are training, which ours, with a saved model, does not do in a run: how many is told.
- Every figure is of pairs of records: right / found (precision) and right / true (recall).

`--measure keys` takes in a town that lives on (`--days`) and tells how many records keep their key; `--measure growth`
tells how the work grows with the records; `--measure month` what a run over a month's 20,000 new records costs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from bench import _identity_growth, _identity_month, _identity_retention
from bench._home import own_home
from bench._identity_added import added_records
from bench._identity_dirt import roughened
from bench._identity_records import people_taken_in, person_records
from bench._identity_run import Run, measured
from bench._identity_scores import Score, score
from bench._results import write_result
from orchestration.commands.passes import DEFAULT_SEED
from resolution.residents.features import features
from resolution.sources import RESIDENT_SCHEMA
from warehouse import connection

REPOSITORY = Path(__file__).parents[1]
FIGURES = ("precision", "recall", "f1", "cluster_f1", "true_pairs", "found_pairs", "right_pairs")
EVIDENCE = ("number", "typed_ends", "birth_year", "phone", "door")


def town_records(scale: float, seed: int, *, added: bool) -> pl.DataFrame:
    """Person records of a town, taken in by a hub in a home of its own, which is gone afterwards; `added` with those
    of `_identity_added`."""
    with own_home() as home:
        truth = people_taken_in(home, scale, seed)
        with connection.connect("builder") as conn:
            records = person_records(conn, truth)
        return pl.concat([records, added_records(truth, seed).select(records.columns)]) if added else records


def by_numbers(records: pl.DataFrame) -> Score:
    """Of records put together by their valid numbers alone: how dirty they are, whoever links them."""
    known = features(records.select(list(RESIDENT_SCHEMA)))
    alone = pl.when(pl.col("number").is_null()).then("row")
    named = known.select("row", found=pl.coalesce(alone, pl.col("row").min().over("number")))
    return score(records.select("true", found=named["found"]))


def scores(records: pl.DataFrame, run: Run) -> dict[str, Score]:
    """Score of everything that was found, and of the automatic links alone where kinds are told."""
    found = run.found.sort("row").with_columns(true=records["true"])
    told = {"with probable": score(found.select("true", found="cluster"))}
    if "link_kind" in found.columns:
        alone = pl.when(pl.col("link_kind") != "probable").then("cluster").otherwise(-1 - pl.col("row"))
        told = {"automatic": score(found.select("true", found=alone))} | told
    return told


def by_system(records: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """system, records, precision, recall: of the pairs that have at least one record of the system."""
    placed = found.sort("row").with_columns(true=records["true"], system=records["system"])
    whole = score(placed.select("true", found="cluster"))
    rows = []
    for system, mine in placed.sort("system").group_by("system", maintain_order=True):
        rest = score(placed.filter(pl.col("system") != system[0]).select("true", found="cluster"))
        right, told, true = (
            getattr(whole, name) - getattr(rest, name) for name in ("right_pairs", "found_pairs", "true_pairs")
        )
        rows.append((str(system[0]), mine.height, right / told if told else 1.0, right / true if true else 1.0))
    return pl.DataFrame(rows, schema=["system", "records", "precision", "recall"], orient="row")


def ceiling(records: pl.DataFrame) -> float:
    """Recall if all records with evidence were right and those without stayed alone."""
    known = features(records.select(list(RESIDENT_SCHEMA))).select(
        "row", some=pl.any_horizontal(pl.col(EVIDENCE).is_not_null())
    )
    found = pl.when(known["some"]).then(records["true"]).otherwise(-1 - known["row"])
    return score(records.select("true", found=found)).recall


def compare(records: pl.DataFrame, *, peer: bool, rounds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what was resolved by whom, figures); what is spent are medians of rounds in which the two take turns."""
    with tempfile.TemporaryDirectory(prefix="townhub-identity-") as name:
        folder = Path(name)
        records.select(list(RESIDENT_SCHEMA)).write_parquet(folder / "records.parquet")
        whose = ("ours", "splink") if peer else ("ours",)
        runs: dict[str, list[Run]] = {how: [] for how in whose}
        for number in range(rounds):
            for how in whose[:: -1 if number % 2 else 1]:
                runs[how].append(measured(how, folder / "records.parquet", folder))
        for how, mine in runs.items():
            figures: dict[str, Any] = medians(mine)
            for kind, found in scores(records, mine[0]).items():
                figures[kind] = {name: getattr(found, name) for name in FIGURES}
            if how == "ours":
                figures["by_system"] = by_system(records, mine[0].found).rows(named=True)
            yield how, figures


def medians(runs: list[Run]) -> dict[str, float]:
    """What one of several runs on the same records spends."""
    return {name: statistics.median(run.spent[name] for run in runs) for name in runs[0].spent}


def faster(ours: dict[str, Any], splink: dict[str, Any]) -> dict[str, float]:
    """How many times Splink's seconds ours go into, and the same without its training."""
    told = {name: splink[name] / ours[name] for name in ("seconds", "core_seconds")}
    rest = {f"{name}_without_training": (splink[name] - splink[f"trained_{name}"]) / ours[name] for name in told}
    return told | rest


def lines(how: str, figures: dict[str, Any]) -> Iterator[str]:
    """Figures for a person."""
    for kind in ("automatic", "with probable"):
        if kind in figures:
            one = figures[kind]
            yield (
                f"  {how:<8}{kind:<15}precision {one['precision']:.5f}  recall {one['recall']:.5f}  F1 {one['f1']:.5f}"
                f"  clusters' F1 {one['cluster_f1']:.5f}"
            )
    spent = f"{figures['seconds']:.1f} s by the clock, {figures['core_seconds']:.1f} s of all cores together"
    yield f"  {how:<8}{spent}, at most {figures['peak_mib']:,.0f} MiB"
    if "trained_core_seconds" in figures:
        trained = f"{figures['trained_seconds']:.1f} s and {figures['trained_core_seconds']:.1f} s"
        yield f"  {how:<8}of these {trained} training"
    for row in figures.get("by_system", []):
        share = f"precision {row['precision']:.5f}  recall {row['recall']:.5f}"
        yield f"    {row['system']:<26}{row['records']:>9,}  {share}"


def links(records: pl.DataFrame, options: argparse.Namespace) -> dict[str, Any]:
    """Precision and recall, seconds and memory, for each kind of dirt; prints them as they come."""
    result: dict[str, Any] = {}
    for dirt, some in variants(records, options):
        numbers = by_numbers(some)
        result[dirt] = {"ceiling": ceiling(some), "by_numbers": {n: getattr(numbers, n) for n in FIGURES[:3]}}
        print(f"{some.height:,} records of {some['true'].n_unique():,} people, dirt as {dirt}:")
        print(
            f"  ceiling of recall {result[dirt]['ceiling']:.5f}; by valid numbers alone {numbers.recall:.5f}",
            flush=True,
        )
        for how, figures in compare(some, peer=options.peer == "splink", rounds=options.rounds):
            result[dirt][how] = figures
            print("\n".join(lines(how, figures)), flush=True)
        if "splink" in result[dirt]:
            result[dirt]["faster"] = ratio = faster(result[dirt]["ours"], result[dirt]["splink"])
            whole, linking = (
                f"{ratio['seconds' + rest]:.2f} times by the clock, {ratio['core_seconds' + rest]:.2f} of all cores"
                for rest in ("", "_without_training")
            )
            print(f"  ours is faster {whole}; than Splink without its training {linking}", flush=True)
    return result


def growth(records: pl.DataFrame, options: argparse.Namespace) -> dict[str, Any]:
    """Exponent of n for each kind of dirt; prints them as they come."""
    result: dict[str, Any] = {}
    for dirt, some in variants(records, options):
        result[dirt] = _identity_growth.growth(some, rounds=options.rounds)
        print(f"growth, dirt as {dirt}:")
        print("\n".join(_identity_growth.lines(result[dirt])), flush=True)
    return result


def month(records: pl.DataFrame, options: argparse.Namespace) -> dict[str, Any]:
    """A run by changes beside full runs, for each kind of dirt; prints them as they come."""
    result: dict[str, Any] = {}
    for dirt, some in variants(records, options):
        result[dirt] = _identity_month.month(some, options.seed)
        print(f"a month's new records, dirt as {dirt}:")
        print("\n".join(_identity_month.lines(result[dirt])), flush=True)
    return result


def keys(options: argparse.Namespace) -> dict[str, Any]:
    """Share of records that keep their key while the town lives on."""
    found, seconds = _identity_retention.month(
        options.scale, options.seed, days=options.days, step=options.step or options.days
    )
    print(f"keys after {options.days} days:")
    print("\n".join(_identity_retention.lines(found)), flush=True)
    figures = {kind: vars(one) | {"share": one.share} for kind, one in found.items()}
    return {"days": options.days, "step": options.step or options.days, "seconds": seconds, **figures}


def variants(records: pl.DataFrame, options: argparse.Namespace) -> Iterator[tuple[str, pl.DataFrame]]:
    """The kinds of dirt that were asked for."""
    if options.dirt in ("served", "both"):
        yield "served", records
    if options.dirt in ("added", "both"):
        yield "added", roughened(records, options.seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure", choices=["links", "keys", "growth", "month"], default="links")
    parser.add_argument("--scale", type=float, default=0.1, help="size of the town: 1 is 330,000 residents")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument(
        "--streams",
        choices=["town", "added"],
        default="town",
        help="added: with registers of a clinic and of the waterworks, 1.35 million records at scale 1",
    )
    parser.add_argument("--records", type=Path, help="read the records that an earlier run saved, make no town")
    parser.add_argument("--save", type=Path, help="save the records with their truth, for --records")
    parser.add_argument("--dirt", choices=["served", "added", "both"], default="both", help="which records")
    parser.add_argument("--peer", choices=["splink", "none"], default="splink")
    parser.add_argument("--rounds", type=int, default=2, help="links, growth: how often the same is resolved")
    parser.add_argument("--days", type=int, default=30, help="keys: how long the town lives on")
    parser.add_argument("--step", type=int, help="keys: days between two passes of the hub (default: one pass)")
    options = parser.parse_args()
    result: dict[str, Any] = {"scale": options.scale, "seed": options.seed}
    if options.measure == "keys":
        print(f"written to {write_result('identity_keys', result | keys(options))}")
        return
    if options.records:
        records = pl.read_parquet(options.records)
    else:
        records = town_records(options.scale, options.seed, added=options.streams == "added")
    records = records.sort("system", "stream", "record_key")
    if options.save:
        records.write_parquet(options.save)
    result["records"] = records.height
    if options.measure == "links":
        print(f"written to {write_result('identity', result | links(records, options))}")
        return
    told = {"growth": growth, "month": month}[options.measure](records, options)
    print(f"written to {write_result(f'identity_{options.measure}', result | told)}")


if __name__ == "__main__":
    main()
