"""What things look like: a colour never stands alone, it has a letter, a texture and its name beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mark:
    """One meaning: fill, the ink that is readable on it (contrast 4.5 and more), a texture, a letter, its names."""

    key: str
    chinese: str
    english: str
    fill: str
    ink: str
    texture: str = "plain"
    letter: str = ""


WHITE, BLACK = "#ffffff", "#1b1b1b"
GREY = "#dcdcdc"

UNKNOWN = Mark("unknown", "未知", "unknown", GREY, BLACK, "cross", "?")

COLOURS = {
    mark.key: mark
    for mark in (
        Mark("red", "红", "red: high", "#b3261e", WHITE, letter="红"),
        Mark("orange", "橙", "orange: raised", "#ee9440", BLACK, letter="橙"),
        Mark("yellow", "黄", "yellow: middle", "#f5d547", BLACK, letter="黄"),
        Mark("blue", "蓝", "blue: lower", "#2f6db5", WHITE, letter="蓝"),
        Mark("green", "绿", "green: low", "#2e7d46", WHITE, letter="绿"),
        Mark("grey", "灰", "grey: unknown", GREY, BLACK, "cross", "?"),
    )
}
"""五色图, worst first; grey is no colour of it but says that nobody knows."""

GOOD = "#2e7d46"
WELL = "#7fb98f"
CALM = "#2f6db5"
WARN = "#f0b64a"
BAD = "#b3261e"
PALE = "#ececec"


def colour(key: str | None) -> Mark:
    """The mark of a colour of the map; whatever is not one of the five is unknown, never good."""
    return COLOURS.get(key or "", COLOURS["grey"])


def of(marks: tuple[Mark, ...], key: str | None) -> Mark:
    """The mark of a key among these; what none of them names is unknown."""
    return next((mark for mark in marks if mark.key == key), UNKNOWN)
