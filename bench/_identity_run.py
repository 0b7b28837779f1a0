"""One resolution in a process of its own, so that its seconds and its memory are its own.

`python -m bench._identity_run ours|splink INPUT OUTPUT` writes row and cluster (ours: link_kind too) and prints seconds
and peak memory as JSON. The clock begins with the records in memory as a frame of polars and ends with the clusters as
one; what either imports, prepares and trains in between is in it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from bench._peaks import peak_kib

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Run:
    """`found` has row and cluster, and link_kind where there is one."""

    found: pl.DataFrame
    spent: dict[str, float]
    """seconds, core_seconds, peak_mib; of Splink trained_seconds and trained_core_seconds, part of the first two."""


def measured(how: str, records: Path, folder: Path) -> Run:
    """Run it. Raises RuntimeError with its message when it fails."""
    out = folder / f"{how}.parquet"
    done = subprocess.run(
        [sys.executable, "-m", "bench._identity_run", how, str(records), str(out)],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{how} failed: {done.stderr.strip()[-2000:]}")
    return Run(pl.read_parquet(out), json.loads(done.stdout.splitlines()[-1]))


def ours(records: pl.DataFrame, trained: Callable[[], None]) -> pl.DataFrame:
    """The hub's own code, with the saved model."""
    from resolution.residents import cluster

    return cluster(records).assigned


def splink(records: pl.DataFrame, trained: Callable[[], None]) -> pl.DataFrame:
    """Splink as its tutorial has it: ready-made comparisons, u by random sampling, m by expectation maximisation on two
    blockings, predictions above 0.9, connected components at 0.95."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.NameComparison("name"),
            cl.DateOfBirthComparison("birth_date", input_is_string=True),
            cl.ExactMatch("resident_id_no").configure(term_frequency_adjustments=True),
            cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
            cl.ExactMatch("sex"),
            cl.ExactMatch("address").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("resident_id_no"), block_on("phone", "name"), block_on("name", "birth_date"),
            block_on("name", "address"),
        ],
    )  # fmt: skip
    rows = records.with_columns(unique_id=pl.int_range(pl.len()), birth_date=pl.col("birth_date").cast(pl.String))
    api: Any = DuckDBAPI()
    linker = Linker(api.register(rows.to_arrow()), settings, log_level=None)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("resident_id_no"), block_on("name", "phone")], recall=0.8
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("name", "birth_date"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("resident_id_no"))
    trained()
    pairs = linker.inference.predict(threshold_match_probability=0.9)
    found = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold_match_probability=0.95)
    table = pl.from_arrow(
        api.duckdb_con.sql(f"SELECT unique_id, cluster_id FROM {found.physical_name}").to_arrow_table()
    )
    assert isinstance(table, pl.DataFrame)
    return table.select(row=pl.col("unique_id").cast(pl.Int64), cluster=pl.col("cluster_id").cast(pl.Int64))


def main() -> None:
    how, source, out = sys.argv[1:]
    records = pl.read_parquet(source)
    started, worked = time.perf_counter(), time.process_time()
    spent: dict[str, float] = {}

    def passed(so_far: str = "") -> None:
        spent[f"{so_far}seconds"] = time.perf_counter() - started
        spent[f"{so_far}core_seconds"] = time.process_time() - worked

    found = {"ours": ours, "splink": splink}[how](records, lambda: passed("trained_"))
    passed()
    found.write_parquet(out)
    print(json.dumps(spent | {"peak_mib": peak_kib() / 1024}))


if __name__ == "__main__":
    main()
