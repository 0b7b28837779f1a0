"""The whole hub, measured from outside: `townhub demo` in a home of its own, step by step, with peak memory.

The figures are those of a first pass over a fresh town: everything is new, everything is landed, built and published.
With `--days` the town lives on, and the pass of each day is measured too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._results import write_result
from orchestration.commands.passes import DEFAULT_SEED

REPOSITORY = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "orchestration.cli"]
STEPS = (
    "setup",
    "extract",
    "conform",
    "land",
    "staging",
    "resolve",
    "build",
    "gate",
    "publish",
    "draw",
    "orchestration",
)


@dataclass
class Pass:
    """What `townhub demo --json` or `run --json` said, how long it took and the most memory that its process held."""

    report: dict[str, Any]
    seconds: float
    peak_mib: float


def demonstrate(scale: float, seed: int, days: int = 0) -> list[Pass]:
    """A demo in a temporary home, and a pass after each of `days` days; raises RuntimeError when one of them fails."""
    with tempfile.TemporaryDirectory(prefix="townhub-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)  # the server may run as another user
        environment = {name: value for name, value in os.environ.items() if name != "TOWNHUB_DATABASE_URL"}
        environment["TOWNHUB_HOME"] = str(home)
        try:
            done = [_measured(["demo", "--scale", f"{scale:g}", "--seed", str(seed), "--json"], environment)]
            for _ in range(days):
                _measured(["simulate", "advance", "--days", "1", "--json"], environment)
                done.append(_measured(["run", "--json"], environment))
            return done
        finally:
            subprocess.run(
                [*COMMAND, "down", "--purge", "--yes"], env=environment, cwd=REPOSITORY, check=False,
                stdout=subprocess.DEVNULL,
            )  # fmt: skip


def _measured(arguments: list[str], environment: dict[str, str]) -> Pass:
    with tempfile.TemporaryFile() as answer:
        started = time.perf_counter()
        process = subprocess.Popen([*COMMAND, *arguments], env=environment, cwd=REPOSITORY, stdout=answer)
        # Unlike Popen.wait this tells what the process used; the simulated town is no child that it waits for.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"townhub {arguments[0]} ended with code {process.returncode}; its message stands above")
        answer.seek(0)
        text = answer.read().decode()
    return Pass(json.loads(text[text.index("{") :]), seconds, usage.ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1, help="size of the town: 1 is 330,000 residents")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--days", type=int, default=0, help="so many days that the town lives on, a pass after each")
    options = parser.parse_args()
    first, *later = demonstrate(options.scale, options.seed, options.days)
    path = write_result(
        "run",
        {
            "scale": options.scale,
            "seed": options.seed,
            **_told(f"a first pass over a town of scale {options.scale:g}", first),
            "days": [_told(f"the pass of day {day}", done) for day, done in enumerate(later, start=1)],
        },
    )
    print(f"written to {path}")


def _told(what: str, done: Pass) -> dict[str, Any]:
    """Print a pass's figures, and give them as they are kept."""
    spent, totals = done.report["seconds"], done.report["totals"]
    rows = sum(totals[kind] for kind in ("landed", "unchanged", "quarantined"))
    intake = sum(done.report["busy_seconds"].values())
    print(f"{what}: {rows:,} rows in, {totals['landed']:,} landed, {done.seconds:.1f} s")
    for step in STEPS:
        if step in spent:
            print(f"  {step:<14}{spent[step]:8.1f} s  {spent[step] / done.seconds:6.1%}")
    rate = rows / intake if intake else 0.0
    print(f"intake {rate:,.0f} rows per busy second, all steps {rows / done.seconds:,.0f} rows/s")
    print(f"most memory of the hub's process {done.peak_mib:,.0f} MiB (dbt and GX have processes of their own)")
    return {
        "rows_in": rows,
        "landed": totals["landed"],
        "seconds": done.seconds,
        "steps": {step: spent[step] for step in STEPS if step in spent},
        "intake_busy_seconds": done.report["busy_seconds"],
        "intake_rows_per_busy_second": rate,
        "rows_per_second": rows / done.seconds,
        "peak_mib": done.peak_mib,
        "verdicts": done.report["verdicts"],
        "content_hash": done.report["content_hash"],
    }


if __name__ == "__main__":
    main()
