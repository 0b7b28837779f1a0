"""Addresses as people write them, and one key per door.

幢, 栋, 号楼 and 座 are one thing; so are 501, 501室 and 501房, 三幢, 第3幢 and 3幢, and ３ and 3. The key leaves out
what people leave out (province, city, district, town, community) and, where there is a building, the
road: "某路88号某小区3幢2单元501室" and "某小区3栋2-501" are the same door.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where

_NUMERAL: Final = "〇零一二三四五六七八九十百两"
_NOUN: Final = "幢|栋|号|单元|室|弄|楼|层|座|区|期|组"
_HAS_NUMERAL: Final = f"[{_NUMERAL}](?:{_NOUN})|号之[{_NUMERAL}]"
_NUMERAL_AND_NOUN: Final = f"[{_NUMERAL}]+(?:{_NOUN})"
_NUMERAL_AFTER_HOUSE: Final = f"号之[{_NUMERAL}]+"
_WRITTEN: Final = re.compile(f"[{_NUMERAL}]+")

# One look for whatever has to be cleaned, moved out of private use or raised: most addresses have nothing of it.
_ODD: Final = r"[^!-`{-~\u{4E00}-\u{9FFF}]"
_STRIP: Final = (
    (r"[\[\(【（][^\]\)】）0-9]*[\]\)】）]", ""),
    (r"[\s,，.。、;；:：'\"\(\)\[\]【】]", ""),
    (r"[—–－~～_/\\-]+", "-"),
)
# Each rule sees the result of those before it, and is tried only on texts with the sign in front of it.
_RULES: Final = (
    ("第", r"第(\d+(?:幢|栋|座|号楼|单元|层))", "${1}"),
    ("", r"(\d)(?:号房|号室|房间|房)$", "${1}室"),
    ("", r"(\d|[A-Z])(?:号楼|栋|座|#楼|#|幢楼)", "${1}幢"),
    ("", r"(^|[^0-9])0+(\d)", "${1}${2}"),
    ("", r"(\d)号(?:之|-)(\d{1,2})号?($|[^-0-9])", "${1}-${2}号${3}"),
    ("", r"(\d)(?:单元|单|门)(\d)", "${1}单元${2}"),
    ("-", r"幢(\d{1,2})-(\d{3,4})室?$", "幢${1}单元${2}室"),
    ("-", r"号(\d{1,2})-(\d{3,4})室?$", "号${1}单元${2}室"),
    ("-", r"(\p{Han})([A-Z]?\d{1,3})-(\d{1,2})-(\d{3,4})室?$", "${1}${2}幢${3}单元${4}室"),
    ("-", r"(\p{Han})([A-Z]?\d{1,3})-(\d{3,4})室?$", "${1}${2}幢${3}室"),
    ("", r"(幢|单元|号|楼|层)-?(\d{3,4}[A-Z]?)$", "${1}${2}室"),
    ("", r"([幢号元])-?\d{1,2}[楼层](\d{3,4}[A-Z]?室)", "${1}${2}"),
)

_PROVINCE: Final = r"(?:\p{Han}{2,6}?(?:省|自治区))?"
_CITY: Final = r"\p{Han}{2,5}?市"
# 小区, 社区, 园区 and 新区 are no districts.
_DISTRICT: Final = r"(?<district>\p{Han}{1,3}[^小社园新校厂\P{Han}]区|\p{Han}{2,3}县)"
_TOWN: Final = r"(?<town>\p{Han}{1,6}?(?:街道|镇|乡))"
_PLACE: Final = rf"^{_PROVINCE}(?:{_CITY})?(?:{_DISTRICT})?{_TOWN}"
# Without a town a district is believed only after a city, or with another Chinese name after it: the
# 东区 of 锦绣东区3幢 is a part of an estate.
_AFTER_CITY: Final = rf"^{_PROVINCE}{_CITY}{_DISTRICT}"
_BEFORE_NAME: Final = rf"^{_DISTRICT}(?<next>\p{{Han}}{{2}})"
_COMMUNITY: Final = r"^(?<community>\p{Han}{1,8}?(?:社区|居委会|村委会|居民委员会|村民委员会))(?:居委会|居民委员会)?"
_ESTATE_KINDS: Final = "小区|花园|花苑|家园|公寓|新村|名邸|雅居|大厦|广场|中心|科技园|产业园"
_ROAD: Final = (
    rf"^(?<estate>\p{{Han}}{{2,6}}?(?:{_ESTATE_KINDS}))?"
    r"(?<road>\p{Han}[\p{Han}\d]{0,9}?(?:大道|大街|公路|路|街|巷)(?:\d+区)?)"
)
_LANE: Final = r"^(?<lane>[\p{Han}\d]{1,9}?弄(?:\d+区)?)"
_BUILDING: Final = r"([A-Z]\d+|\d+[A-Z]?|[A-Z])幢"
_UNIT: Final = r"(\d+|[A-Z])单元"
_ROOM: Final = r"([A-Z]?\d+(?:-\d+)?[A-Z]?)室"
_NUMBER: Final = r"(\d+(?:-\d+)?[A-Z]?)号(地块)?"
_INSIDE: Final = r"(?:[A-Z]\d+|\d+[A-Z]?|[A-Z])幢|(?:\d+|[A-Z])单元|[A-Z]?\d+(?:-\d+)?[A-Z]?室"

PARTS: Final = (
    "district", "town", "community", "estate", "road", "lane", "number", "building", "unit", "room",
)  # fmt: skip


def normalise(s: pl.Series) -> pl.Series:
    """One spelling of units, digits, widths and abbreviations; nothing is left out. Empty → null."""
    texts = only_where(s, s.str.contains(_ODD), lambda rows: _upper(text.from_private_use(text.clean(rows))))
    for pattern, replacement in _STRIP:
        texts = _replace(texts, pattern, replacement)
    texts = only_where(texts, texts.str.contains(_HAS_NUMERAL), _arabic)
    for sign, pattern, replacement in _RULES:
        texts = _replace(texts, pattern, replacement, sign)
    return text.empty_to_null(texts).alias(s.name)


def _upper(s: pl.Series) -> pl.Series:
    return only_where(s, s.str.contains(r"\p{Changes_When_Uppercased}"), lambda rows: rows.str.to_uppercase())


def _replace(s: pl.Series, pattern: str, replacement: str, sign: str = "") -> pl.Series:
    """``replace_all`` in texts with the ``sign``, which is found far sooner than a pattern; without a sign in all."""
    if not sign:
        return s.str.replace_all(pattern, replacement)
    marked = s.str.contains(sign, literal=True)
    return only_where(s, marked, lambda rows: rows.str.replace_all(pattern, replacement))


def parse(s: pl.Series) -> pl.DataFrame:
    """DataFrame of the strings ``PARTS``, null where a part is not written.

    Numbers come without their noun: building "3", unit "2", room "501", number "88" or "88-1".
    """
    frame = normalise(s).to_frame("rest")
    for pattern in (_PLACE, _AFTER_CITY, _BEFORE_NAME):
        frame = _take(frame, pattern, ("district", "town"))
    frame = _take(frame, _COMMUNITY, ("community",), "社区|委会|委员会")
    frame = frame.with_columns(
        building=pl.col("rest").str.extract(_BUILDING),
        unit=pl.col("rest").str.extract(_UNIT),
        room=pl.col("rest").str.extract(_ROOM),
        rest=pl.col("rest").str.replace(rf"(?:{_INSIDE}).*$", ""),
    )
    frame = _take(frame, _ROAD, ("estate", "road"), "道|街|路|巷")
    frame = _take(frame, _LANE, ("lane",), "弄")
    number = pl.col("rest").str.extract_groups(_NUMBER).struct
    frame = frame.with_columns(
        number=number[0] + number[1].fill_null(""),
        rest=pl.col("rest").str.replace(_NUMBER, "").str.replace_all(r"\d+[楼层]$|^-|-$", ""),
    )
    leftover = pl.when(pl.col("rest") != "").then(pl.col("rest"))
    return frame.with_columns(estate=pl.coalesce("estate", leftover)).select(PARTS)


def canonical_key(s: pl.Series) -> pl.Series:
    """One string per door, the same for its different spellings; null where no door is named.

    estate|building|unit|room where a building is named in an estate; otherwise road and lane|number|unit|room
    of a house. An address that stops at the building has an empty unit and room, and so another key than
    any room of it.
    """
    return key_of(parse(s)).alias(s.name)


def key_of(parts: pl.DataFrame) -> pl.Series:
    """``canonical_key`` of addresses that are parsed already."""
    parts = parts.with_columns(estate_name=estate_name(), street_name=street_name())
    estate, street = pl.col("estate_name"), pl.col("street_name")
    number, building = pl.col("number"), pl.col("building")
    unit, room = pl.col("unit").fill_null(""), pl.col("room").fill_null("")
    in_estate = building.is_not_null() & (estate != "")
    house = pl.concat_str(pl.when(street != "").then(street).otherwise(estate), number.fill_null(""), separator="|")
    key = (
        pl.when(in_estate)
        .then(pl.concat_str(estate, building + "幢", unit, room, separator="|"))
        .when(number.is_not_null() & ((street != "") | (estate != "")))
        .then(pl.concat_str(house, building.fill_null(""), unit, room, separator="|"))
        .when((estate != "") & pl.col("room").is_not_null())
        .then(pl.concat_str(estate, pl.lit(""), unit, room, separator="|"))
    )
    return parts.select(key).to_series()


def estate_name() -> pl.Expr:
    """The estate of parsed addresses without the 小区 that is said or not said; "" where there is none."""
    return pl.col("estate").str.replace(r"^(.{2,})小区$", "${1}").fill_null("")


def street_name() -> pl.Expr:
    """Road and lane of parsed addresses; "" where there is neither."""
    return pl.concat_str(pl.col("road").fill_null(""), pl.col("lane").fill_null(""))


def compose(parts: pl.DataFrame) -> pl.Series:
    """The standard spelling of parsed addresses, the reverse of ``parse``; null where all parts are.

    ``parts`` has the columns ``PARTS``; numbers come without their noun.
    """
    nouns = {"number": "号", "building": "幢", "unit": "单元", "room": "室"}
    order = ("district", "town", "community", "road", "lane", "number", "estate", "building", "unit", "room")
    written = [pl.concat_str(pl.col(name), pl.lit(nouns.get(name, ""))).fill_null("") for name in order]
    return text.empty_to_null(parts.select(pl.concat_str(written)).to_series())


def _take(frame: pl.DataFrame, pattern: str, names: tuple[str, ...], signs: str = "") -> pl.DataFrame:
    """Move what ``pattern`` finds at the front of ``rest`` into the columns ``names``.

    A row that has any of these already is not touched; the group ``next`` is looked at only. ``signs`` is a pattern of
    what each text that ``pattern`` finds has, and far sooner looked for.
    """
    missing = [pl.lit(None, pl.String).alias(name) for name in names if name not in frame.columns]
    frame = frame.with_columns(missing) if missing else frame
    free = frame.select(pl.all_horizontal(pl.col(names).is_null())).to_series()
    if signs:
        free &= frame["rest"].str.contains(signs).fill_null(False)
    at = free.arg_true()
    rest = frame["rest"].gather(at)
    found = rest.str.extract_groups(pattern).struct
    moved = {name: found.field(name) for name in names if f"<{name}>" in pattern}
    moved["rest"] = rest.str.replace(pattern, "${next}" if "<next>" in pattern else "")
    return frame.with_columns(frame[name].clone().scatter(at, values) for name, values in moved.items())


def _arabic(texts: pl.Series) -> pl.Series:
    """二单元 → 2单元, wherever a noun of addresses follows the numeral; 号之一 → 号之1.

    A town writes some hundred such phrases in all its addresses, so each is read once.
    """
    for pattern in (_NUMERAL_AND_NOUN, _NUMERAL_AFTER_HOUSE):
        phrases = sorted(texts.str.extract_all(pattern).explode().drop_nulls().unique(), key=len, reverse=True)
        if phrases:
            # The leftmost, and of those the longest, is a whole numeral: of 十二幢 never the 二幢 alone is replaced.
            said = [_WRITTEN.sub(_digits, phrase) for phrase in phrases]
            texts = texts.str.replace_many(phrases, said, leftmost=True)
    return texts


def _digits(numeral: re.Match[str]) -> str:
    value = text.number_of(numeral.group())
    return numeral.group() if value is None else str(value)
