"""What a column of a sample most likely is: the heading's hint and the values must agree, or a person is asked.

The values are held against the very rules that conform will use (`connectors.rules.judge`), so that what is guessed
here is what the column will obey. No guess ever quotes a value, except codes, and those only where they cannot be
persons (`_may_be_codes`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from connectors.contract import Column
from connectors.rules import judge
from connectors.scaffold.headings import Heading, understand
from connectors.standards import phone, plate, resident_id

_SHANGHAI: Final = ZoneInfo("Asia/Shanghai")

# hint → standard: taken when half of the values obey; more would let dirt decide.
_STANDARDS: Final = {
    "resident_id": "cn.resident_id",
    "credit_code": "cn.credit_code",
    "taxpayer_no": "cn.taxpayer_no",
    "disability_certificate": "cn.disability_certificate",
    "disability_class": "cn.disability_class",
    "disability_level": "cn.disability_level",
    "device_id": "cn.gb28181_device_id",
    "phone": "cn.phone",
    "person_name": "cn.person_name",
    "sex": "cn.sex",
    "ethnic": "cn.ethnic_group",
    "relation": "cn.family_relation",
    "address": "cn.address",
    "amount": "cn.amount",
    "month": "cn.month",
    "polygon": "geo.polygon",
}
_SOME: Final = 0.05
_OBEYING: Final = 0.5
_MOST: Final = 0.8
_NEARLY_ALL: Final = 0.9

_REFUSED: Final = {
    "plate": "number plates with places and times are tracks of persons",
    "face": "faces and what is made of them are never taken in",
    "health_code": "the purpose of the health code ended on 2023-01-08",
}
"""What the law keeps out of the hub: the contract names such columns as refused (docs/handbook.md)."""

_LEFT_OUT: Final = {
    "ordinal": "a row's place in the file says nothing of the record",
    "handover": "it is the flag by which rows are handed over (see the server's acknowledge)",
}

# Surnames of nine in ten people: what begins with one may be a name and is never shown as a code.
_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆"
    "范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易乔赖文施洪辛欧单仇解区"
)

_PERSON: Final = f"^[{_SURNAMES}]\\p{{Han}}{{1,2}}$"

_LATIN_SURNAMES: Final = (
    "bai|cai|cao|chang|chen|cheng|cui|dai|deng|ding|dong|du|duan|fan|fang|feng|fu|gao|gong|gu|guo|han|hao|he|hong|hou|hu|"
    "huang|jia|jiang|jie|jin|kang|kong|lai|lei|li|liang|liao|lin|liu|long|lu|luo|lv|ma|mao|meng|mo|ou|pan|peng|qian|qiao|"
    "qin|qiu|qu|ren|shan|shao|shen|shi|song|su|sun|tan|tang|tao|tian|wan|wang|wei|wen|wu|xia|xiang|xiao|xie|xin|xiong|xu|"
    "xue|yan|yang|yao|ye|yi|yin|yu|yuan|zeng|zhang|zhao|zheng|zhong|zhou|zhu|zou"
)
_SYLLABLE: Final = "(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?[aeiouv]{1,3}(?:ng|n|r)?"
_LATIN_NAME: Final = f"^(?i)(?:{_LATIN_SURNAMES})[._-]?(?:{_SYLLABLE}){{1,2}}\\d*$"
"""A person's name in pinyin, as it is used for accounts: zhangwei, LiXiuying01."""

_LABELS: Final = {
    "正常": "normal", "异常": "abnormal", "在用": "in_use", "停用": "out_of_use", "启用": "enabled", "禁用": "disabled",
    "注销": "cancelled", "吊销": "revoked", "有效": "valid", "无效": "invalid", "过期": "expired", "存续": "active",
    "已受理": "received", "受理": "received", "处理中": "in_progress", "办理中": "in_progress", "已办结": "closed",
    "办结": "closed", "待处理": "waiting", "已处理": "handled", "已完成": "done", "未完成": "open", "合格": "pass",
    "不合格": "fail", "高": "high", "中": "medium", "低": "low", "是": "yes", "否": "no", "有": "yes", "无": "no",
    "开": "open", "关": "closed", "在线": "online", "离线": "offline", "一级": "1", "二级": "2", "三级": "3",
    "四级": "4", "其他": "other", "其它": "other", "未知": "unknown",
}  # fmt: skip


