"""Device codes of video networks, GB/T 28181 annex D.

Rule A, 20 digits: centre (8), industry (2), type (3), then network (1) and serial (6) since the 2016
edition, or a serial of 7 in the 2011 edition. Rule B, 16 digits: centre (8), industry (2), serial (4),
type (2). There is no check digit. Industries from 43 on mean different things in different editions and
Zhejiang (DB33/T 629.4-2011) adds its own, so a code is named by its edition or not at all. The lists are those
that open implementations carry; the standards' texts were not at hand.
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where

TYPES: Final = {
    "111": "DVR", "112": "视频服务器", "113": "编码器", "114": "解码器", "115": "视频切换矩阵",
    "116": "音频切换矩阵", "117": "报警控制器", "118": "NVR", "130": "HVR", "121": "卡口", "131": "摄像机",
    "132": "网络摄像机", "133": "显示器", "134": "报警输入设备", "135": "报警输出设备",
    "136": "语音输入设备", "137": "语音输出设备", "138": "移动传输设备", "139": "其他外围设备",
    "200": "中心信令控制服务器", "201": "Web应用服务器", "202": "媒体分发服务器", "203": "代理服务器",
    "204": "安全服务器", "205": "报警服务器", "206": "数据库服务器", "207": "GIS服务器", "208": "管理服务器",
    "209": "接入网关", "210": "媒体存储服务器", "211": "信令安全路由网关", "215": "业务分组", "216": "虚拟组织",
}  # fmt: skip
NETWORKS: Final = {digit: "监控报警专网" for digit in "01234"} | {
    "5": "公安信息网", "6": "政务网", "7": "互联网", "8": "社会资源接入网",
}  # fmt: skip

Edition = Literal["2011", "2016", "2022", "DB33"]

_INDUSTRIES_OF_ALL: Final = {
    "00": "社会治安路面接入", "01": "社会治安社区接入", "02": "社会治安内部接入", "03": "社会治安其他接入",
    "04": "交通路面接入", "05": "交通卡口接入", "06": "交通内部接入", "07": "交通其他接入",
    "08": "城市管理接入", "09": "卫生环保接入", "10": "商检海关接入", "11": "教育部门接入",
    "40": "农林牧渔业接入", "41": "采矿企业接入", "42": "制造企业接入",
}  # fmt: skip
_INDUSTRIES_2011: Final = _INDUSTRIES_OF_ALL | {
    "43": "冶金企业接入", "44": "电力企业接入", "45": "燃气企业接入", "46": "建筑企业接入", "47": "物流企业接入",
    "48": "邮政企业接入", "49": "信息企业接入", "50": "住宿和餐饮业接入", "51": "金融企业接入", "52": "房地产业接入",
    "53": "商务服务业接入", "54": "水利企业接入", "55": "娱乐企业接入",
}  # fmt: skip
# Of the 2022 edition no more than this was found.
_INDUSTRIES_2022: Final = _INDUSTRIES_OF_ALL | {
    "12": "民航接入", "13": "铁路接入", "14": "航运接入", "43": "电力、热力、燃气及水生产和供应业接入",
    "44": "建筑业接入", "45": "批发和零售业接入",
}  # fmt: skip
_INDUSTRIES_DB33: Final = _INDUSTRIES_2011 | {
    "12": "看守监管接入", "13": "无线移动接入", "14": "交通运输接入", "15": "港航管理接入", "16": "铁路管理接入",
    "17": "防汛和灾害防治等接入", "56": "报警运营服务企业接入",
}  # fmt: skip
INDUSTRIES: Final[dict[Edition, dict[str, str]]] = {
    "2011": _INDUSTRIES_2011,
    "2016": _INDUSTRIES_2011,
    "2022": _INDUSTRIES_2022,
    "DB33": _INDUSTRIES_DB33,
}

_RULE_A: Final = r"^(?<centre>[0-9]{8})(?<industry>[0-9]{2})(?<type>[0-9]{3})(?<network>[0-9])(?<serial>[0-9]{6})$"
_RULE_A_LONG_SERIAL: Final = (
    r"^(?<centre>[0-9]{8})(?<industry>[0-9]{2})(?<type>[0-9]{3})(?<network>\D?)(?<serial>[0-9]{7})$"
)
_LONG_SERIAL: Final[frozenset[Edition]] = frozenset({"2011", "DB33"})
_RULE_B: Final = r"^(?<centre>[0-9]{8})(?<industry>[0-9]{2})(?<serial>[0-9]{4})(?<type>[0-9]{2})$"
# The centre begins with a division, none of which begins with 0 or 9; type 000 is nobody's.
_VALID: Final = r"^[1-8][0-9]{9}(?:[1-9][0-9]{2}[0-9]{7}|[0-9]{6})$"


def normalise(s: pl.Series) -> pl.Series:
    """Half width, without blanks and dashes."""
    return only_where(
        s,
        ~s.str.contains(r"^[0-9]+$"),
        lambda rows: text.half_width(text.strip_controls(rows)).str.replace_all(r"[\s\-_]", ""),
    )


def is_valid(s: pl.Series) -> pl.Series:
    """True where the value is a code of rule A (20 digits) or B (16 digits)."""
    return s.str.contains(_VALID)


def parse(s: pl.Series, edition: Edition = "2016") -> pl.DataFrame:
    """DataFrame(centre, industry, type, network, serial, rule) of strings; nulls where not valid.

    ``network`` is null in rule B and in rule A of 2011 (and of DB33/T 629.4-2011, which follows it).
    """
    rule_a = _RULE_A_LONG_SERIAL if edition in _LONG_SERIAL else _RULE_A
    valid = is_valid(s).fill_null(False)
    column = pl.when(valid).then(pl.col("id"))
    frame = s.to_frame("id").select(a=column.str.extract_groups(rule_a), b=column.str.extract_groups(_RULE_B))
    a, b = pl.col("a").struct, pl.col("b").struct
    return frame.select(
        *(pl.coalesce(a.field(name), b.field(name)).alias(name) for name in ("centre", "industry", "type")),
        pl.when(a.field("network") != "").then(a.field("network")).alias("network"),
        pl.coalesce(a.field("serial"), b.field("serial")).alias("serial"),
        pl.when(a.field("centre").is_not_null())
        .then(pl.lit("A"))
        .when(b.field("centre").is_not_null())
        .then(pl.lit("B"))
        .alias("rule"),
    )


def industry_name(s: pl.Series, edition: Edition) -> pl.Series:
    """Two-digit industries → names in ``edition``; null for what it does not name."""
    return s.replace_strict(INDUSTRIES[edition], default=None, return_dtype=pl.String)


def make(
    centre: pl.Series, serial: pl.Series, *, industry: str = "00", type: str = "132", network: str = "0"
) -> pl.Series:
    """Compose codes of rule A, 2016 edition; null where a part is amiss.

    ``centre`` is a division of 6 digits, which is padded with zeros, or a centre of 8; ``serial`` integers
    0–999999.
    """
    number = pl.select(pl.when(serial.is_between(0, 999_999)).then(serial.cast(pl.String).str.zfill(6))).to_series()
    whole = centre.str.pad_end(8, "0") + f"{industry}{type}{network}" + number
    return pl.select(pl.when(is_valid(whole)).then(whole)).to_series().alias(centre.name)
