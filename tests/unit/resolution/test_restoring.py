"""Keys come back: whatever is merged and undone, each part has the key again that it had."""

from __future__ import annotations

from collections import Counter

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolution import ledger, redirects, restoring
from resolution.errors import IdentityError

SCHEMA = ["system", "stream", "record_key", "cluster", "link_kind", "reason"]


class Ledger:
    """A ledger in the database, driven by partitions: record → label of its cluster."""

    def __init__(self, conn: psycopg.Connection, kind: str = "resident") -> None:
        self.conn, self.kind = conn, kind
        self.ever: set[str] = set()
        self.ended: dict[str, set[str]] = {}

    def run(self, labels: dict[str, int]) -> dict[str, str]:
        """Reconcile and write; gives record → key."""
        row = self.conn.execute("INSERT INTO resolution.run (kind) VALUES ('residents') RETURNING run_id").fetchone()
        assert row is not None
        clusters = pl.DataFrame(
            [("s", "t", name, label, "rule", "r") for name, label in labels.items()],
            schema=dict.fromkeys(SCHEMA, pl.String()) | {"cluster": pl.Int64()},
            orient="row",
        )
        before = ledger.current(self.conn, self.kind)
        former = restoring.former(self.conn, self.kind)
        memberships, moves = ledger.reconcile(self.kind, clusters, before, former)
        self.done = ledger.write(self.conn, self.kind, row[0], memberships, moves, before)
        self.looked_at(clusters)
        held = dict(memberships.select("record_key", "entity_key").iter_rows())
        was = dict(before.select("record_key", "entity_key").iter_rows())
        for key in set(was.values()) - set(held.values()):
            self.ended[key] = {name for name in was if was[name] == key}
        self.ever |= set(held.values())
        return held

    def looked_at(self, clusters: pl.DataFrame) -> None:
        """What a run reads of keys out of use for the records at hand is all that concerns these."""
        query = "SELECT entity_key, resolves_to FROM resolution.entity ORDER BY 1"
        stand_for = self.conn.execute(query).fetchall()
        redirects.refresh(self.conn, self.kind)
        assert self.conn.execute(query).fetchall() == stand_for
        everything = restoring.former(self.conn, self.kind)
        for some in (clusters[::2], clusters[1::3]):
            of_some = restoring.former(self.conn, self.kind, some)
            for find in (restoring.beside, lambda former, mine: restoring.overlaps(mine, former)):
                found, all_found = find(of_some, some), find(everything, some)
                assert found.sort(found.columns).equals(all_found.sort(found.columns))


def of(groups: str) -> dict[str, int]:
    """`ab c` → a and b are one, c is another."""
    return {name: number for number, group in enumerate(groups.split()) for name in group}


@pytest.mark.parametrize(
    "runs",
    [
        ["ab c", "abc", "ab c"],
        ["ab cd", "abcdefgh", "ab cdefgh"],  # the later records make the undone part the larger one
        ["a bb cc dd", "abcd", "a b c d"],
        ["abc de f", "abcde f", "abcdef", "abc de f"],
        ["abc de f", "abcde f", "abcdef", "abcde f", "abc de f"],
        ["a bcd efg", "abcd efg", "abcdefg", "a bcd efg"],
        ["a b c", "ab c", "abc", "a bc", "a b c"],
    ],
)
def test_an_undone_merge_restores_every_key(conn: psycopg.Connection, runs: list[str]) -> None:
    book = Ledger(conn)
    first = book.run(of(runs[0]))
    for groups in runs[1:]:
        last = book.run(of(groups))
    assert {name: last[name] for name in first} == first
    assert book.done.created == book.done.split == 0, "no new key where an old one was at hand"


def test_a_restored_key_is_told_and_redirects_no_more(conn: psycopg.Connection) -> None:
    book = Ledger(conn)
    first = book.run(of("ab c"))
    book.run(of("abc"))
    assert ledger.resolve_key(conn, first["c"]) == first["a"]
    book.run(of("ab c"))
    assert ledger.resolve_key(conn, first["c"]) == first["c"]
    assert book.done.restored == 1
    told = conn.execute(
        "SELECT type, from_key, to_key FROM resolution.event WHERE %s IN (from_key, to_key) ORDER BY event_id",
        [first["c"]],
    ).fetchall()
    assert told == [("merge", first["c"], first["a"]), ("restore", first["a"], first["c"])]


