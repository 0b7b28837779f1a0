"""How many values a second each standard judges on one core: check-digit functions first, then the rest.

Values are made, not measured. Seconds are those of the processor in this process with polars on one thread, so the
figures are per core and a busy machine does not spoil them. `aim` is a million values a second for whatever computes
a check digit.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # read when polars is imported

import numpy as np
import polars as pl

from bench._results import write_result
from connectors.standards import (
    address,
    address_register,
    coordinates,
    credit_code,
    device_id,
    disability,
    legacy_tax,
    organisation_code,
    person_name,
    phone,
    plate,
    resident_id,
    text,
)

AIM = 1_000_000
DIVISION = "330199"


@dataclass
class Case:
    """A function on a column; `aimed` when it computes check digits."""

    name: str
    run: Callable[[], object]
    values: int
    aimed: bool = False


def cases(values: int, seed: int = 11) -> Iterator[Case]:
    """The measurements, each on `values` values; free texts on a tenth, for they take longer."""
    rng = np.random.default_rng(seed)
    divisions = pl.Series([DIVISION]).new_from_index(0, values)
    births = pl.Series(rng.integers(-14_000, 12_000, values).astype(np.int32)).cast(pl.Date)
    sequences = pl.Series(rng.integers(0, 996, values))
    serials = pl.Series(rng.integers(0, 10**8, values))
    ids = resident_id.make(divisions, births, sequences)
    old = ids.str.slice(0, 6) + ids.str.slice(8, 9)
    codes = credit_code.make("91", divisions, serials)
    inner = credit_code.organisation_code(codes)
    certificates = ids + "43"

    def checked(name: str, function: Callable[[pl.Series], object], column: pl.Series) -> Case:
        return Case(name, lambda: function(column), values, aimed=True)

    yield checked("resident_id.is_valid", resident_id.is_valid, ids)
    yield checked("resident_id.normalise, canonical", resident_id.normalise, ids)
    yield checked("resident_id.normalise, dirty", resident_id.normalise, " " + ids.str.to_lowercase())
    yield checked("resident_id.upgrade, 15 digits", resident_id.upgrade, old)
    yield Case("resident_id.make", lambda: resident_id.make(divisions, births, sequences), values, aimed=True)
    yield checked("credit_code.is_valid", credit_code.is_valid, codes)
    yield Case("credit_code.make", lambda: credit_code.make("91", divisions, serials), values, aimed=True)
    yield checked("organisation_code.is_valid", organisation_code.is_valid, inner)
    yield checked("organisation_code.make", organisation_code.make, inner.str.head(8))
    yield checked("legacy_tax.kind, 15 characters", legacy_tax.kind, divisions + inner)
    yield checked("legacy_tax.kind, credit codes", legacy_tax.kind, codes)
    yield checked("disability.is_valid", disability.is_valid, certificates)
    yield from _others(values, rng)


def _others(values: int, rng: np.random.Generator) -> Iterator[Case]:
    lon, lat = rng.uniform(120.0, 120.2, values), rng.uniform(30.2, 30.4, values)
    yield Case("coordinates, GCJ-02 to WGS-84", lambda: coordinates.wgs84_from_gcj02(lon, lat), values)
    yield Case("coordinates, BD-09 to WGS-84", lambda: coordinates.wgs84_from_bd09(lon, lat), values)
    mobiles = pl.Series(rng.integers(13_000_000_000, 20_000_000_000, values)).cast(pl.String)
    yield Case("phone.normalise", lambda: phone.normalise(mobiles), values)
    devices = device_id.make(pl.Series([DIVISION]).new_from_index(0, values), pl.Series(np.arange(values) % 1_000_000))
    yield Case("device_id.is_valid", lambda: device_id.is_valid(devices), values)
    plates = "浙A" + pl.Series(rng.integers(10_000, 99_999, values)).cast(pl.String)
    yield Case("plate.is_valid", lambda: plate.is_valid(plates), values)
    names = pl.Series(rng.choice(["王伟", "阿卜杜.热合曼", "欧阳娜娜", "张\ue863"], values))
    yield Case("person_name.normalise", lambda: person_name.normalise(names), values)
    days = pl.Series(rng.choice(["2026-03-05", "2026/3/5", "20260305", "2026年3月5日"], values))
    yield Case("text.date", lambda: text.date(days), values)
    few = max(values // 10, 1)
    buildings, units, rooms = (pl.Series(rng.integers(1, top, few)).cast(pl.String) for top in (200, 4, 30))
    doors = "安澜区听澜镇锦绣花园" + buildings + "幢" + units + "单元" + (rooms + "01室")
    register = pl.DataFrame({"full_address": doors.unique(maintain_order=True)}).with_row_index("address_code")
    yield Case("address.canonical_key", lambda: address.canonical_key(doors), few)
    yield Case("address_register.match", lambda: address_register.match(doors, register), few)


def measure(case: Case, rounds: int) -> float:
    """Values per processor second, the best of `rounds`: the least disturbed."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        case.run()
        best = min(best, time.process_time() - started)
    return case.values / best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if pl.thread_pool_size() != 1:
        print(f"polars runs on {pl.thread_pool_size()} threads: set POLARS_MAX_THREADS=1 for figures per core")
    figures, slow = {}, []
    for case in cases(options.values):
        rate = measure(case, options.rounds)
        figures[case.name] = rate
        verdict = "" if not case.aimed else "  aim met" if rate >= AIM else "  below the aim"
        slow += [case.name] if case.aimed and rate < AIM else []
        print(f"{case.name:<36}{rate / 1e6:8.2f} M values/s{verdict}")
    path = write_result(
        "standards",
        {
            "values": options.values,
            "rounds": options.rounds,
            "polars_threads": pl.thread_pool_size(),
            "aim": AIM,
            "below_the_aim": slow,
            "values_per_second": {name: round(rate) for name, rate in figures.items()},
        },
    )
    print(f"written to {path}")


if __name__ == "__main__":
    main()
