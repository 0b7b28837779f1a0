"""Small numbers of people are not shown, and cannot be reckoned from what is shown beside them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

LIMIT = 5
"""Fewer people than this could be recognised by those who know them."""

Key = TypeVar("Key")


class FEW(Enum):
    """Stands for a number that may not be shown; nobody can reckon with it."""

    PEOPLE = f"<{LIMIT}"
    WHOLE = "不示 not shown"
    """Of a whole with such a part: it may be any number, and the difference would give the part away."""


def shown(number: int) -> int | FEW:
    """The number, or FEW for one to four. None at all is shown: nobody is in it."""
    return FEW.PEOPLE if 0 < number < LIMIT else number


def conceal(parts: Mapping[Key, int]) -> tuple[dict[Key, int | FEW], int | FEW]:
    """The parts of a whole and the whole, as they may be shown: as soon as one part is hidden, the whole is too."""
    hidden = {key: shown(number) for key, number in parts.items()}
    if FEW.PEOPLE in hidden.values():
        return hidden, FEW.WHOLE
    return hidden, shown(sum(parts.values()))
