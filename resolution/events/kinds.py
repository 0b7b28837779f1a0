"""What an event is about, in one word, whatever code or word its channel has for it.

Channels write codes (GA/T 974 of the police, the fire service's, the classes of 数字城管), the governance platform's
words, or both in one field; cameras name their algorithm.
"""

from __future__ import annotations

import polars as pl

KINDS: dict[str, tuple[str, ...]] = {
    "dispute": ("矛盾纠纷", "030101", "0901", "crowd"),
    "theft": ("盗窃", "010203"),
    "fraud": ("诈骗", "010500"),
    "traffic": ("交通事故", "交通事故救援", "040100", "20500"),
    "fire": ("火灾", "火灾扑救", "冒烟", "050100", "10000", "10900", "smoke_fire"),
    "gas": ("燃气泄漏", "050300", "20300"),
    "noise": ("噪音扰民", "030205", "0211"),
    "sanitation": ("环境卫生", "090100", "0201", "rubbish"),
    "illegal_parking": ("违章停车", "040900", "0602", "parking"),
    "shop_occupying_road": ("出店经营", "090200", "0504"),
    "facility_damage": ("公共设施损坏", "090300", "0107"),
    "safety_hazard": ("安全隐患", "050900", "0305"),
}
_OF = {word: kind for kind, words in KINDS.items() for word in (kind, *words)}


def kinds(categories: pl.Series) -> pl.Series:
    """The kind of each category, null where it is none of `KINDS`: such events are like no other."""
    said = pl.lit(categories)
    readings = (said, said.str.extract(r"^(\d+)"), said.str.extract(r"(\p{Han}+)$"))
    found = [reading.replace_strict(_OF, default=None, return_dtype=pl.String) for reading in readings]
    return pl.select(pl.coalesce(found)).to_series()
