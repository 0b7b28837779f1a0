"""One stream's whole path beside PostgreSQL's plain COPY and other tools, each time in a fresh process.

Three interfaces serve the same register of 15 columns: JSON pages over HTTP (a gateway), a GB18030 CSV file over SFTP,
a table in PostgreSQL. A process of its own serves bytes that were prepared beforehand. Ways take turns in rounds, so
that a busy machine is equally busy for all; figures are medians. Time is that of the whole process, start included.

`plain COPY` sends the rows as landing would, encoded beforehand, into a logged table without an index. Peers keep what
they read as text where the source is text; only ours checks it against a contract.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import _intake_upstream as upstream
from bench._chart import bars
from bench._intake_peers_home import peers_python
from bench._intake_process import Spent, spend
from bench._results import RESULTS, write_result

PEERS = {
    "json": ("dlt-rest", "dlt-arrow"),
    "csv": ("dlt-csv-arrow",),
    "sql": ("dlt-sql-connectorx", "dlt-sql-pyarrow"),
}
SHAPES = tuple(PEERS)
FLAT = (10_000, 100_000, 1_000_000, 10_000_000)
MODULE = "bench._intake_pull"

Rounds = dict[str, list[Spent]]


def measure(shape: str, rows: int, rounds: int, python: Path | None) -> Rounds:
    """`rounds` rounds of every way for one shape, in the warehouse that the environment names.

    Raises RuntimeError when a way does not bring every row: it would not be a fair round.
    """
    with upstream.served(shape, rows) as (folder, environment):
        found: Rounds = {}
        for _ in range(rounds):
            for way in ("plain COPY", "townhub", "townhub again", *(PEERS[shape] if python else ())):
                spent = _turn(way, shape, folder, environment, python)
                brought = spent.said.get("unchanged" if way == "townhub again" else "landed")
                if brought != rows:
                    raise RuntimeError(f"{way} brought {brought} of {rows} rows of {shape}: no fair round")
                found.setdefault(way, []).append(spent)
        return found


def _turn(way: str, shape: str, folder: Path, environment: dict[str, str], python: Path | None) -> Spent:
    if way == "townhub again":  # right after the first load, on what that landed
        upstream.touched(shape, folder)
        return spend(upstream.own(MODULE, shape, str(folder)), environment)
    upstream.emptied(shape)
    if way == "plain COPY":
        return spend(upstream.own(MODULE, "copy", str(folder)), environment)
    if way == "townhub":
        return spend(upstream.own(MODULE, shape, str(folder)), environment)
    with tempfile.TemporaryDirectory(prefix="townhub-peer-", ignore_cleanup_errors=True) as work:
        script = str(Path(__file__).with_name("_intake_peers.py"))
        return spend([str(python), script, way, work], environment | {"HOME": work})


def summary(found: Rounds, rows: int) -> dict[str, Any]:
    """Medians of each way, and the ratios that the hub has set itself as aims."""
    ways = {
        way: {
            "seconds": statistics.median(s.seconds for s in spent),
            "rows_per_second": rows / statistics.median(s.seconds for s in spent),
            "cpu_seconds": statistics.median(s.cpu for s in spent),
            "peak_mib": max(s.peak_mib for s in spent),
        }
        for way, spent in found.items()
    }
    times = {way: [s.seconds for s in spent] for way, spent in found.items()}

    def ratio(of: str, to: str) -> float:
        return statistics.median(a / b for a, b in zip(times[of], times[to], strict=True))

    return {
        "rows": rows,
        "ways": ways,
        "of_plain_copy": ratio("plain COPY", "townhub"),
        "times_faster_than": {way: ratio(way, "townhub") for way in times if way.startswith("dlt")},
        "again_to_first": ratio("townhub again", "townhub"),
        "again_landed": max(s.said["landed"] for s in found["townhub again"]),
        "steps": found["townhub"][-1].said["steps"],
        "rounds": times,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shapes", default=",".join(SHAPES), help="json, csv, sql; separated by commas")
    parser.add_argument(
        "--peers", default="cache", help="Python environment of the peers, 'cache' to make it, or 'none'"
    )
    parser.add_argument("--flat", type=int, default=0, metavar="ROWS", help="also cost per row from 10,000 up to ROWS")
    parser.add_argument("--no-result", action="store_true", help="print only: write neither JSON nor chart")
    options = parser.parse_args()
    shapes = options.shapes.split(",")
    if unknown := set(shapes) - set(SHAPES):
        parser.error(f"unknown shape {', '.join(sorted(unknown))}; there are {', '.join(SHAPES)}")
    python, notes = peers_python(options.peers)
    for note in notes:
        print(note)
    figures: dict[str, Any] = {"peers": notes, "shapes": {}, "per_row": {}}
    with _home():
        for shape in shapes:
            figures["shapes"][shape] = told = summary(
                measure(shape, options.rows, options.rounds, python), options.rows
            )
            _print(shape, told, options.rounds)
        for shape in shapes if options.flat else ():
            figures["per_row"][shape] = _flat(shape, options.flat)
    if options.no_result:
        return
    chart = {s: {w: f["rows_per_second"] for w, f in t["ways"].items()} for s, t in figures["shapes"].items()}
    (RESULTS / "intake.svg").write_text(bars("rows per second, whole process", chart), encoding="utf-8")
    print(f"written to {write_result('intake', figures)}")


def _print(shape: str, told: dict[str, Any], rounds: int) -> None:
    print(f"\n{shape}: {told['rows']:,} rows x 15 columns, medians of {rounds} rounds in turn")
    for way, figure in told["ways"].items():
        print(
            f"  {way:<20}{figure['seconds']:8.2f} s{figure['rows_per_second']:12,.0f} rows/s"
            f"{figure['cpu_seconds']:8.2f} CPU s{figure['peak_mib']:7.0f} MiB"
        )
    faster = ", ".join(f"{ratio:.1f}x {way}" for way, ratio in told["times_faster_than"].items())
    print(f"  {told['of_plain_copy']:.2f} of plain COPY{', ' + faster if faster else ''}")
    print(f"  again: {told['again_to_first']:.2f} of the first load, {told['again_landed']} rows written")
    print("  busy: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in told["steps"].items()), flush=True)


def _flat(shape: str, most: int) -> list[dict[str, float]]:
    """First loads of growing size: microseconds a row and peak memory, one process each."""
    found = []
    for rows in (size for size in FLAT if size <= most):
        with upstream.served(shape, rows) as (folder, environment):
            upstream.emptied(shape)
            spent = spend(upstream.own(MODULE, shape, str(folder)), environment)
        found.append({"rows": rows, "us_per_row": spent.seconds / rows * 1e6, "peak_mib": spent.peak_mib})
        print(f"  {shape} {rows:>10,} rows {found[-1]['us_per_row']:8.2f} us/row {spent.peak_mib:6.0f} MiB", flush=True)
    return found


@contextmanager
def _home() -> Iterator[None]:
    """A home of its own with an embedded server, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="townhub-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server may run as another user
        os.environ.pop("TOWNHUB_DATABASE_URL", None)
        os.environ["TOWNHUB_HOME"] = folder
        try:
            # Helpers do what needs much memory: a process starts with what its parent holds.
            subprocess.run(upstream.own("bench._intake_upstream", "migrate"), check=True)
            yield
        finally:
            subprocess.run(upstream.own("bench._intake_upstream", "stop"), check=False)


if __name__ == "__main__":
    main()
