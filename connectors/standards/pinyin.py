"""How single Chinese characters are read, from pypinyin's dictionary of characters.

Its package reads a dictionary of phrases too, which takes a third of a second and which single characters have no use
for. Nothing else is imported, because every process of Dagster spells the owners of contracts.
"""

from __future__ import annotations

import json
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

RARE: Final = {"𠮷": "ji", "䶮": "yan", "㐱": "zhen"}
"""Characters that pypinyin does not read."""
_UMLAUT: Final = "u\N{COMBINING DIAERESIS}"


@cache
def reading(character: str) -> str:
    """The character's most frequent reading, as `pypinyin.lazy_pinyin` gives it; itself where it has none."""
    if character in RARE:
        return RARE[character]
    said = _dictionary().get(str(ord(character)))
    if said is None:
        return character
    plain = unicodedata.normalize("NFD", said.partition(",")[0]).replace(_UMLAUT, "v")
    return "".join(sign for sign in plain if not unicodedata.combining(sign))


@cache
def _dictionary() -> dict[str, str]:
    """Code point → readings, the most frequent first."""
    found = find_spec("pypinyin")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("pypinyin is not installed: run `make setup`", name="pypinyin")
    folder = Path(found.submodule_search_locations[0])
    readings: dict[str, str] = json.loads((folder / "pinyin_dict.json").read_bytes())
    return readings
