"""Stewards' decisions over what the rules found: who goes where, and who stays."""

from __future__ import annotations

import polars as pl
import pytest

from resolution.union import apply_decisions

SCHEMA = {"row": pl.Int64, "cluster": pl.Int64, "link_kind": pl.String, "reason": pl.String}


def decided(found: str, *decisions: str) -> set[str]:
    """`A1w C2`: who the rules say is one, with a number but for small letters; `A=C` must be one, `A/1` cannot."""
    names = sorted(found.replace(" ", ""))
    row = {name: at for at, name in enumerate(names)}
    label = {name: row[group[0]] for group in found.split() for name in group}
    clusters = pl.DataFrame([(row[name], label[name], "exact", "r") for name in names], schema=SCHEMA, orient="row")
    said = [(row[a], row[b], {"=": "must_link", "/": "cannot_link"}[sign]) for a, sign, b in decisions]
    numbered = pl.Series([row[name] for name in names if not name.islower()], dtype=pl.Int64)
    verdicts = pl.DataFrame(said, schema={"a": pl.Int64, "b": pl.Int64, "verdict": pl.String}, orient="row")
    after = apply_decisions(clusters, verdicts, numbered).group_by("cluster").agg("row")["row"]
    return {"".join(sorted(names[at] for at in rows)) for rows in after}


@pytest.mark.parametrize(
    ("found", "decisions", "left"),
    [
        # Whoever was linked by weight goes alone, with what stewards linked to it, and the two numbers stay two.
        ("A1w C2", ["C=w"], "A1 C2w"),
        ("A1w C2", ["w=C"], "A1 C2w"),
        ("A1wx C2", ["C=w", "w=x"], "A1 C2wx"),
        ("A1wx C2", ["w=x", "C=w"], "A1 C2wx"),
        ("A1w C2x", ["w=x"], "A1wx C2"),
        ("A1w C2x", ["w=x", "C=w"], "A1 C2wx"),
        ("A1w C2", ["C=w", "A/w"], "A1 C2w"),
        # Where one of the two has no number nothing speaks against all of them.
        ("A1w bc", ["b=w"], "A1bcw"),
        ("A1 bc", ["A=b"], "A1bc"),
        ("ab cd", ["a=c"], "abcd"),
        # Two records with numbers of their own: the steward says that one person has two.
        ("A1 C2", ["A=C"], "A1C2"),
        ("A1w C2", ["1=w", "C=w"], "A1C2w"),
        # Who leaves takes along whom a steward linked to it, and with them whoever bears their number.
        ("A1b", ["A/1"], "Ab 1"),
        ("A1 C2", ["1=C", "A/1"], "A C12"),
        ("A1 C2", ["A=C", "1/C"], "1 A2C"),
        ("A1 C2", ["A=C", "1/2"], "A1C 2"),
        ("A1 C2 X", ["A=X", "X=C", "A/C"], "A1X C2"),
        ("A1 CX2", ["A=X", "A/C"], "A1X2 C"),
        ("A1b", ["A/1", "A/b"], "A 1 b"),
    ],
)
def test_who_goes_and_who_stays(found: str, decisions: list[str], left: str) -> None:
    assert decided(found, *decisions) == {"".join(sorted(group)) for group in left.split()}


@pytest.mark.parametrize(
    ("decisions", "steward"),
    [
        # Whoever stays is whose it was by what it was: neither surer for it, nor more in doubt.
        (["A/w"], {"w": "cannot_link"}),
        (["w/A"], {"A": "cannot_link"}),
        (["A/1"], {"1": "cannot_link"}),
        # Nor is it in doubt whose a record is of which a steward said so; who comes along is whose it was.
        (["A=C", "1/C"], {"A": "must_link", "C": "must_link"}),
        (["A=w", "w/1"], {"A": "must_link", "w": "must_link", "1": "cannot_link"}),
        # What stewards linked, and one parted all the same, is theirs no more.
        (["A=w", "A/w"], {"A": "must_link", "w": "cannot_link"}),
        (["A/C"], {}),
    ],
)
def test_only_who_leaves_is_linked_by_the_steward_who_parted_two(decisions: list[str], steward: dict[str, str]) -> None:
    """`A1w` by the rules, w by its name alone, and `C2`."""
    names = "12ACw"
    rows = [(0, 0, "exact", "r"), (1, 1, "exact", "r"), (2, 0, "exact", "r"), (3, 1, "exact", "r"),
            (4, 0, "probable", "r")]  # fmt: skip
    clusters = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    said = [(names.index(a), names.index(b), {"=": "must_link", "/": "cannot_link"}[sign]) for a, sign, b in decisions]
    verdicts = pl.DataFrame(said, schema={"a": pl.Int64, "b": pl.Int64, "verdict": pl.String}, orient="row")
    after = apply_decisions(clusters, verdicts, pl.Series([0, 1, 2, 3]))
    told = {names[row]: (kind, reason) for row, kind, reason in after.select("row", "link_kind", "reason").iter_rows()}
    expected = {names[row]: (kind, reason) for row, _, kind, reason in rows}
    assert told == expected | {name: ("steward", reason) for name, reason in steward.items()}
