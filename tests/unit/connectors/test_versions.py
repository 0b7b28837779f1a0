"""Current versions searched in sorted arrays, against a dictionary; ordering within a page, against a loop."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.contract import Column, Stream
from connectors.version_runs import Hashes
from connectors.versions import Versions, content_hashes, hash_texts, key_hashes

QUICK = settings(max_examples=150, deadline=None)

# Two values for the first 64 bits and eight for the second: nearly all keys share half of their hash.
pair = st.tuples(st.integers(0, 1), st.integers(0, 7))
version = st.tuples(pair, pair, st.integers(0, 5))
batches = st.lists(st.lists(version, max_size=12, unique_by=lambda v: v[0]), max_size=6)


def array(pairs: list[tuple[int, int]]) -> Hashes:
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2)


def split(versions: list[tuple[tuple[int, int], tuple[int, int], int]]) -> tuple[Hashes, Hashes, np.ndarray]:
    return (
        array([v[0] for v in versions]),
        array([v[1] for v in versions]),
        np.array([v[2] for v in versions], dtype=np.int64),
    )


@QUICK
@given(known=st.lists(version, max_size=16, unique_by=lambda v: v[0]), batches=batches, asked=st.lists(pair))
def test_the_newest_of_each_key_is_found_even_where_keys_share_64_bits(
    known: list[tuple[tuple[int, int], tuple[int, int], int]],
    batches: list[list[tuple[tuple[int, int], tuple[int, int], int]]],
    asked: list[tuple[int, int]],
) -> None:
    versions = Versions(*split(known))
    model = {key: (content, number) for key, content, number in known}
    fresh: set[tuple[int, int]] = set()
    for batch in batches:
        versions.add(*split(batch))
        model |= {key: (content, number) for key, content, number in batch}
        fresh |= {key for key, _, _ in batch}
    there, hashes, numbers = versions.find(array(asked))
    assert there.tolist() == [key in model for key in asked]
    for at, key in enumerate(asked):
        if key in model:
            assert (tuple(hashes[at].tolist()), int(numbers[at])) == model[key]
    assert versions.decided(array(asked)).tolist() == [key in fresh for key in asked]


@QUICK
@given(known=st.lists(pair, max_size=16, unique=True), seen=st.lists(pair), decided=st.lists(pair))
def test_absent_is_what_was_known_and_not_seen(
    known: list[tuple[int, int]], seen: list[tuple[int, int]], decided: list[tuple[int, int]]
) -> None:
    keys = array(known)
    versions = Versions(keys, keys, np.zeros(len(keys), dtype=np.int64))
    assert len(versions) == len(known)
    versions.mark_seen(array(seen))
    versions.mark_decided(array(decided))
    absent = [tuple(key) for keys in versions.absent_keys() for key in keys.tolist()]
    assert (set(absent), len(absent)) == (set(known) - set(seen), versions.absent)
    assert versions.decided(array(known)).tolist() == [key in decided for key in known]


def test_many_small_pages_leave_few_runs() -> None:
    versions = Versions(*split([]))
    for page in range(200):
        keys = hash_texts(pl.Series([f"{page}-{row}" for row in range(10)]))
        versions.add(keys, keys, np.zeros(10, dtype=np.int64))
    assert len(versions._fresh._recent) <= 8
    there, _, _ = versions.find(hash_texts(pl.Series(["0-0", "199-9", "200-0"])))
    assert there.tolist() == [True, True, False]


def test_hashes_are_the_same_on_every_machine_and_library_version() -> None:
    """Stored in the warehouse for ever: should one of these change, everything is landed anew."""
    assert hash_texts(pl.Series(["", "王伟", "a\x1fb"])).tolist() == PINNED


# Computed with the reference implementation of XXH3 (64 bits, the two seeds).
PINNED = [
    [7814024502937657134, 10629696851953213704],
    [10981664235900708429, 12045653008790655415],
    [10596069015543482254, 18316712452256697090],
]


STREAM = Stream(
    "demo",
    "things",
    "things",
    "snapshot",
    (
        Column("id", "id", "string", "L1", primary_key=True),
        Column("name", "name", "string", "L1", semantic_type="cn.person_name"),
        Column("size", "size", "number", "L1"),
        Column("open", "open", "boolean", "L1"),
    ),
)


def hashed(**change: object) -> list[int]:
    row = {"id": "a", "name": "b", "size": 1.5, "open": True, "name_raw": "b"} | change
    schema = {"id": pl.String, "name": pl.String, "size": pl.Float64, "open": pl.Boolean, "name_raw": pl.String}
    return [int(half) for half in content_hashes(pl.DataFrame([row], schema=schema), STREAM)[0]]


def test_any_value_that_differs_makes_another_content() -> None:
    variants = [
        {},
        {"id": "b"},
        {"name": None},
        {"name": None, "name_raw": "12345"},
        {"name": None, "name_raw": None},
        {"size": 1.5000000000000002},
        {"size": None},
        {"open": False},
        {"open": None},
        {"id": None},
        {"id": "a\x1fb", "name": None},
    ]
    hashes = [tuple(hashed(**variant)) for variant in variants]
    assert len(set(hashes)) == len(variants)
    assert hashed(name_raw="  b ") == hashed(), "another spelling of the same value is no change"


def test_contents_hash_as_the_reference_implementation_does() -> None:
    """Words of 64 bits (texts by XXH3, a withheld text by another seed, numbers by their bits), hashed together."""
    assert hashed() == [18011204572201172734, 11025499699638480247]
    assert hashed(name=None, name_raw="12345") == [16067306858786777111, 8498963688001588172]
    assert hashed(size=None) == [751749119002237528, 2631883826426986789]


def test_keys_that_are_missing_hash_like_empty_ones_and_never_match_a_real_one() -> None:
    keys = key_hashes(pl.Series([None, "", "a"]))
    assert keys[0].tolist() == keys[1].tolist() != keys[2].tolist()
