"""Device codes of video networks, GB/T 28181 annex D.

Rule A, 20 digits: centre (8), industry (2), type (3), then network (1) and serial (6) since the 2016
edition, or a serial of 7 in the 2011 edition. Rule B, 16 digits: centre (8), industry (2), serial (4),
type (2). There is no check digit. Industries from 43 on mean different things in different editions, so
only the common ones are named here.
"""

from __future__ import annotations

from typing import Final, Literal

import polars as pl

from connectors.standards import text
from connectors.standards._columns import only_where

TYPES: Final = {
    "111": "DVR", "112": "视频服务器", "113": "编码器", "114": "解码器", "115": "视频切换矩阵",
    "116": "音频切换矩阵", "117": "报警控制器", "118": "NVR", "121": "卡口", "131": "摄像机",
    "132": "网络摄像机", "133": "显示器", "134": "报警输入设备", "135": "报警输出设备",
    "136": "语音输入设备", "137": "语音输出设备", "138": "移动传输设备", "139": "其他外围设备",
    "200": "中心信令控制服务器", "215": "业务分组", "216": "虚拟组织",
}  # fmt: skip
NETWORKS: Final = {"0": "监控报警专网", "1": "公安信息网", "5": "公安网", "6": "政务外网", "7": "互联网"}
INDUSTRIES: Final = {
    "00": "社会治安路面接入", "01": "社会治安社区接入", "02": "社会治安内部接入", "03": "社会治安其他接入",
    "04": "交通路面接入", "05": "交通卡口接入", "06": "交通内部接入", "07": "交通其他接入",
    "08": "城市管理接入", "09": "卫生环保接入", "10": "商检海关接入", "11": "教育部门接入",
    "40": "农林牧渔业接入", "41": "采矿企业接入", "42": "制造企业接入",
}  # fmt: skip

Edition = Literal["2011", "2016"]

_RULE_A: Final = {
    "2016": r"^(?<centre>[0-9]{8})(?<industry>[0-9]{2})(?<type>[0-9]{3})(?<network>[0-9])(?<serial>[0-9]{6})$",
    "2011": r"^(?<centre>[0-9]{8})(?<industry>[0-9]{2})(?<type>[0-9]{3})(?<network>\D?)(?<serial>[0-9]{7})$",
}
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

    ``network`` is null in rule B and in the 2011 edition of rule A.
    """
    valid = is_valid(s).fill_null(False)
    column = pl.when(valid).then(pl.col("id"))
    frame = s.to_frame("id").select(a=column.str.extract_groups(_RULE_A[edition]), b=column.str.extract_groups(_RULE_B))
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
