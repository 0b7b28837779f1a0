"""The intake bench measures a whole process per way, and refuses rounds that are not fair."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench import intake
from bench._intake_process import Spent


@pytest.mark.parametrize("shape", intake.SHAPES)
def test_every_row_comes_by_every_way_and_none_a_second_time(shape: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.intake", "--rows", "20000", "--rounds", "1", "--shapes", shape,
         "--peers", "none", "--no-result"],
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert "20,000 rows x 15 columns" in done.stdout
    assert "of plain COPY" in done.stdout and ", 0 rows written" in done.stdout


def test_ratios_are_medians_of_rounds() -> None:
    def rounds(*seconds: float, landed: int = 10) -> list[Spent]:
        return [Spent(s, s, 100.0, {"landed": landed, "steps": {}}) for s in seconds]

    told = intake.summary(
        {
            "plain COPY": rounds(1, 1, 4),
            "townhub": rounds(2, 4, 4),
            "townhub again": rounds(1, 1, 1, landed=0),
            "dlt-rest": rounds(20, 20, 20),
        },
        rows=10,
    )
    assert (told["of_plain_copy"], told["again_to_first"], told["again_landed"]) == (0.5, 0.25, 0)
    assert told["times_faster_than"] == {"dlt-rest": 5}
