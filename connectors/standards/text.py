"""Text as it arrives: width, control characters, Chinese numerals, dates in any of their spellings."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

import polars as pl

from connectors.standards._columns import only_where, over_unique

_FULL_WIDTH: Final = [chr(code) for code in range(0xFF01, 0xFF5F)] + ["\u3000"]
_HALF_WIDTH: Final = [chr(code) for code in range(0x21, 0x7F)] + [" "]
_HAS_FULL_WIDTH: Final = r"[\u{FF01}-\u{FF5E}\u{3000}]"

_PRIVATE: Final = r"[\u{E000}-\u{F8FF}]"
# GB 18030-2022 moved these from private use; Python's codec still decodes them there.
_MOVED: Final = {
    0xE816: 0x20087, 0xE817: 0x20089, 0xE818: 0x200CC, 0xE81E: 0x9FB4, 0xE826: 0x9FB5, 0xE82B: 0x9FB6,
    0xE82C: 0x9FB7, 0xE831: 0x215D7, 0xE832: 0x9FB8, 0xE83B: 0x2298F, 0xE843: 0x9FB9, 0xE854: 0x9FBA,
    0xE855: 0x241FE, 0xE864: 0x9FBB,
}  # fmt: skip

# C0/C1 controls but tab and newlines (those become spaces), zero-width characters, BOM, bidi marks.
_CONTROLS: Final = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F\u{200B}-\u{200F}\u{202A}-\u{202E}\u{2060}\u{FEFF}]"
_BLANKS: Final = r"[\t\r\n\u{00A0}\u{2002}-\u{200A}\u{202F}]"

_DIGITS: Final = {
    **{char: value for value, char in enumerate("零一二三四五六七八九")},
    **{char: value for value, char in enumerate("零壹贰叁肆伍陆柒捌玖")},
    "〇": 0, "○": 0, "Ｏ": 0, "两": 2, "兩": 2, "貳": 2, "參": 3, "叄": 3, "陸": 6,
}  # fmt: skip
_SMALL_UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE_UNITS: Final = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_TWENTIES: Final = {"廿": 20, "卅": 30, "卌": 40}
_LARGEST: Final = 2**63 - 1

_NUMERIC_DATE: Final = (
    r"^(?<y>\d{4})\s*[-/.年]\s*(?<m>\d{1,2})\s*[-/.月]\s*(?<d>\d{1,2})\s*[日号]?"
    r"(?:[T\s]*\d{1,2}[:时].*)?$"
)
_COMPACT_DATE: Final = r"^(?<y>\d{4})(?<m>\d{2})(?<d>\d{2})(?:\d{6}|[T\s]+\d{1,2}:.*)?$"
_CHINESE_DATE: Final = re.compile(
    r"^([〇○零一二三四五六七八九]{4})年([一二三四五六七八九十]+)月([廿卅一二三四五六七八九十]+)[日号]?$"
)


def half_width(s: pl.Series) -> pl.Series:
    """Full-width ASCII (U+FF01–FF5E) and the ideographic space become their half-width forms."""
    return only_where(
        s,
        s.str.contains(_HAS_FULL_WIDTH),
        lambda rows: rows.str.replace_many(_FULL_WIDTH, _HALF_WIDTH),
    )


def strip_controls(s: pl.Series) -> pl.Series:
    """Remove NUL and other control, zero-width and direction characters; tabs and newlines → space.

    ``jsonb`` refuses U+0000, so no text may be landed without this.
    """
    s = only_where(s, s.str.contains(_BLANKS), lambda rows: rows.str.replace_all(_BLANKS, " "))
    return only_where(s, s.str.contains(_CONTROLS), lambda rows: rows.str.replace_all(_CONTROLS, ""))


def clean(s: pl.Series) -> pl.Series:
    """``strip_controls`` + ``half_width`` + surrounding blanks removed; an empty text becomes null."""
    return empty_to_null(half_width(strip_controls(s)).str.strip_chars())


def from_private_use(s: pl.Series) -> pl.Series:
    """Private-use characters that GB 18030-2000 software wrote → the characters that GB 18030-2022 has there."""

    def mend(rows: pl.Series) -> pl.Series:
        table = private_use()
        return rows.str.replace_many(list(table), list(table.values()))

    return only_where(s, s.str.contains(_PRIVATE), mend)


def empty_to_null(s: pl.Series) -> pl.Series:
    """An empty text says nothing: null."""
    return only_where(s, s == "", lambda rows: pl.Series([None] * len(rows), dtype=pl.String))


def has_replacement(s: pl.Series) -> pl.Series:
    """True where text was already lost before it reached us.

    U+FFFD, or the 锟斤拷 / 烫烫烫 patterns that U+FFFD and uninitialised memory leave when read as GBK.
    """
    return s.str.contains(r"\u{FFFD}|锟斤|斤拷|烫烫烫|屯屯屯")


def chinese_number(s: pl.Series) -> pl.Series:
    """Chinese numerals → Int64; what is not a number → null.

    Reads 一百二十三, 廿三, 两千零五, 3万5千, positional 二〇二六, financial 壹佰, and plain digits.
    """

    def convert(distinct: pl.Series) -> pl.Series:
        values = [None if text is None else number_of(text) for text in distinct.to_list()]
        return pl.Series(values, dtype=pl.Int64)

    return over_unique(half_width(s).str.strip_chars(), convert)


def date(s: pl.Series) -> pl.Series:
    """Dates in any usual spelling → Date; an impossible or ambiguous one → null.

    Reads 2026-03-05, 2026/3/5, 2026.3.5, 2026年3月5日, 20260305, 二〇二六年三月五日, each with an optional
    time of day, which is dropped. Two-digit years are refused: their century would be a guess.
    """
    texts = half_width(s).str.strip_chars()
    texts = only_where(
        texts, texts.str.contains(r"^[〇○零一二三四五六七八九]{4}年"), lambda r: over_unique(r, _arabic_date)
    )
    parts = (
        texts.to_frame("text")
        .select(
            numeric=pl.col("text").str.extract_groups(_NUMERIC_DATE),
            compact=pl.col("text").str.extract_groups(_COMPACT_DATE),
        )
        .select(
            [
                pl.coalesce(pl.col(kind).struct.field(part) for kind in ("numeric", "compact"))
                .cast(pl.Int32, strict=False)
                .alias(part)
                for part in ("y", "m", "d")
            ]
        )
    )
    return date_of(parts["y"], parts["m"], parts["d"]).alias(s.name)


def month(s: pl.Series) -> pl.Series:
    """2026-03, 2026/3, 202603, 2026年3月, 二〇二六年三月, or a whole date → 'YYYY-MM'; else null."""
    texts = half_width(s).str.strip_chars()
    texts = only_where(texts, texts.str.contains(r"^[〇○零一二三四五六七八九]{4}年"), _arabic_month)
    texts = texts.str.replace(r"^(\d{4})[-/.年]?(0[1-9]|1[0-2]|[1-9])月?$", "${1}-${2}-1")
    return date(texts).dt.strftime("%Y-%m").alias(s.name)


def _arabic_month(rows: pl.Series) -> pl.Series:
    whole = only_where(rows, rows.str.contains("月$"), lambda months: months + "一日")
    return over_unique(whole, _arabic_date)


def date_of(year: pl.Series, month: pl.Series, day: pl.Series) -> pl.Series:
    """Three integer columns → Date; null where there is no such day."""
    frame = pl.DataFrame({"y": year, "m": month, "d": day})
    y, m, d = pl.col("y"), pl.col("m"), pl.col("d")
    leap = ((y % 4 == 0) & (y % 100 != 0)) | (y % 400 == 0)
    length = pl.when(m.is_in([4, 6, 9, 11])).then(30).when(m == 2).then(28 + leap.cast(pl.Int32)).otherwise(31)
    possible = y.is_between(1, 9999) & m.is_between(1, 12) & (d >= 1) & (d <= length)
    # pl.date raises on impossible parts, even in rows that a condition would drop: make them possible first.
    safe = [pl.when(possible).then(part).otherwise(1) for part in (y, m, d)]
    return frame.select(pl.when(possible).then(pl.date(*safe))).to_series()


def _arabic_date(distinct: pl.Series) -> pl.Series:
    """二〇二六年三月五日 → 2026-3-5; what does not read so stays as it is."""
    out = []
    for text in distinct.to_list():
        match = _CHINESE_DATE.match(text)
        parts = [number_of(part) for part in match.groups()] if match else [None]
        out.append(text if None in parts else "-".join(f"{part}" for part in parts).zfill(8))
    return pl.Series(out, dtype=pl.String)


def number_of(text: str) -> int | None:
    """``chinese_number`` of a single text."""
    if text.isascii():
        return int(text) if text.isdigit() and len(text) <= 18 else None
    if all(char in _DIGITS for char in text):
        value = int("".join(str(_DIGITS[char]) for char in text))
        return value if value <= _LARGEST else None
    total = section = 0
    current: int | None = None
    for char in text:
        if char.isascii() and char.isdigit():
            current = (current or 0) * 10 + int(char)
        elif char in _DIGITS:
            if current:
                return None
            current = _DIGITS[char]
        elif char in _SMALL_UNITS:
            # 十五 is 15: a leading 十 counts one ten.
            section += (1 if current is None else current) * _SMALL_UNITS[char]
            current = None
        elif char in _TWENTIES:
            section += _TWENTIES[char]
        elif char in _LARGE_UNITS:
            section += current or 0
            unit = _LARGE_UNITS[char]
            # 一万亿: the larger unit multiplies all that was read before it.
            total = (total + section) * unit if unit > total > 0 else total + section * unit
            section, current = 0, None
        else:
            return None
    value = total + section + (current or 0)
    return value if value <= _LARGEST else None


@cache
def private_use() -> dict[str, str]:
    """U+E815–E864 are the GBK positions FE50–FEA0 in order; what GB 18030 has there is the real character."""
    trails = [trail for trail in range(0x50, 0xA1) if trail != 0x7F]
    table = {}
    for code, trail in enumerate(trails, 0xE815):
        real = chr(_MOVED[code]) if code in _MOVED else bytes((0xFE, trail)).decode("gb18030")
        table[chr(code)] = real
    return table
