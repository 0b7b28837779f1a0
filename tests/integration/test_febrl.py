"""The machinery of residents on records that its authors have not made: FEBRL 3 and 4."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import febrl
from bench._febrl_data import FebrlError, records, wheel


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return wheel(tmp_path_factory.mktemp("febrl"))
    except FebrlError as error:
        pytest.skip(str(error))


@pytest.mark.external
@pytest.mark.parametrize("number", [3, 4])
def test_febrl_is_put_together(source: Path, number: int) -> None:
    outcome = febrl.solved(records(source, number))
    assert outcome.score.f1 >= febrl.AIM and outcome.score.cluster_f1 >= febrl.AIM
    assert all(count.allowed == count.pairs for count in outcome.counts), "no rule outgrew its budget"
