"""Code lists: sex GB/T 2261.1, ethnic group GB/T 3304, family relation GB/T 4761-2008.

Raw codes are kept beside the decoded labels; a code outside its list decodes to null.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import polars as pl

SEX: Final = {"0": "未知的性别", "1": "男性", "2": "女性", "9": "未说明的性别"}
SEX_ENGLISH: Final = {"0": "unknown", "1": "male", "2": "female", "9": "unstated"}

_ETHNIC_LIST: Final = """
    汉族 蒙古族 回族 藏族 维吾尔族 苗族 彝族 壮族 布依族 朝鲜族 满族 侗族 瑶族 白族 土家族 哈尼族 哈萨克族 傣族
    黎族 傈僳族 佤族 畲族 高山族 拉祜族 水族 东乡族 纳西族 景颇族 柯尔克孜族 土族 达斡尔族 仫佬族 羌族 布朗族
    撒拉族 毛南族 仡佬族 锡伯族 阿昌族 普米族 塔吉克族 怒族 乌孜别克族 俄罗斯族 鄂温克族 德昂族 保安族 裕固族
    京族 塔塔尔族 独龙族 鄂伦春族 赫哲族 门巴族 珞巴族 基诺族
"""
ETHNIC_GROUP: Final = {f"{code:02d}": name for code, name in enumerate(_ETHNIC_LIST.split(), 1)} | {
    "97": "其他",
    "98": "外国血统中国籍人士",
}

RELATION_1: Final = {
    "0": "本人或户主", "1": "配偶", "2": "子", "3": "女", "4": "孙子、孙女或外孙子、外孙女", "5": "父母",
    "6": "祖父母或外祖父母", "7": "兄弟姐妹", "8": "其他",
}  # fmt: skip
# 98 is met in registers; the text of the standard was not at hand to confirm it.
RELATION_2: Final = {
    "01": "本人", "02": "户主", "10": "配偶", "11": "夫", "12": "妻",
    "20": "子", "21": "独生子", "22": "长子", "23": "次子", "24": "三子", "25": "四子", "26": "五子",
    "27": "养子或继子", "28": "女婿", "29": "其他儿子",
    "30": "女", "31": "独生女", "32": "长女", "33": "次女", "34": "三女", "35": "四女", "36": "五女",
    "37": "养女或继女", "38": "儿媳", "39": "其他女儿",
    "40": "孙子、孙女或外孙子、外孙女", "41": "孙子", "42": "孙女", "43": "外孙子", "44": "外孙女",
    "45": "孙媳妇或外孙媳妇", "46": "孙女婿或外孙女婿", "47": "曾孙子或外曾孙子", "48": "曾孙女或外曾孙女",
    "49": "其他孙子、孙女或外孙子、外孙女",
    "50": "父母", "51": "父亲", "52": "母亲", "53": "公公", "54": "婆婆", "55": "岳父", "56": "岳母",
    "57": "继父或养父", "58": "继母或养母", "59": "其他父母关系",
    "60": "祖父母或外祖父母", "61": "祖父", "62": "祖母", "63": "外祖父", "64": "外祖母",
    "65": "配偶的祖父母或外祖父母", "66": "曾祖父", "67": "曾祖母", "68": "配偶的曾祖父母或外曾祖父母",
    "69": "其他祖父母或外祖父母关系",
    "70": "兄弟姐妹", "71": "兄", "72": "嫂", "73": "弟", "74": "弟媳", "75": "姐姐", "76": "姐夫",
    "77": "妹妹", "78": "妹夫", "79": "其他兄弟姐妹",
    "80": "其他", "81": "伯父", "82": "伯母", "83": "叔父", "84": "婶母", "85": "舅父", "86": "舅母",
    "87": "姨父", "88": "姨母", "89": "姑父", "90": "姑母", "91": "堂兄弟、堂姐妹", "92": "表兄弟、表姐妹",
    "93": "侄子", "94": "侄女", "95": "外甥", "96": "外甥女", "97": "其他亲属", "98": "保姆", "99": "非亲属",
}  # fmt: skip
RELATION: Final = RELATION_1 | RELATION_2

TABLES: Final[dict[str, Mapping[str, str]]] = {
    "GB/T 2261.1": SEX,
    "GB/T 3304": ETHNIC_GROUP,
    "GB/T 4761": RELATION,
}

_SEX_SPELLINGS: Final = {
    "男": "1", "男性": "1", "M": "1", "MALE": "1", "女": "2", "女性": "2", "F": "2", "FEMALE": "2",
    "未知": "0", "不详": "0", "未知的性别": "0", "UNKNOWN": "0",
    "未说明": "9", "未说明的性别": "9", "UNSTATED": "9",
}  # fmt: skip
_SEX_CODES: Final = {code: code for code in SEX} | _SEX_SPELLINGS
# The one-digit form says less: 0 is self or head of household, which for a household member is 本人.
_RELATION_UP: Final = {"0": "01"} | {str(digit): f"{digit}0" for digit in range(1, 9)}


def decode(s: pl.Series, table: Mapping[str, str]) -> pl.Series:
    """Codes → labels; unknown codes → null."""
    return _read(s, table)


def encode(s: pl.Series, table: Mapping[str, str]) -> pl.Series:
    """Labels → codes; unknown labels → null. An ethnic group may omit its 族."""
    return _read(s, _labels(table))


def is_known(s: pl.Series, table: Mapping[str, str]) -> pl.Series:
    """True where the code is in the list."""
    return s.is_in(list(table))


def sex_code(s: pl.Series) -> pl.Series:
    """1/2/0/9, 男/女, M/F, male/female → the code of GB/T 2261.1; anything else → null."""
    return _read(s, _SEX_CODES, upper=True)


def sex(s: pl.Series) -> pl.Series:
    """Any spelling that ``sex_code`` reads → 'male', 'female', 'unknown' or 'unstated'."""
    return _read(s, {spelling: SEX_ENGLISH[code] for spelling, code in _SEX_CODES.items()}, upper=True)


def ethnic_code(s: pl.Series) -> pl.Series:
    """Codes (01, 1) and names (汉族, 汉) → the two-digit code of GB/T 3304; anything else → null."""
    spellings = {code: code for code in ETHNIC_GROUP} | {code.lstrip("0"): code for code in ETHNIC_GROUP}
    return _read(s, spellings | _labels(ETHNIC_GROUP))


def relation_code(s: pl.Series) -> pl.Series:
    """One- and two-digit codes and labels → the two-digit code of GB/T 4761; anything else → null."""
    spellings = {code: code for code in RELATION_2} | _RELATION_UP
    return _read(s, spellings | _labels(RELATION_2))


def _labels(table: Mapping[str, str]) -> dict[str, str]:
    """label → code; of two codes with one label the first; 汉 as well as 汉族."""
    labels: dict[str, str] = {}
    for code, label in table.items():
        labels.setdefault(label, code)
        labels.setdefault(label.removesuffix("族"), code)
    return labels


def _read(s: pl.Series, spellings: Mapping[str, str], *, upper: bool = False) -> pl.Series:
    read = _reader(tuple(spellings.items()), upper)
    return s.to_frame("text").select(read).to_series().alias(s.name)


@lru_cache(maxsize=256)
def _reader(spellings: tuple[tuple[str, str], ...], upper: bool) -> pl.Expr:
    """Kept, for to write it takes as long as to read a thousand codes by it."""
    text = pl.col("text").str.strip_chars()
    if upper:
        text = text.str.to_uppercase()
    return text.replace_strict(dict(spellings), default=None, return_dtype=pl.String)
