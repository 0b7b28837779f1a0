"""Keys for ever: what a cluster's key becomes from run to run, whatever happens to the cluster."""

from __future__ import annotations

from collections import Counter, defaultdict

import polars as pl
import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st

from resolution import ledger
from resolution.content import Totals
from resolution.ledger import reconcile
from resolution.union import apply_decisions, components

EMPTY = pl.DataFrame(
    schema=dict.fromkeys(["system", "stream", "record_key", "entity_key", "link_kind", "reason"], pl.String)
)


def clusters(labels: dict[str, int]) -> pl.DataFrame:
    """Records by name, each with the label of its cluster."""
    return pl.DataFrame(
        [("s", "t", name, label, "rule", "r") for name, label in labels.items()],
        schema={"system": pl.String, "stream": pl.String, "record_key": pl.String, "cluster": pl.Int64,
                "link_kind": pl.String, "reason": pl.String},
        orient="row",
    )  # fmt: skip


def keys(memberships: pl.DataFrame) -> dict[str, str]:
    assert memberships["record_key"].is_unique().all()
    return dict(memberships.select("record_key", "entity_key").iter_rows())


def content_hash(memberships: pl.DataFrame) -> str:
    return Totals.of(memberships).content_hash


def told(moves: pl.DataFrame, kind: str) -> set[tuple[str | None, str | None]]:
    return set(moves.filter(pl.col("type") == kind).select("from_key", "to_key").iter_rows())


def test_a_second_run_of_the_same_changes_nothing() -> None:
    first, made = reconcile("resident", clusters({"a": 0, "b": 0, "c": 2}), EMPTY)
    assert made["type"].to_list() == ["create", "create"]
    second, moves = reconcile("resident", clusters({"a": 5, "b": 5, "c": 1}), first)
    assert keys(second) == keys(first)
    assert moves.is_empty()
    assert content_hash(first) == content_hash(second)


def test_keys_are_opaque_and_tell_their_kind() -> None:
    made, _ = reconcile("enterprise", clusters({"a": 0, "b": 1}), EMPTY)
    assert all(key.startswith("E") and len(key) == 17 for key in keys(made).values())


def test_a_merge_keeps_the_key_of_the_most_records_and_redirects_the_other() -> None:
    before, _ = reconcile("resident", clusters({"a": 0, "b": 0, "c": 1}), EMPTY)
    after, moves = reconcile("resident", clusters({"a": 0, "b": 0, "c": 0}), before)
    large, small = keys(before)["a"], keys(before)["c"]
    assert set(keys(after).values()) == {large}
    assert told(moves, "merge") == {(small, large)} and len(moves) == 1


def test_a_split_leaves_the_key_with_the_larger_part() -> None:
    before, _ = reconcile("resident", clusters({"a": 0, "b": 0, "c": 0}), EMPTY)
    after, moves = reconcile("resident", clusters({"a": 0, "b": 0, "c": 1}), before)
    assert keys(after)["a"] == keys(after)["b"] == keys(before)["a"]
    assert told(moves, "split") == {(keys(before)["a"], keys(after)["c"])} and len(moves) == 1


def test_a_key_whose_records_are_gone_is_retired() -> None:
    before, _ = reconcile("resident", clusters({"a": 0, "b": 1}), EMPTY)
    after, moves = reconcile("resident", clusters({"a": 0}), before)
    assert keys(after) == {"a": keys(before)["a"]}
    assert told(moves, "retire") == {(keys(before)["b"], None)} and len(moves) == 1


def test_parts_that_change_places_keep_the_larger_overlap() -> None:
    before, _ = reconcile("resident", clusters({"a": 0, "b": 0, "c": 0, "d": 1, "e": 1}), EMPTY)
    after, moves = reconcile("resident", clusters({"a": 0, "b": 0, "c": 1, "d": 1, "e": 1}), before)
    assert (keys(after)["a"], keys(after)["c"]) == (keys(before)["a"], keys(before)["d"])
    assert moves.is_empty()


history = st.lists(
    st.dictionaries(st.sampled_from("abcdefghij"), st.integers(0, 4), max_size=10), min_size=1, max_size=6
)


@settings(max_examples=150, deadline=None)
@given(history)
def test_any_history_keeps_keys_by_overlap_and_never_uses_one_twice(runs: list[dict[str, int]]) -> None:
    before, ever, retired = EMPTY, set(), set()
    for labels in runs:
        after, moves = reconcile("resident", clusters(labels), before)
        held, was = keys(after), keys(before)
        assert set(held) == set(labels)
        for name, label in labels.items():
            assert {held[other] for other in labels if labels[other] == label} == {held[name]}
        assert len(set(held.values())) == len(set(labels.values())), "two clusters never share a key"
        fresh = set(held.values()) - set(was.values())
        assert not fresh & ever and not set(held.values()) & retired, "a key that is gone never comes back"
        made = {key for kind in ("create", "split") for _, key in told(moves, kind)}
        gone = {key for kind in ("merge", "retire") for key, _ in told(moves, kind)}
        assert made == fresh and gone == set(was.values()) - set(held.values())
        assert all(to in set(held.values()) for _, to in told(moves, "merge"))
        check_overlap(labels, held, was)
        ever |= set(held.values())
        retired |= gone
        before = after


def check_overlap(labels: dict[str, int], held: dict[str, str], was: dict[str, str]) -> None:
    """No cluster and old key overlap more than what both of them were given instead."""
    overlap: dict[int, Counter[str]] = defaultdict(Counter)
    for name, label in labels.items():
        if name in was:
            overlap[label][was[name]] += 1
    key_of = {label: held[name] for name, label in labels.items()}
    label_of = {key: label for label, key in key_of.items()}
    for label, counts in overlap.items():
        for old, count in counts.items():
            mine = counts[key_of[label]]
            theirs = overlap[label_of[old]][old] if old in label_of else 0
            assert count <= max(mine, theirs), "a larger overlap was passed over"