def test_records_that_come_back_have_their_key_again(conn: psycopg.Connection) -> None:
    book = Ledger(conn)
    first = book.run(of("a b"))
    book.run(of("a"))
    assert ledger.resolve_key(conn, first["b"]) is None
    assert book.run(of("a b")) == first


def test_a_small_part_does_not_take_the_key_that_most_of_its_records_left_elsewhere(conn: psycopg.Connection) -> None:
    book = Ledger(conn)
    first = book.run(of("abcd efg"))
    book.run(of("abcdefg"))
    after = book.run(of("abcdfg e"))
    assert after["e"] not in first.values(), "who holds the old key means e, f and g, and most of them are elsewhere"
    assert ledger.resolve_key(conn, first["e"]) == first["a"]


def test_chains_of_merges_lead_to_their_end(conn: psycopg.Connection) -> None:
    book = Ledger(conn)
    first = book.run(of("a bc defghi"))
    book.run(of("abc defghi"))
    book.run(of("abcdefghi"))
    assert {ledger.resolve_key(conn, key) for key in first.values()} == {first["d"]}
    book.run({})
    assert {ledger.resolve_key(conn, key) for key in first.values()} == {None}
    with pytest.raises(IdentityError, match="no key RNEVER"):
        ledger.resolve_key(conn, "RNEVER")


def test_a_chain_of_which_no_record_is_left_is_followed_to_its_end(conn: psycopg.Connection) -> None:
    book = Ledger(conn)
    first = book.run(of("a bc def ghij"))
    for groups in ("abc def ghij", "bc def ghij", "bcdef ghij", "def ghij", "defghij"):
        book.run(of(groups))
    assert {ledger.resolve_key(conn, key) for key in first.values()} == {first["g"]}


def test_two_merged_keys_whose_records_leave_together(conn: psycopg.Connection) -> None:
    book = Ledger(conn)
    first = book.run(of("abc d e"))
    book.run(of("abcde"))
    after = book.run(of("abc de"))
    assert after["a"] == first["a"] and after["d"] == after["e"] in {first["d"], first["e"]}
    assert {ledger.resolve_key(conn, first[name]) for name in "de"} == {after["d"]}


partition = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(partition, min_size=1, max_size=7))
def test_every_key_ever_given_resolves_to_one_active_key_or_none(
    conn: psycopg.Connection, runs: list[dict[str, int]]
) -> None:
    with conn.transaction(force_rollback=True):
        book = Ledger(conn)
        for labels in runs:
            held = book.run(labels)
            again = book.run(labels)
            assert again == held
            assert len(set(held.values())) == len(set(labels.values()))
            assert (book.done.created, book.done.merged, book.done.split, book.done.restored) == (0, 0, 0, 0)
            active = {
                key
                for (key,) in conn.execute(
                    "SELECT entity_key FROM resolution.entity WHERE status = 'active' AND entity_key = ANY (%s)",
                    [list(book.ever)],
                )
            }
            assert active == set(held.values())
            for key in book.ever:
                end = ledger.resolve_key(conn, key)
                if key in active:
                    assert end == key
                    continue
                assert end is None or end in active
                there = Counter(held[name] for name in book.ended[key] if name in held)
                assert not there or (end is not None and there[end] == max(there.values())), "it follows its records"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 4), min_size=2),
    joins=st.lists(st.dictionaries(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=3),
    late=st.dictionaries(st.sampled_from("uvwxyz"), st.integers(0, 4)),
)
def test_any_merges_that_are_undone_restore_all_keys(
    conn: psycopg.Connection, first: dict[str, int], joins: list[dict[int, int]], late: dict[str, int]
) -> None:
    with conn.transaction(force_rollback=True):
        book = Ledger(conn)
        given_keys = book.run(first)
        steps = [first]
        for join in joins:
            steps.append({name: join.get(label, label) for name, label in steps[-1].items()})
            book.run(steps[-1])
        after = book.run(first | {name: label for name, label in late.items() if label in first.values()})
        assert {name: after[name] for name in first} == given_keys
