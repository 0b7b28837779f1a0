"""Under which rules a received row becomes what it became."""

from __future__ import annotations

import pytest

from connectors.contract_folder import load_contracts
from connectors.received import rules_of


def test_rules_are_others_in_another_region(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = load_contracts()["standard_address"]
    stream = contract.streams["addresses"]
    server = contract.server_of(stream)
    before = rules_of(stream, server)
    assert rules_of(stream, server) == before
    monkeypatch.setenv("TOWNHUB_REGION", "119.9,30.1,120.4,30.5")
    assert rules_of(stream, server) != before