@settings(max_examples=60, deadline=None)
@given(labels=st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1))
def test_the_content_hash_tells_groups_and_not_keys(labels: dict[str, int]) -> None:
    one, _ = reconcile("resident", clusters(labels), EMPTY)
    other, _ = reconcile("resident", clusters(dict(reversed(labels.items()))), EMPTY)
    assert content_hash(one) == content_hash(other)
    name = next(iter(labels))
    moved, _ = reconcile("resident", clusters(labels | {name: 99}), EMPTY)
    alone = list(labels.values()).count(labels[name]) == 1
    assert (content_hash(moved) == content_hash(one)) == alone


def open_run(conn: psycopg.Connection) -> int:
    row = conn.execute("INSERT INTO resolution.run (kind) VALUES ('residents') RETURNING run_id").fetchone()
    assert row is not None
    return int(row[0])


def write(conn: psycopg.Connection, labels: dict[str, int]) -> tuple[dict[str, str], ledger.Reconciled]:
    before = ledger.current(conn, "resident")
    memberships, moves = reconcile("resident", clusters(labels), before)
    return keys(memberships), ledger.write(conn, "resident", open_run(conn), memberships, moves, before)


def test_the_tables_keep_history_redirects_and_events(conn: psycopg.Connection) -> None:
    first, made = write(conn, {"a": 0, "b": 0, "c": 1, "d": 2})
    assert (made.created, made.merged, made.split) == (3, 0, 0)
    again, _ = write(conn, {"a": 0, "b": 0, "c": 1, "d": 2})
    assert again == first
    row = conn.execute("SELECT count(*) FROM resolution.membership WHERE entity_key = ANY (%s)", [list(first.values())])
    assert row.fetchone() == (4,), "an unchanged run writes no membership"
    second, changed = write(conn, {"a": 0, "b": 0, "c": 0})
    assert changed.merged == 1
    assert set(second.values()) == {first["a"]}
    states = conn.execute(
        "SELECT entity_key, status, merged_into FROM resolution.entity WHERE entity_key = ANY (%s)",
        [list(first.values())],
    ).fetchall()
    assert set(states) == {
        (first["a"], "active", None),
        (first["c"], "merged", first["a"]),
        (first["d"], "retired", None),
    }
    events = conn.execute(
        "SELECT type, from_key, to_key FROM resolution.event WHERE from_key = ANY (%s)", [list(first.values())]
    ).fetchall()
    assert set(events) == {("merge", first["c"], first["a"]), ("retire", first["d"], None)}
    assert dict(ledger.current(conn, "resident").select("record_key", "entity_key").iter_rows()) == second


def labelled(*labels: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row": list(range(len(labels))),
            "cluster": labels,
            "link_kind": ["rule"] * len(labels),
            "reason": ["r"] * len(labels),
        }
    )


def decided(*decisions: tuple[int, int, str]) -> list[set[int]]:
    frame = pl.DataFrame(list(decisions), schema={"a": pl.Int64, "b": pl.Int64, "verdict": pl.String}, orient="row")
    after = apply_decisions(labelled(0, 0, 2, 3, 3), frame)
    return sorted((set(rows) for rows in after.group_by("cluster").agg("row")["row"].to_list()), key=min)


def test_must_link_joins_whole_clusters_and_cannot_link_takes_one_record_out() -> None:
    assert decided() == [{0, 1}, {2}, {3, 4}]
    assert decided((0, 3, "must_link")) == [{0, 1, 3, 4}, {2}]
    assert decided((0, 1, "cannot_link")) == [{0}, {1}, {2}, {3, 4}]
    assert decided((4, 3, "cannot_link")) == [{0, 1}, {2}, {3}, {4}]
    assert decided((0, 2, "cannot_link")) == [{0, 1}, {2}, {3, 4}], "they were apart already"


def test_a_steward_outranks_what_chains_through_others() -> None:
    """0 and 2 may not be one, 1 is both: the later must-link may not bring them together behind the steward's back."""
    for order in (
        ((0, 2, "cannot_link"), (0, 1, "must_link"), (1, 2, "must_link")),
        ((0, 1, "must_link"), (1, 2, "must_link"), (0, 2, "cannot_link")),
    ):
        after = decided(*order)
        assert not any({0, 2} <= group for group in after), order


def test_what_stewards_linked_leaves_together() -> None:
    assert decided((0, 3, "must_link"), (2, 4, "must_link"), (0, 4, "cannot_link")) == [{0, 1, 3}, {2, 4}]
    assert decided((1, 3, "must_link"), (3, 1, "cannot_link")) == [{0, 3, 4}, {1}, {2}], "but not from one another"


def test_decisions_are_told_as_the_stewards() -> None:
    frame = pl.DataFrame(
        [(0, 2, "must_link")], schema={"a": pl.Int64, "b": pl.Int64, "verdict": pl.String}, orient="row"
    )
    after = apply_decisions(labelled(0, 0, 2), frame).sort("row")
    assert after["link_kind"].to_list() == ["steward", "rule", "steward"]
    assert after["reason"].to_list() == ["must_link", "r", "must_link"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15))
def test_components_are_named_by_their_smallest_member(edges: list[tuple[int, int]]) -> None:
    label = list(range(10))
    for _ in range(10):
        for a, b in edges:
            label[a] = label[b] = min(label[a], label[b])
    assert components(10, [a for a, _ in edges], [b for _, b in edges]).tolist() == label
