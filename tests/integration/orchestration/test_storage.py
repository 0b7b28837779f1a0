"""Dagster's storage as several processes of a hub meet it on its first day."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from orchestration import environment, passes, storage
from warehouse import connection

POOLS = [f"upstream_{number}" for number in range(40)]


@pytest.fixture
def instances(fresh_database: str, tmp_path: Path) -> Iterator[list[dg.DagsterInstance]]:
    """Two processes' views of one storage that has just been made."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DAGSTER_HOME", "TOWNHUB_DAGSTER_URL"):
            patch.setenv(name, os.environ.get(name, ""))
        patch.setattr(environment, "dagster_home", lambda: tmp_path)
        (tmp_path / "dagster.yaml").write_text(environment.INSTANCE_TEMPLATE.read_text(encoding="utf-8"))
        name = connection.ensure_database("dagster")
        environment.apply()
        opened = [passes.open_instance() for _ in range(2)]
        yield opened
        for each in opened:
            each.dispose()
        with psycopg.connect(connection.maintenance_url(), autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def at_once(work: Callable[[dg.DagsterInstance], None], instances: list[dg.DagsterInstance]) -> None:
    together = Barrier(len(instances))

    def begin(instance: dg.DagsterInstance) -> None:
        together.wait()
        work(instance)

    with ThreadPoolExecutor(len(instances)) as threads:
        for done in [threads.submit(begin, each) for each in instances]:
            done.result()


def test_pools_that_two_processes_need_at_once_are_made_once(instances: list[dg.DagsterInstance]) -> None:
    at_once(lambda instance: storage.have_pools(instance, POOLS), instances)
    limits = [instances[0].event_log_storage.get_concurrency_info(pool) for pool in POOLS]
    assert [(info.slot_count, info.limit) for info in limits] == [(1, 1)] * len(POOLS)
    at_once(lambda instance: storage.have_pools(instance, [*POOLS, "release_safety"]), instances)
    assert instances[1].event_log_storage.get_concurrency_keys() == {*POOLS, "release_safety"}
