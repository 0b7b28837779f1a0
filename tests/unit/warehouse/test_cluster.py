"""The embedded server's small files: what several threads or processes write at once is whole, and nothing is lost."""

from __future__ import annotations

import os
import secrets
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from warehouse import cluster
from warehouse.cluster import Places, read_json, secret, write_json


def test_first_uses_at_once_lose_no_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = secrets.token_urlsafe

    def slowly(length: int) -> str:
        time.sleep(0.05)  # all have read the file before the first one writes, unless they wait for each other
        return made(length)

    monkeypatch.setattr(cluster.secrets, "token_urlsafe", slowly)
    places = Places(tmp_path)
    names = [f"role{number}_password" for number in range(4)] * 2
    with ThreadPoolExecutor(len(names)) as threads:
        given = dict(zip(names, threads.map(lambda name: secret(places, name), names), strict=True))
    assert read_json(places.secret) == given


def test_a_password_is_read_while_somebody_has_the_lock(tmp_path: Path) -> None:
    places = Places(tmp_path)
    known = secret(places, "password")
    with cluster.locked(places.secret_lock):
        assert secret(places, "password") == known


def test_two_threads_write_one_file_and_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both, sync = threading.Barrier(2), os.fsync

    def together(descriptor: int) -> None:
        sync(descriptor)
        both.wait(30)

    monkeypatch.setattr(cluster.os, "fsync", together)
    path = tmp_path / "server.json"
    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(write_json, path, {"of": of}) for of in (1, 2)]:
            future.result()
    assert read_json(path) in ({"of": 1}, {"of": 2})
    assert [each.name for each in tmp_path.iterdir()] == ["server.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "server.json"
    write_json(path, {"port": 1})
    with pytest.raises(TypeError):
        write_json(path, {"port": object()})
    assert read_json(path) == {"port": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["server.json"]
