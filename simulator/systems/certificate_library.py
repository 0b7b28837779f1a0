"""居民办事证照资料库: read from scans, with the misreadings of machines; expired and replaced ones beside the valid."""

from __future__ import annotations

import polars as pl

from connectors.standards import credit_code, resident_id
from simulator.interfaces import GatewayInterface
from simulator.views import dirt, persons
from simulator.views.base import Draft, Floats, Served, constant, draft, look_up, one_of
from simulator.world.facts import certificates
from simulator.world.model import World

STREAMS = {
    "certificates": {
        "certificate_id": "zzbs",
        "kind": "zzlx",
        "certificate_no": "zzhm",
        "holder_kind": "czrlx",
        "holder_name": "czrmc",
        "resident_id": "czrsfzh",
        "credit_code": "czrxydm",
        "issuer": "fzjg",
        "issued_on": "fzrq",
        "valid_to": "yxqz",
        "state": "zt",
        "updated_at": "gxsj",
    }
}
SERVED_BY = {"certificates": GatewayInterface("zw/certificates")}
_KINDS = {
    "identity_card": ("居民身份证", "公安分局"),
    "residence_permit": ("浙江省居住证", "公安分局"),
    "driving_licence": ("机动车驾驶证", "交警支队"),
    "birth_certificate": ("出生医学证明", "卫生健康局"),
    "senior_card": ("老年人优待证", "民政局"),
    "business_licence": ("营业执照", "市场监督管理局"),
    "food_licence": ("食品经营许可证", "市场监督管理局"),
    "sanitation_licence": ("公共场所卫生许可证", "卫生健康局"),
}
ENDLESS = "9999-12-31"
_UNNOTICED = 0.4
"""So many that were replaced still pass for valid."""
_MISREAD = {"0": "O", "1": "I", "8": "B", "5": "S", "2": "Z"}
_ALIKE = {"未": "末", "土": "士", "日": "曰", "人": "入", "大": "太", "王": "玉", "小": "少", "天": "夭", "力": "刀"}


def misread(values: pl.Series, luck: Floats) -> pl.Series:
    """A digit taken for a letter, the first of those that look like one behind the sixth place."""
    tail = values.str.slice(6)
    at = tail.str.find(f"[{''.join(_MISREAD)}]").fill_null(0).cast(pl.Int64)
    frame = pl.DataFrame({"all": values, "at": at + 6})
    letter = pl.col("all").str.slice("at", 1).replace(_MISREAD)
    return frame.select(
        pl.col("all").str.slice(0, "at") + letter + pl.col("all").str.slice(pl.col("at") + 1)
    ).to_series()


def view(world: World, *, seed: int) -> dict[str, Served]:
    """`certificates`: one row per certificate that was given, older ones included as far as they are kept."""
    people = persons.cards(world).select("_resident_id", "resident_id", "name", "_changed")
    firms = world.enterprises.select("enterprise_id", "credit_code", _firm="name")
    kinds = pl.DataFrame(
        {
            "kind": list(_KINDS),
            "_word": [w for w, _ in _KINDS.values()],
            "issuer": [f"安澜区{i}" for _, i in _KINDS.values()],
        }
    )
    held = certificates.certificates(world).rename({"resident_id": "_resident_id"})
    held = look_up(look_up(look_up(held, people, "_resident_id"), firms, "enterprise_id"), kinds, "kind")
    person = pl.col("_resident_id").is_not_null()
    held = held.with_columns(
        certificate_id=pl.lit("ZZ") + pl.col("certificate_id").cast(pl.String).str.zfill(13),
        kind="_word",
        certificate_no="number",
        holder_kind=pl.when(person).then(pl.lit("1")).otherwise(pl.lit("2")),
        holder_name=pl.coalesce("name", "_firm"),
        issued_on=pl.col("issued_on").dt.strftime("%Y-%m-%d"),
        valid_to=pl.col("valid_to").dt.strftime("%Y-%m-%d").fill_null(ENDLESS),
        updated_at=persons.later("updated_at", "_changed"),
        _enterprise_id=pl.col("enterprise_id"),
        _row=pl.col("certificate_id"),
    )
    rows = draft(seed, "certificate_library", "certificates", held, "_row")
    known = pl.Series(rows.luck("replaced") >= _UNNOTICED)
    rows.set("state", pl.when(pl.col("replaced") & known).then(pl.lit("2")).otherwise(pl.lit("1")))
    _scanned(rows)
    return {
        "certificates": rows.served(
            STREAMS["certificates"], ["certificate_id"], changed_at="updated_at", text_times="%Y-%m-%d %H:%M:%S",
            people="_resident_id", enterprises="_enterprise_id",
        )
    }  # fmt: skip


def _scanned(rows: Draft) -> None:
    """What a machine made of a scan."""
    rows.spoil(
        "resident_id", 0.006, "ocr", misread, defect="invalid_resident_id",
        judge=lambda new: ~resident_id.is_valid(resident_id.normalise(new)).fill_null(False),
    )  # fmt: skip
    rows.spoil("resident_id", 0.01, "missing", constant(None))
    rows.spoil("resident_id", 0.01, "lower_x", dirt.lower_x)
    rows.spoil(
        "credit_code", 0.006, "check", dirt.wrong_check, defect="invalid_credit_code",
        judge=lambda new: ~credit_code.is_valid(new).fill_null(False),
    )  # fmt: skip
    rows.spoil("certificate_no", 0.01, "ocr", misread)
    rows.spoil("holder_name", 0.01, "ocr", lambda values, luck: values.str.replace_many(_ALIKE))
    rows.spoil("holder_name", 0.003, "spaced", dirt.spaced)
    rows.spoil("issued_on", 0.02, "dots", lambda values, luck: values.str.replace_all("-", "."))
    ends = rows.frame["valid_to"] != ENDLESS
    rows.spoil("valid_to", 0.02, "dots", lambda values, luck: values.str.replace_all("-", "."))
    rows.spoil(
        "valid_to", 0.004, "ocr", lambda values, luck: values.str.replace("20", "2O"), defect="not_a_date", among=ends
    )
    rows.spoil(
        "valid_to", 0.002, "no_such_day", one_of("2027-02-29", "2026-06-31"), defect="impossible_date", among=ends
    )
    rows.spoil("kind", 0.001, "code", one_of("其他证照", "收养登记证"), defect="unknown_code")
    rows.spoil("state", 0.0005, "code", one_of("9"), defect="unknown_code")
    rows.spoil("holder_name", 0.0005, "missing", constant(None), defect="missing_required")
