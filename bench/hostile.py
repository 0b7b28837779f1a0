"""What one hostile upstream costs the others: intake of a whole town beside a system that hangs, floods or lies.

Every stream of a simulated town is read whole in each round, over its real protocol. A calm round, in which the system
in question behaves, comes before each hostile one, so that whatever else the machine does is done to both. What counts
is the time from the start until the last stream of all the *other* systems has ended.

The town's servers run on this machine too: what a flood costs them is part of the figure, though a real upstream would
pay for it itself. What Dagster and the contract checks do after each load is not in it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg

from bench._home import own_home
from bench._peaks import peak_kib
from bench._results import write_result
from connectors.contract import Contract, Stream
from orchestration import demo, names, receiving, town
from orchestration.commands.passes import DEFAULT_SEED
from orchestration.pulls import Pulls
from orchestration.report import Silent
from warehouse import connection

KINDS = {"hanging": "timeout", "flooding": "endless_pages", "lying": "wrong_count"}
SETTINGS = {"TOWNHUB_SOURCE_DEADLINE_SECONDS": "10", "TOWNHUB_PULL_MAX_ROWS": "2000000"}
"""A hanging source is given up sooner and a flood ends sooner than by default: both only after the others are done."""


@dataclass
class Pair:
    """Seconds until the others were done, in a calm round and in the hostile one after it."""

    calm: float
    hostile: float

    @property
    def ratio(self) -> float:
        return self.hostile / self.calm


class Rounds:
    """Pulls everything again and again; `system` is the one that turns hostile."""

    def __init__(self, asked: list[tuple[Contract, Stream]], system: str) -> None:
        self._asked = asked
        self._system = system
        self._number = 0

    def calm(self) -> float:
        return self._round(None)

    def hostile(self, fault: str) -> float:
        town.control("POST", "/faults", {"system": self._system, "fault": fault})
        try:
            return self._round(fault)
        finally:
            town.control("DELETE", "/faults")

    def _round(self, fault: str | None) -> float:
        self._number += 1
        _forget()
        started = time.perf_counter()
        pulls = Pulls(f"bench-{self._number}", self._asked, Silent())
        others = [stream for _, stream in self._asked if stream.system != self._system]
        for stream in others:
            future = pulls.take(stream)
            assert future is not None
            state = future.result().load.state
            if state != "committed":
                raise RuntimeError(f"{stream.system}.{stream.name} is {state} and not committed: no fair round")
        seconds = time.perf_counter() - started
        if fault is not None:
            pulls.stop()
            town.control("DELETE", "/faults")
        for _, stream in self._asked:
            future = pulls.take(stream)
            if future is not None:
                with suppress(Exception) if fault else _loud():
                    future.result()
        return seconds


@contextmanager
def _loud() -> Iterator[None]:
    yield


def _forget() -> None:
    """Let every stream be read whole, as if its contract read it otherwise; and the server be at rest."""
    with connection.connect("loader") as conn:
        conn.execute('UPDATE control.cursor SET value = \'{"shape": "another"}\'')
    with psycopg.connect(connection.url(), autocommit=True) as conn:
        conn.execute("CHECKPOINT")


def measure(scale: float, seed: int, system: str, rounds: int) -> tuple[dict[str, list[Pair]], int]:
    """Pairs of rounds by kind of hostility, and the rows that a round reads; in this process's own home."""
    contracts = dict(demo.bring_up(scale, seed))
    if system not in contracts or "gateway" not in {s.protocol for s in contracts[system].servers.values()}:
        raise SystemExit(f"--system {system}: name a system behind a gateway, whose faults these are")
    asked = [(contracts[stream.system], stream) for stream in names.selected_streams(contracts, None)]
    with receiving.listening():
        town.wait_delivered(print)
        turns = Rounds(asked, system)
        for _ in range(2):  # the first lands everything, the second finds it unchanged as all others do
            turns.calm()
        pairs: dict[str, list[Pair]] = {kind: [] for kind in KINDS}
        for number in range(rounds):
            for kind, fault in KINDS.items():
                pair = Pair(turns.calm(), turns.hostile(fault))
                pairs[kind].append(pair)
                print(f"round {number + 1}, {kind}: {pair.calm:.2f} s calm, {pair.hostile:.2f} s beside it", flush=True)
    with connection.connect("loader") as conn:
        row = conn.execute("SELECT sum(rows_in) FROM control.load WHERE run_id = 'bench-2'").fetchone()
    return pairs, int(row[0]) if row else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.1, help="size of the town: 1 is 330,000 residents")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--rounds", type=int, default=5, help="pairs of rounds for each kind of hostility")
    parser.add_argument("--system", default="four_platform", help="the system that turns hostile (a gateway's)")
    options = parser.parse_args()
    with own_home(**SETTINGS):
        pairs, rows = measure(options.scale, options.seed, options.system, options.rounds)
    slower = {kind: statistics.median(pair.ratio for pair in found) - 1 for kind, found in pairs.items()}
    print(f"intake of a town of scale {options.scale:g} ({rows:,} rows a round) beside {options.system}")
    for kind, found in pairs.items():
        calm, hostile = (statistics.median(getattr(pair, name) for pair in found) for name in ("calm", "hostile"))
        print(f"{kind:<10}{calm:8.2f} s calm {hostile:8.2f} s beside it   the others {slower[kind]:+.1%}")
    peak = peak_kib() / 1024
    print(f"most memory of the pulling process {peak:,.0f} MiB")
    path = write_result(
        "hostile",
        {
            "scale": options.scale,
            "seed": options.seed,
            "system": options.system,
            "rows_per_round": rows,
            "slower": slower,
            "rounds": {kind: [{"calm": p.calm, "hostile": p.hostile} for p in found] for kind, found in pairs.items()},
            "peak_mib": peak,
        },
    )
    print(f"written to {path}")


if __name__ == "__main__":
    main()
