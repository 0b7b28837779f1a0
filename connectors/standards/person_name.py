"""Names of residents: one spelling per name, plausibility, and pinyin for linking.

Names come with full-width letters, a dozen kinds of middle dot, blanks typed to align columns, and the
private-use characters that GB 18030-2000 software wrote for characters which Unicode has since encoded.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where, over_unique
from connectors.standards.pinyin import reading

_PLAIN: Final = r"^\p{Han}+(?:·\p{Han}+)*$"
"""Canonical as it stands."""
_DOTS: Final = r"[·•・‧∙⋅●˙．。﹒‥⸱･.]"

# Readings that a character has as a surname and not, or not first, otherwise.
_SURNAMES: Final = {
    "单": "shan", "曾": "zeng", "仇": "qiu", "解": "xie", "区": "ou", "朴": "piao", "查": "zha",
    "盖": "ge", "覃": "qin", "翟": "zhai", "缪": "miao", "员": "yun", "秘": "bi", "种": "chong",
    "洗": "xian", "繁": "po", "折": "she", "乜": "nie", "隗": "wei", "牟": "mu", "乐": "yue",
    "召": "shao", "佴": "nai", "祭": "zhai", "卜": "bu", "郇": "xun", "黑": "he", "长": "chang",
    "重": "chong", "都": "du",
}  # fmt: skip
_DOUBLE_SURNAMES: Final = {
    "尉迟": "yuchi",
    "万俟": "moqi",
    "单于": "chanyu",
    "长孙": "zhangsun",
    "澹台": "tantai",
}

_PLAUSIBLE: Final = (
    r"^\p{Han}{2,6}$"
    r"|^\p{Han}{1,15}(?:·\p{Han}{1,15}){1,5}$"
    r"|^[A-Za-z][A-Za-z'\-.·]*(?: [A-Za-z'\-.·]+){0,6}$"
)
_NOT_A_NAME: Final = (
    r"^(?:不详|未知|无名|无名氏|匿名|保密|测试.*|待补|本人|户主|群众|居民|业主|住户|路人|报警人|当事人|某某.*|空|暂无|没有)$"
    r"|(?:先生|女士|小姐|同志|师傅|老板|阿姨|大爷|大妈)$|^.某{1,2}$"
)


def normalise(s: pl.Series) -> pl.Series:
    """One spelling: half width, · for every middle dot, no blanks in Chinese names, no private use.

    Latin names keep single blanks and become upper case. An empty name becomes null.
    """

    def mend(rows: pl.Series) -> pl.Series:
        rows = text.half_width(text.strip_controls(rows)).str.strip_chars()
        rows = text.from_private_use(rows)
        latin = rows.str.contains(r"[A-Za-z]")
        chinese = rows.str.replace_all(r"\s", "").str.replace_all(f"{_DOTS}+", "·").str.strip_chars("·")
        western = rows.str.replace_all(r"\s+", " ").str.to_uppercase().str.replace_all(r"[•・‧∙⋅●˙﹒⸱･]", "·")
        out = pl.select(pl.when(latin).then(western).otherwise(chinese)).to_series()
        return text.empty_to_null(out)

    return only_where(s, ~s.str.contains(_PLAIN), mend)


def is_plausible(s: pl.Series) -> pl.Series:
    """True for what can be a full name in canonical spelling: not 王先生, 不详, a digit or one character."""
    return s.str.contains(_PLAUSIBLE) & ~s.str.contains(_NOT_A_NAME)


def pinyin(s: pl.Series) -> pl.Series:
    """Lower-case pinyin without tones and blanks (ü is v): 单晓明 → shanxiaoming.

    Surnames get their surname reading in names of up to four characters without a dot; other characters
    their most frequent one. Characters without a reading stay; everything but letters and they is dropped.
    """

    def convert(distinct: pl.Series) -> pl.Series:
        letters = distinct.str.to_lowercase().str.replace_all(r"[^\p{L}\u{3007}]", "")
        native = distinct.str.contains(r"^\p{Han}{2,4}$")
        double = native & distinct.str.head(2).is_in(list(_DOUBLE_SURNAMES)) & (distinct.str.len_chars() > 2)
        single = native & ~double & distinct.str.head(1).is_in(list(_SURNAMES))
        length = pl.when(double).then(2).when(single).then(1).otherwise(0)
        readings = _SURNAMES | _DOUBLE_SURNAMES
        parts = letters.to_frame("name").select(
            surname=pl.col("name").str.head(length), given=pl.col("name").str.slice(length)
        )
        surname = parts["surname"].replace(readings)
        given = parts["given"]
        characters = given.str.extract_all(r"\p{Han}").explode().drop_nulls().unique()
        table = {character: reading(character) for character in characters.to_list()}
        if not table:
            return surname + given
        return surname + given.str.replace_many(list(table), list(table.values()))

    return over_unique(s, convert)
