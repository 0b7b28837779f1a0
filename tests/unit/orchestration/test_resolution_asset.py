"""Resolution is a part of a build: it waits for the warehouse and rests on what the build rests on."""

from __future__ import annotations

import dagster as dg
import pytest

from connectors.contract_folder import load_contracts
from orchestration import building, resolution
from resolution import runner


@pytest.mark.parametrize("kind", resolution.KINDS)
def test_it_asks_for_the_warehouse_before_it_reads(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def begin(run_id: str) -> None:
        asked.append(run_id)
        raise TimeoutError("another build has it")

    monkeypatch.setattr(building, "begin", begin)
    monkeypatch.setattr(runner, "resolve", lambda *_, **__: pytest.fail("it did not wait"))
    made = [asset for asset in resolution.assets(load_contracts(), lambda *_: None) if kind in asset.key.path]
    result = dg.materialize(made, instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
    assert not result.success and asked == [result.run_id]
