"""Versions of a warehouse in segments of a file, against a dictionary; what is held of them does not grow."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import known_versions
from connectors.bits import Bits
from connectors.errors import Permanent
from connectors.known_versions import KnownVersions, Part
from connectors.version_runs import Hashes
from connectors.versions import Versions, no_numbers

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# First halves on both sides of every border between segments, and many that are the same.
half = st.sampled_from([0, 1, (1 << 62) - 1, 1 << 62, (1 << 63) - 1, 1 << 63, 3 << 62, (1 << 64) - 1])
key = st.tuples(half, st.integers(0, 3))
version = st.tuples(key, st.integers(0, 99))
known = st.lists(version, max_size=40, unique_by=lambda v: v[0])


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path_factory.getbasetemp()))


def array(pairs: list[tuple[int, int]]) -> Hashes:
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2)


def parts(versions: list[tuple[tuple[int, int], int]], size: int, *, timed: bool) -> Iterator[Part]:
    for first in range(0, len(versions), size):
        some = versions[first : first + size]
        numbers = np.array([n for _, n in some], dtype=np.int64) if timed else no_numbers(len(some))
        yield array([k for k, _ in some]), array([(7, n) for _, n in some]), numbers


@QUICK
@given(versions=known, size=st.integers(1, 9), segment=st.integers(1, 12), timed=st.booleans())
def test_each_key_is_found_with_what_belongs_to_it(
    versions: list[tuple[tuple[int, int], int]], size: int, segment: int, timed: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_versions, "SEGMENT_ROWS", segment)
        found = KnownVersions(parts(versions, size, timed=timed))
    model = dict(versions)
    assert len(found) == len(model)
    asked = [(hi, lo) for hi in half.elements for lo in range(5)]  # type: ignore[attr-defined]
    at = found.find(array(asked))
    assert [place >= 0 for place in at] == [k in model for k in asked]
    hit, hits = at[at >= 0], [k for k in asked if k in model]
    assert sorted(hit.tolist()) == list(range(len(model))), "every version has a position of its own"
    assert found.keys(hit).tolist() == [list(k) for k in hits]
    hashes, numbers = found.contents(hit)
    assert hashes[:, 1].tolist() == [model[k] for k in hits]
    expected = [model[k] if timed else 0 for k in hits]
    assert numbers.tolist() == found.numbers(hit).tolist() == expected
    absent = np.concatenate([run.keys for _, run in found.segments] or [array([])])
    assert sorted(map(tuple, absent.tolist())) == sorted(model)


def test_a_version_is_told_by_half_of_its_key_and_half_of_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_versions, "SEGMENT_ROWS", 64)
    keys = np.random.default_rng(5).integers(0, 2**64, (1_000, 2), dtype=np.uint64)
    found = KnownVersions(
        (keys[at : at + 50], keys[at : at + 50][:, ::-1], no_numbers(50)) for at in range(0, 1_000, 50)
    )
    assert found.halves(keys[:, 0], keys[:, 0]).tolist() == found.find(keys).tolist()
    assert (found.halves(keys[:, 0], keys[:, 1]) == -1).all()
    assert (found.halves(keys[:, 0] + np.uint64(1), keys[:, 0]) == -1).all()


def test_what_did_not_come_is_told_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_versions, "SEGMENT_ROWS", 64)
    keys = np.random.default_rng(6).integers(0, 2**64, (1_003, 2), dtype=np.uint64)
    versions = Versions.of_parts((part, part, no_numbers(len(part))) for part in np.array_split(keys, 7))
    versions.mark_seen(keys[::3])
    told = list(versions.absent_keys())
    assert len(told) > 8
    gone = {tuple(k) for k in keys.tolist()} - {tuple(k) for k in keys[::3].tolist()}
    assert {tuple(k) for part in told for k in part.tolist()} == gone
    assert sum(map(len, told)) == versions.absent == len(gone)


def test_memory_does_not_grow_with_the_register() -> None:
    """33 bytes a version before; now less than one is held, and four megabytes more while it is read or asked."""
    rows, size = 1_200_000, 30_000
    random = np.random.default_rng(1)

    def read() -> Iterator[Part]:
        for _ in range(rows // size):
            keys = random.integers(0, 2**64, (size, 2), dtype=np.uint64)
            yield keys, keys, no_numbers(size)

    tracemalloc.start()
    try:
        versions = Versions.of_parts(read())
        built = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        asked = random.integers(0, 2**64, (10_000, 2), dtype=np.uint64)
        versions.find(asked)
        versions.mark_seen(asked)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(versions) == rows
    assert held < 1e6
    assert most < 3e6
    assert built < 16e6


def test_a_home_that_cannot_be_written_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").write_text("a file where the folder should be")
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    monkeypatch.setattr(known_versions, "SEGMENT_ROWS", 1)
    with pytest.raises(Permanent, match="Free some space"):
        KnownVersions([(array([(1, 1)]), array([(1, 1)]), no_numbers(1))])


@given(size=st.integers(0, 40), which=st.lists(st.integers(0, 39)), cut=st.integers(0, 40))
def test_bits_are_those_that_were_set(size: int, which: list[int], cut: int) -> None:
    places = np.array([place for place in which if place < size], dtype=np.int32)
    bits = Bits(size)
    bits.set(places)
    wanted = set(places.tolist())
    assert bits.count() == len(wanted)
    assert bits.at(np.arange(size)).tolist() == [place in wanted for place in range(size)]
    cut = min(cut, size)
    assert bits.unset(cut, size).tolist() == [place - cut for place in range(cut, size) if place not in wanted]