@dataclass(frozen=True)
class Guess:
    """One column of the contract to be, or one left out (`left_out` says why). `remarks` are for a person.

    What is `refused` is left out for good: the contract names it, and its values never land.
    """

    physical_name: str
    heading: Heading
    hint: str
    logical_type: str = "string"
    semantic_type: str | None = None
    codes: dict[str, str] | None = None
    unit: str | None = None
    format: str | None = None
    personal: bool = False
    left_out: str = ""
    refused: bool = False
    remarks: tuple[str, ...] = ()

    def but(self, *remarks: str, **changes: object) -> Guess:
        return replace(self, remarks=(*self.remarks, *remarks), **changes)  # type: ignore[arg-type]


def guess(values: pl.Series, sql_type: str = "") -> Guess:
    """What the column is. `values` are texts as received, named by the upstream; `sql_type` where it has one."""
    texts = values.cast(pl.String).str.strip_chars()
    texts = texts.filter(texts.fill_null("") != "")
    heading = understand(values.name)
    start = Guess(values.name, heading, heading.hint)
    if why := _LEFT_OUT.get(heading.hint):
        return start.but(left_out=why)
    if heading.hint in _REFUSED or (len(texts) and _share(plate.is_valid(plate.normalise(texts))) >= _NEARLY_ALL):
        return start.but(left_out=_REFUSED[heading.hint if heading.hint in _REFUSED else "plate"], refused=True)
    if not len(texts):
        return _with_care(_typed_by_hint(start).but("empty in the sample"), texts)
    found = _by_standard(start, texts) or _by_type(start, texts, sql_type) or _by_list(start, texts) or start
    return _with_care(found, texts)


def _typed_by_hint(start: Guess) -> Guess:
    """Without values the heading alone decides."""
    if start.hint in _STANDARDS and start.hint != "amount":
        return start.but(semantic_type=_STANDARDS[start.hint])
    if start.hint in ("timestamp", "changed"):
        return start.but(logical_type="timestamp")
    return start.but(logical_type="date") if start.hint in ("date", "birth") else start


def _by_standard(start: Guess, texts: pl.Series) -> Guess | None:
    """A national standard, by the heading or, where a check digit or a clear shape proves it, by the values alone."""
    semantic = _STANDARDS.get(start.hint)
    if semantic and semantic != "cn.amount":
        share = _obeying(texts, semantic)
        if share >= _OBEYING:
            return start.but(*_of_share(share, semantic), semantic_type=semantic)
        if _share(texts.str.contains(r"^\d(?:\.\d+)?[eE]\+?\d+$")) >= _OBEYING:
            lost = "the spreadsheet has lost digits: ask the owner to format the column as text"
            return start.but(lost, semantic_type=semantic)
        if semantic == "cn.taxpayer_no" or start.hint in ("device_id", "polygon", "month"):
            return None
        start = start.but(f"{_percent(share)} obey {semantic}: masked, or something else?")
        return start if start.hint in _PERSONAL else None
    if start.hint == "amount" or _share(texts.str.contains(r"[¥￥]|\d\s*万?元")) >= _NEARLY_ALL:
        return _amount(start, texts)
    for hint, shaped in (
        ("resident_id", r"^\d{15}$|^\d{17}[\dXx]$"),
        ("credit_code", r"^[0-9A-Z]{18}$"),
        ("disability_certificate", r"^\d{17}[\dXx][1-7][1-4]"),
    ):
        if _share(texts.str.contains(shaped)) >= _OBEYING and _obeying(texts, _STANDARDS[hint]) >= _OBEYING:
            return start.but("by its check digits", hint=hint, semantic_type=_STANDARDS[hint])
    if start.hint != "number" and _share(texts.str.contains(r"^(?:\+?86)?1[3-9]\d{9}$")) >= _OBEYING:
        return start.but("by its shape", hint="phone", semantic_type="cn.phone")
    if _share(texts.is_in(["男", "女"])) >= _NEARLY_ALL:
        return start.but(hint="sex", semantic_type="cn.sex")
    if _share(texts.str.contains(r"\p{Han}.*(?:路|街|巷|弄|村|小区|花园|社区).*\d.*(?:号|幢|栋|弄|室)")) >= _OBEYING:
        return start.but("by its shape", hint="address", semantic_type="cn.address")
    if start.hint in ("", "name") and _look_like_persons(texts):
        return start.but("looks like persons' names", hint="person_name", semantic_type="cn.person_name")
    return None


