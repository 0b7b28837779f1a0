"""The queue of doubtful identities as Dagster shows it: counts, and a warning when it grows too long."""

from __future__ import annotations

import dagster as dg
import psycopg
import pytest

from orchestration import resolution, review_queue


def run(instance: dg.DagsterInstance) -> tuple[dg.AssetCheckEvaluation, dict[str, object]]:
    (asset,) = review_queue.assets(resolution.KINDS)
    done = dg.materialize([asset], instance=instance)
    (check,) = done.get_asset_check_evaluations()
    (shown,) = done.asset_materializations_for_node("resolution__review_queue")
    return check, {name: entry.value for name, entry in shown.metadata.items()}


def test_the_check_warns_when_the_queue_grows(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(review_queue.recovery, "mark", lambda context: None)
    with psycopg.connect(fresh_database) as conn:
        conn.execute(
            "INSERT INTO resolution.review (kind, record, reason) SELECT 'resident',"
            ' \'{"system": "s", "stream": "t", "record_key": "330106198505050019"}\', \'r\''
            " FROM generate_series(1, 500)"
        )
    with dg.DagsterInstance.ephemeral() as instance:
        check, shown = run(instance)
        assert check.passed and shown["dagster/row_count"] == 500
        with psycopg.connect(fresh_database) as conn:
            conn.execute("INSERT INTO resolution.review (kind, record, reason) VALUES ('resident', '{}', 'r')")
        check, shown = run(instance)
        assert not check.passed and check.severity == dg.AssetCheckSeverity.WARN
        told = repr([shown, {name: entry.value for name, entry in check.metadata.items()}])
        assert "settle reviews of resident" in told and "330106" not in told
        with psycopg.connect(fresh_database) as conn:
            conn.execute("UPDATE resolution.review SET state = 'decided'")
        assert run(instance)[0].passed


def test_it_stands_behind_the_resolution_of_every_kind() -> None:
    (asset,) = review_queue.assets(resolution.KINDS)
    assert {key.path[-1] for key in asset.dependency_keys} == set(resolution.KINDS)
