"""Every view serves exactly the columns and codes of its contract; no world is needed for that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from simulator import systems

CONTRACTS = Path(__file__).parents[3] / "connectors" / "systems"


def contract(system: str) -> dict[str, Any]:
    return yaml.safe_load((CONTRACTS / f"{system}.odcs.yaml").read_text(encoding="utf-8"))


def test_every_contract_has_a_view() -> None:
    assert sorted(systems.SYSTEMS) == sorted(
        path.name.removesuffix(".odcs.yaml") for path in CONTRACTS.glob("*.odcs.yaml")
    )


@pytest.mark.parametrize("system", systems.SYSTEMS)
def test_columns_are_the_contracts_in_its_order(system: str) -> None:
    streams = {
        stream["name"]: {column["name"]: column["physicalName"] for column in stream["properties"]}
        for stream in contract(system)["schema"]
    }
    served = systems.streams(system)
    assert {name: list(columns.items()) for name, columns in served.items()} == {
        name: list(columns.items()) for name, columns in streams.items()
    }
