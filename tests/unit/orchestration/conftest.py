"""Tests of what Dagster sees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dagster._core.storage.defs_state.base import set_defs_state_storage


@pytest.fixture(autouse=True)
def no_instance_of_another_test() -> Iterator[None]:
    """An instance that was opened stays Dagster's own for what is defined afterwards, also when it is long gone."""
    with set_defs_state_storage(None):
        yield