def _amount(start: Guess, texts: pl.Series) -> Guess | None:
    wan = "万" in start.physical_name
    unit = "wan_yuan" if wan else "yuan"
    share = _obeying(texts, "cn.amount", logical_type="number", unit=unit)
    if share < _OBEYING:
        return None
    remarks = (*_of_share(share, "cn.amount"), *(() if wan else ("yuan, or 10,000 yuan?",)))
    return start.but(*remarks, hint="amount", logical_type="number", semantic_type="cn.amount", unit=unit)


def _by_type(start: Guess, texts: pl.Series, sql_type: str) -> Guess | None:
    """A time, a truth or a number."""
    if start.hint in ("number", "account", "private", "code", "name", "text", "month"):
        return None
    dated = start.hint in ("date", "birth", "timestamp", "changed") or sql_type.startswith(("DATE", "TIMESTAMP"))
    shaped = _share(texts.str.contains(r"^\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|^(?:19|20)\d{6}(?:\d{6})?$"))
    if (dated or shaped >= _NEARLY_ALL) and (found := _time(start, texts)):
        return found
    epochs = _share(texts.str.contains(r"^(?:1[0-9]|20)\d{8}(?:\d{3})?$"))
    if start.hint in ("timestamp", "changed") and epochs >= _NEARLY_ALL:
        return start.but("seconds or milliseconds since 1970", logical_type="timestamp", format="epoch")
    truths = _share(texts.str.to_lowercase().is_in(["是", "否", "true", "false", "y", "n", "t", "f"]))
    if truths == 1 or (start.hint == "flag" and _valid(texts, "boolean") >= _NEARLY_ALL):
        return start.but(logical_type="boolean")
    return _number(start, texts) if start.hint != "flag" else None


def _number(start: Guess, texts: pl.Series) -> Guess | None:
    """A count or a measure; not a code that happens to be written in digits."""
    if texts.str.contains(r"^-?0\d|^\d{10,}$").any():
        return None
    lengths = texts.str.len_chars()
    if start.hint == "" and len(texts) > 1 and lengths.n_unique() == 1 and texts.str.contains(r"^\d{5,}$").all():
        return start.but("digits of one length: a code, or a number?")
    # A source that writes 1200.00 will write 1200.50 one day, and an area that is whole today is no integer.
    broken = start.hint == "measure" or _share(texts.str.contains(".", literal=True)) >= _OBEYING
    for logical in ("number",) if broken else ("integer", "number"):
        share = _valid(texts, logical)
        if share >= _NEARLY_ALL:
            few = start.hint == "" and texts.n_unique() <= 10 and len(texts) >= 5 * texts.n_unique()
            remarks = (*_of_share(share, f"{logical}s"), *(("few values: a count, or codes?",) if few else ()))
            return start.but(*remarks, logical_type=logical)
    return None


def _time(start: Guess, texts: pl.Series) -> Guess | None:
    timed = _share(texts.str.contains(r"\d[:时]\d|^\d{14}$")) >= _OBEYING
    midnight = timed and _share(texts.str.contains(r"\s0?0:00(?::00(?:\.0+)?)?$")) == 1
    logical = "timestamp" if start.hint == "changed" or (timed and not midnight) else "date"
    share = _valid(texts, logical)
    if share < _OBEYING:
        return None
    remarks = _of_share(share, f"a {logical}")
    if start.hint in ("timestamp", "changed") and logical == "date":
        remarks += ("no time of day in the sample",)
    return start.but(*remarks, logical_type=logical)


