"""Which columns of a sample tell one record from another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

from connectors.scaffold.guesses import Guess
from connectors.scaffold.samples import Sample

_ALONE: Final = (
    "number", "device_id", "credit_code", "taxpayer_no", "disability_certificate", "private", "resident_id", "",
)  # fmt: skip
"""What may tell a record from others by itself, the best first; names, places, sums and times never do."""

_TOGETHER: Final = (*_ALONE, "code", "month", "date", "timestamp")
_MOST_PARTS: Final = 3
_MOST_CANDIDATES: Final = 8


def key_of(guesses: Sequence[Guess], sample: Sample) -> tuple[tuple[str, ...], str]:
    """The upstream's names of the key's columns, and a remark for the person who confirms it; both empty where the
    sample does not show one."""
    if sample.key and set(sample.key) <= {item.physical_name for item in guesses}:
        return sample.key, "the table's own primary key"
    rows = sample.frame.height
    filled = [item for item in guesses if item.hint in _TOGETHER and _never_lacks(item, sample)]
    for parts in _candidates(sorted(filled, key=_rank)):
        if sample.frame.select(parts).n_unique() == rows:
            few = "; one row proves nothing" if rows == 1 else ""
            told = "only together in no two" if len(parts) > 1 else "in every row and in no two"
            return parts, f"{told} of {rows:,}{few}"
    return (), ""


def _candidates(ranked: Sequence[Guess]) -> Iterator[tuple[str, ...]]:
    """Sets of columns in the order in which they are tried.

    Numbers, alone and together, come before a person's own: one row per person may be this sample's luck, and a key
    that a wrong digit makes invalid quarantines its record.
    """
    alone = [item for item in ranked if item.hint in _ALONE and not item.codes and not _may_count(item)]
    yield from ((item.physical_name,) for item in alone if not item.personal)
    yield from _sets([item for item in ranked if item.hint == "number"])
    yield from ((item.physical_name,) for item in alone if item.personal)
    yield from _sets(ranked)


def _sets(items: Sequence[Guess]) -> Iterator[tuple[str, ...]]:
    names = [item.physical_name for item in items[:_MOST_CANDIDATES]]
    for size in range(2, _MOST_PARTS + 1):
        yield from combinations(names, size)


def _rank(item: Guess) -> int:
    """The best part of a key first; what may be a count comes last."""
    return len(_TOGETHER) if _may_count(item) else _TOGETHER.index(item.hint)


def _may_count(item: Guess) -> bool:
    return item.hint == "" and item.logical_type in ("integer", "number")


def _never_lacks(item: Guess, sample: Sample) -> bool:
    return not (sample.frame[item.physical_name].fill_null("").str.strip_chars() == "").any()
