"""Versions of a load under way, most of them in a file, against a dictionary."""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import versions
from connectors.errors import Permanent
from connectors.fresh_versions import FreshVersions
from connectors.version_runs import Hashes, Run, StoredRun
from connectors.versions import hash_texts

# Few values for each half: keys come again and again, and many share 64 bits.
half = st.integers(0, 5)
version = st.tuples(st.tuples(half, half), st.integers(0, 99))
batches = st.lists(st.lists(version, max_size=8, unique_by=lambda v: v[0]), max_size=8)


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path_factory.getbasetemp()))


def array(pairs: list[tuple[int, int]]) -> Hashes:
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2)


def hashed(texts: list[str]) -> Hashes:
    return hash_texts(pl.Series(texts, dtype=pl.String))


def found(fresh: FreshVersions, keys: Hashes) -> dict[int, tuple[int, int]]:
    """By the row of a key: the second half of its content, its number."""
    told: dict[int, tuple[int, int]] = {}
    for rows, run, places in fresh.find(keys):
        assert told.keys().isdisjoint(rows.tolist()), "a key is told of once"
        contents, numbers = run.hashes[places, 1].tolist(), run.versions[places].tolist()
        told |= dict(zip(rows.tolist(), zip(contents, numbers, strict=True), strict=True))
    return told


@settings(max_examples=150, deadline=None)
@given(batches=batches, recent=st.integers(1, 12), timed=st.booleans())
def test_the_newest_of_each_key_is_found_in_memory_and_in_the_file(
    batches: list[list[tuple[tuple[int, int], int]]], recent: int, timed: bool
) -> None:
    fresh, model = FreshVersions(recent), dict[tuple[int, int], tuple[int, int]]()
    for batch in batches:
        numbers = np.array([n if timed else 0 for _, n in batch], dtype=np.int64 if timed else np.int8)
        fresh.add(array([key for key, _ in batch]), array([(7, n) for _, n in batch]), numbers)
        model |= {key: (n, n if timed else 0) for key, n in batch}
    asked = [(hi, lo) for hi in range(7) for lo in range(7)]
    assert found(fresh, array(asked)) == {at: model[key] for at, key in enumerate(asked) if key in model}


def test_nothing_is_lost_when_the_filter_grows() -> None:
    fresh = FreshVersions(recent_rows=5_000)
    pages = [hashed([f"{page}-{row}" for row in range(3_000)]) for page in range(20)]
    for page in pages:
        fresh.add(page, page, np.zeros(len(page), dtype=np.int8))
    assert all(len(found(fresh, page)) == len(page) for page in pages)
    assert len(fresh._recent) <= 2
    assert len(fresh._stored) == 10


def test_the_file_is_hardly_ever_asked_for_a_key_that_is_new() -> None:
    fresh = FreshVersions(recent_rows=50_000)
    for page in range(10):
        keys = hashed([f"{page}-{row}" for row in range(20_000)])
        fresh.add(keys, keys, np.zeros(len(keys), dtype=np.int8))
    new = hashed([f"new {row}" for row in range(50_000)])
    assert found(fresh, new) == {}
    assert len(fresh._filter.may_hold(new)) < 50_000 * 0.02


def test_memory_does_not_grow_with_the_records() -> None:
    random = np.random.default_rng(1)
    tracemalloc.start()
    try:
        fresh = FreshVersions()
        for _ in range(60):
            keys = random.integers(0, 2**63, (10_000, 2), dtype=np.uint64)
            fresh.add(keys, keys, np.zeros(len(keys), dtype=np.int8))
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 600,000 versions are 20 MB; of them at most 100,000 and the filter stay, three times that while they are merged.
    assert held < 6e6
    assert most < 15e6


@pytest.fixture
def open_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The files of a hub of its own that this process has open; what is mapped has a descriptor of its own."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files are told by /proc, which this system does not have")
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))

    def names() -> list[str]:
        links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]
        return [str(link.readlink()) for link in links if link.is_symlink() and str(tmp_path) in str(link.readlink())]

    return names


def test_of_many_runs_one_is_mapped_at_a_time(
    open_here: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = hashed([])
    current = versions.Versions(nothing, nothing, versions.no_numbers(0))
    current._fresh = FreshVersions(recent_rows=10)
    keys = hashed([str(row) for row in range(200)])
    for part in range(0, 200, 10):
        current._fresh.add(keys[part : part + 10], keys[part : part + 10], versions.no_numbers(10))
    read, open_then = StoredRun.read, []

    def counted(run: StoredRun) -> Run:
        mapped = read(run)
        open_then.append(len(open_here()))
        return mapped

    monkeypatch.setattr(StoredRun, "read", counted)
    assert current.find(keys)[0].all()
    assert len(open_then) == 20
    assert max(open_then) <= 3, "the file, the run that is looked at and the one before"


def test_the_file_has_no_name_and_goes_with_the_load(open_here: Callable[[], list[str]], tmp_path: Path) -> None:
    fresh = FreshVersions(recent_rows=10)
    keys = hashed([str(row) for row in range(20)])
    fresh.add(keys, keys, np.zeros(len(keys), dtype=np.int8))
    assert list((tmp_path / "work").iterdir()) == []
    assert len(open_here()) == 1
    del fresh
    gc.collect()
    assert open_here() == []


def test_a_home_that_cannot_be_written_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").write_text("a file where the folder should be")
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    fresh = FreshVersions(recent_rows=10)
    keys = hashed([str(row) for row in range(20)])
    with pytest.raises(Permanent, match="Free some space"):
        fresh.add(keys, keys, np.zeros(len(keys), dtype=np.int8))