def _by_list(start: Guess, texts: pl.Series) -> Guess | None:
    """A list of codes: few values, often repeated."""
    distinct = texts.unique(maintain_order=False).sort()
    few = len(distinct) <= 20 and len(texts) >= 2 * len(distinct)
    if start.hint == "code":
        if few and _may_be_codes(distinct, listed=start.heading.listed):
            return _codes(start, distinct)
        return start.but(f"{len(distinct)} values: not listed here; a code list to be asked for, or free text?")
    short = bool(distinct.str.contains(r"^[A-Za-z0-9]{1,4}$").all())
    if (
        start.hint in ("", "flag")
        and few
        and short
        and _may_be_codes(distinct, listed=False)
        and len(texts) >= 5 * len(distinct)
        and len(distinct) <= 12
    ):
        return _codes(start, distinct)
    return None


def _codes(start: Guess, distinct: pl.Series) -> Guess:
    codes = {value: _LABELS.get(value, value) for value in distinct.to_list()}
    return start.but(
        "ask for the whole list (a code outside of it is no value) and name each code", hint="code", codes=codes
    )


def _may_be_codes(distinct: pl.Series, *, listed: bool) -> bool:
    """Whether the values may be shown: short, no long numbers, and no surname in front unless they are well known."""
    if (
        not distinct.str.contains(r"^[\p{Han}A-Za-z0-9_\-/（）()]{1,12}$").all()
        or distinct.str.contains(r"\d{7}").any()
    ):
        return False
    if distinct.str.contains(_LATIN_NAME).any():
        return False
    han = distinct.filter(distinct.str.contains(r"\p{Han}"))
    doubtful = han.filter(~han.is_in(list(_LABELS)) & han.str.contains(f"^[{_SURNAMES}]"))
    return not len(doubtful) if listed else not len(han.filter(~han.is_in(list(_LABELS))))


def _with_care(found: Guess, texts: pl.Series) -> Guess:
    """Numbers of persons inside of anything else make the column personal."""
    if found.semantic_type in ("cn.resident_id", "cn.phone", "cn.disability_certificate", "cn.person_name"):
        return found.but(personal=True)
    if found.hint in _PERSONAL:
        return found.but(personal=True)
    if found.logical_type != "string" or found.codes or found.semantic_type in ("cn.credit_code", "geo.polygon"):
        return found
    ids = texts.str.extract(r"(?:^|\D)(\d{17}[\dXx]|\d{15})(?:\D|$)").drop_nulls()
    phones = texts.str.extract(r"(?:^|\D)(1[3-9]\d{9})(?:\D|$)").drop_nulls()
    held = int(resident_id.is_valid(resident_id.normalise(ids)).sum() or 0) + int(phone.is_mobile(phones).sum() or 0)
    if held:
        return found.but(f"{held} values hold a phone or identity number", personal=True)
    if found.semantic_type is None and not found.heading.listed and found.hint in ("", "name"):
        persons = _share(texts.str.contains(_PERSON))
        if persons >= _SOME:
            return found.but(f"{_percent(persons)} look like persons' names", personal=True)
    long = texts.str.len_chars().mean()
    if found.semantic_type is None and (found.hint == "text" or (isinstance(long, float) and long > 20)):
        return found.but("free text may hold persons")
    return found


_PERSONAL: Final = {
    "resident_id", "phone", "person_name", "birth", "ethnic", "account", "private",
    "disability_certificate", "disability_class", "disability_level",
}  # fmt: skip


def _look_like_persons(texts: pl.Series) -> bool:
    """Mostly two or three characters that begin with a frequent surname."""
    return _share(texts.str.contains(_PERSON)) >= _MOST


def _obeying(texts: pl.Series, semantic: str, logical_type: str = "string", unit: str | None = None) -> float:
    return _valid(texts, logical_type, semantic, unit)


def _valid(texts: pl.Series, logical: str, semantic: str | None = None, unit: str | None = None) -> float:
    """The share of the values that the rule of such a column accepts."""
    column = Column("x", "x", logical, "L4", semantic_type=semantic, unit=unit)
    return _share(judge(texts, column, _SHANGHAI).values.is_not_null())


def _share(rows: pl.Series) -> float:
    return float(rows.fill_null(False).sum()) / max(1, len(rows))


def _percent(share: float) -> str:
    return f"{share:.0%} of the values"


def _of_share(share: float, what: str) -> tuple[str, ...]:
    return () if share == 1 else (f"{share:.1%} of the values obey {what}",)
