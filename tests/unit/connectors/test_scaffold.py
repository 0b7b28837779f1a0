"""What `townhub systems add` makes of a sample: right guesses, honest blanks, and no person in the file."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from bench.sample import sample_page
from connectors.contract_check import check_file
from connectors.contract_folder import load_contracts
from connectors.errors import ContractViolation, Permanent
from connectors.scaffold import scaffold
from connectors.scaffold.draft import draft
from connectors.scaffold.guesses import Guess, guess
from connectors.scaffold.headings import in_our_words, understand, vocabulary
from connectors.scaffold.samples import Sample, encoding_of, file_pattern, header_rows, read_file
from simulator.servers.sftp_files import csv_bytes, excel_bytes

CONTRACTS = load_contracts()
RESIDENTS = sample_page(CONTRACTS["household_registry"], CONTRACTS["household_registry"].streams["residents"], 200)


def column(heading: str, values: Iterable[str | None], sql_type: str = "") -> Guess:
    return guess(pl.Series(heading, list(values), dtype=pl.String), sql_type)


def written(path: Path) -> tuple[dict[str, Any], str]:
    text = scaffold("new_system", str(path))
    return yaml.safe_load(text), text


def columns_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["physicalName"]: entry for entry in document["schema"][0]["properties"]}


@pytest.mark.parametrize(
    ("heading", "name", "hint"),
    [
        ("xm", "name", "person_name"),
        ("SFZH", "resident_id", "resident_id"),
        ("公民身份号码", "resident_id", "resident_id"),
        ("基本信息/联系电话", "phone", "phone"),
        ("残疾情况/等级", "level", "disability_level"),
        ("入库额（万元）", "amount", "amount"),
        ("updateTime", "updated_at", "changed"),
        ("id_card", "resident_id", "resident_id"),
        ("shigongdanwei", "shigongdanwei", ""),
        ("zzdz", "zzdz", "address"),
        ("企业规模", "qi_ye_gui_mo", ""),
        ("监测点编号", "jian_ce_dian_bian_hao", "number"),
        ("DeviceState", "device_state", ""),
        ("3号楼", "column_3_hao_lou", ""),
        ("value_raw", "value", ""),
    ],
)
def test_headings_are_understood(heading: str, name: str, hint: str) -> None:
    found = understand(heading)
    assert (found.name, found.hint) == (name, hint)


def test_our_own_contracts_teach_their_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = vocabulary(CONTRACTS.values())
    assert (words["jclx"], words["geometry"]) == ("kind", "geometry")
    assert in_our_words("JCLX", understand("JCLX"), words).name == "kind"
    assert in_our_words("xm", understand("xm"), {"xm": "x"}).name == "name", "the general list comes first"
    path = tmp_path / "rows.csv"
    path.write_bytes(csv_bytes(pl.DataFrame({"bh": ["a", "b"], "sldw": ["u1", "u2"]})))
    assert columns_of(written(path)[0])["sldw"]["name"] == "unit_code"
    (tmp_path / "broken.odcs.yaml").write_text("id: 7\n")
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(tmp_path))
    assert columns_of(written(path)[0])["sldw"]["name"] == "sldw", (
        "an unfinished contract teaches nothing and hinders nothing"
    )


def test_every_contract_of_ours_would_be_guessed_much_as_it_was_written() -> None:
    """The standards of all columns that have one, from values and headings alone; a person must mend few."""
    right = wrong = 0
    for contract in CONTRACTS.values():
        for stream in contract.streams.values():
            page = sample_page(contract, stream, 120)
            found = {c.guess.physical_name: c.guess for c in draft(Sample(page, "gateway", stream.name)).columns}
            for wanted in stream.columns:
                if wanted.semantic_type and wanted.physical_name in found:
                    guessed = (found[wanted.physical_name].semantic_type or "").replace("geo.gcj02.", "geo.")
                    same = guessed == wanted.semantic_type.replace("geo.gcj02.", "geo.")
                    right, wrong = right + same, wrong + (not same)
    assert right / (right + wrong) > 0.9, (right, wrong)


IDS = RESIDENTS["gmsfhm"].to_list()
NAMES = RESIDENTS["xm"].to_list()


@pytest.mark.parametrize(
    ("heading", "values", "semantic", "logical", "personal"),
    [
        ("whatever", IDS, "cn.resident_id", "string", True),
        ("sfzh", [value[:6] + "********" + value[-4:] for value in IDS], None, "string", True),
        ("sfzh", ["3.30199195001010E+17"] * 9, "cn.resident_id", "string", True),
        ("sfzh", [None, ""], "cn.resident_id", "string", True),
        ("a", ["13912345678", "", "15812345678"], "cn.phone", "string", True),
        ("a", ["20260101", "20260228"], None, "date", False),
        ("a", ["2026-01-01 10:00:00", "2026/1/2 9:30"], None, "timestamp", False),
        ("jcrq", ["2026-01-01 00:00:00", "2026-01-02 00:00:00"], None, "date", False),
        ("ts", ["1780000000", "1780000060"], None, "timestamp", False),
        ("是否在用", ["是", "否", "是"], None, "boolean", False),
        ("a", ["3", "17", "-2"], None, "integer", False),
        ("a", ["3.25", "17", "-2"], None, "number", False),
        ("a", ["007", "013", "021"], None, "string", False),
        ("sbbh", ["3", "17", "21"], None, "string", False),
        ("b", ["¥1,200.00", "¥30.50"], "cn.amount", "number", False),
        ("税款", ["1200.00", "-30.50"], "cn.amount", "number", False),
        ("a", ["男", "女", "女"], "cn.sex", "string", False),
        ("a", ["东湖路12号3幢201室", "西溪街8号"], "cn.address", "string", False),
        ("a", ["王伟", "李娜", "张敏", "刘洋", "陈静"], "cn.person_name", "string", True),
        ("处理情况", ["已联系13912345678", "无人"], None, "string", True),
        ("zt", ["0", "1", "1", "0"], None, "string", False),
        ("civil", ["330106", "330199", "330105"], None, "string", False),
        ("建筑面积（㎡）", ["80", "120"], None, "number", False),
        ("dsrmc", ["王伟", "某某商行", "镇东五金店", "李娜"], None, "string", True),
        ("ssq", ["某期", "别期"], None, "string", False),
    ],
)  # fmt: skip
def test_values_and_heading_decide(
    heading: str, values: list[str | None], semantic: str | None, logical: str, personal: bool
) -> None:
    found = column(heading, values)
    assert (found.semantic_type, found.logical_type, found.personal) == (semantic, logical, personal)


def test_units_epochs_and_losses_are_told() -> None:
    assert column("入库额（万元）", ["1.25", "3"]).unit == "wan_yuan"
    assert column("je", ["1.25", "3"]).unit == "yuan"
    assert column("ts", ["1780000000000"] * 3).format == "epoch"
    assert "lost digits" in column("sfzh", ["1.23E+17"] * 3).remarks[0]
    assert "masked" in column("sfzh", ["330***"] * 3).remarks[0]


def test_codes_are_listed_only_where_they_cannot_be_persons() -> None:
    assert column("zt", ["正常", "注销", "正常", "正常"]).codes == {"正常": "normal", "注销": "cancelled"}
    assert column("any", ["A1", "B2"] * 20).codes == {"A1": "A1", "B2": "B2"}
    people = ["王伟", "李娜"] * 20
    for heading in ("any", "经办类型", "zt", "jcy", "结果"):
        found = column(heading, people)
        assert not found.codes, heading
        assert not any(person in remark for person in people for remark in found.remarks)
    for people in (["zhangwei", "LiXiuying"], ["wang.fang", "chenjie02"], ["LiNa", "HeLi"]):
        assert not column("zt", people * 20).codes and not column("any", people * 20).codes
    words = ["normal", "closed", "received", "void", "handled", "active", "open", "done", "G", "W2"]
    assert set(column("status", words * 3).codes or {}) == set(words)
    assert not column("lx", ["13912345678", "13912345679"] * 9).codes


@pytest.mark.parametrize(
    ("heading", "values"),
    [("hphm", ["浙A12345"]), ("any", ["浙A12345", "浙AD12345"]), ("mzt", ["绿码"]), ("rlid", ["x"])],
)
def test_what_the_law_keeps_out_is_left_out(heading: str, values: list[str]) -> None:
    assert column(heading, values).left_out


def test_what_is_refused_is_named_so_that_it_cannot_land(tmp_path: Path) -> None:
    path = tmp_path / "passes.csv"
    path.write_bytes(csv_bytes(pl.DataFrame({"bh": ["a", "b"], "hphm": ["浙A12345", "浙A54321"]})))
    document, text = written(path)
    refused = {entry["property"]: entry["value"] for entry in document["customProperties"]}["refused"]
    assert [entry["field"] for entry in refused] == ["hphm"] and "浙A" not in text
    assert list(columns_of(document)) == ["bh"]


def frame(**columns: list[str]) -> Sample:
    return Sample(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)), "gateway", "x")


def key_of(sample: Sample) -> list[str]:
    return [column.guess.physical_name for column in draft(sample).columns if column.key]


def test_the_key_is_what_tells_records_apart() -> None:
    assert key_of(frame(je=["1", "2"], xm=["王伟", "李娜"], bh=["a", "b"])) == ["bh"]
    assert key_of(frame(jtbh=["1", "1", "2"], cyxh=["1", "2", "1"], xm=["王伟", "李娜", "张敏"])) == ["jtbh", "cyxh"]
    assert key_of(frame(xh=["1", "2"], sfzh=[IDS[0], IDS[1]])) == ["sfzh"]
    assert key_of(frame(jtbh=["1", "1", "2"], cyxh=["1", "2", "1"], sfzh=IDS[:3])) == ["jtbh", "cyxh"]
    assert key_of(frame(sbbh=["1", "1"], jcrq=["2026-01-01", "2026-01-02"], pm10=["3", "4"])) == ["sbbh", "jcrq"]
    assert key_of(frame(xm=["王伟", "李娜"], je=["1", "2"])) == []
    assert key_of(frame(pm10=["3", "4"], xm=["王伟", "李娜"])) == [], "a measure is no key"
    assert key_of(frame(bh=["a", "a"], zt=["1", "1"])) == []
    assert key_of(frame(bh=["a", ""], id=["x", "y"])) == ["id"]


def test_a_time_of_change_is_a_cursor_only_where_it_never_lacks() -> None:
    times = ["2026-01-01 10:00:00", "2026-01-02 10:00:00"]
    assert draft(frame(bh=["a", "b"], gxsj=times)).cursor == "updated_at"
    assert draft(frame(bh=["a", "b"], gxsj=[times[0], ""])).cursor is None
    assert draft(frame(bh=["a", "b"], sbsj=times)).cursor is None


def test_points_are_pairs_and_the_datum_is_not_guessed_without_evidence() -> None:
    inside = frame(bh=["a", "b"], jd=["120.1012345", "120.1112345"], wd=["30.3012345", "30.3112345"])
    found = draft(inside)
    assert [c.guess.semantic_type for c in found.columns] == [None, "geo.longitude", "geo.latitude"]
    assert found.crs == "" and "100.0%" in found.crs_remark
    assert draft(frame(bh=["a"], 百度经度=["120.1012345"], 百度纬度=["30.3012345"])).crs == "bd09"
    # Points at the region's western edge lie in it under one hypothesis alone.
    edge = frame(bh=["a", "b"], jd=["119.9005", "119.9006"], wd=["30.3", "30.31"])
    assert draft(edge).crs == "wgs84"
    by_value = draft(frame(bh=["a"], p=["120.1012345"], q=["30.3012345"]))
    assert [c.name for c in by_value.columns] == ["bh", "longitude", "latitude"]
    local = draft(frame(bh=["a"], x=["40512345.1"], y=["3351234.2"]))
    assert local.crs is None and "local" in local.columns[1].guess.remarks[-1]


def test_encodings_are_told_by_most_lines() -> None:
    han = "姓名,住址\n王伟,东湖路\n" * 20
    assert encoding_of(han.encode("utf-8"))[0] == "utf-8"
    assert encoding_of(b"\xef\xbb\xbf" + han.encode())[0] == "utf-8-sig"
    assert encoding_of("䶮𠮷,东湖路\n".encode("gb18030") * 9)[0] == "gb18030"
    assert encoding_of(han.encode("gb18030") + "王伟\n".encode())[0] == "gb18030"
    assert encoding_of(b"a,b\n") == ("utf-8", "the sample is plain ASCII: ask how Chinese is encoded")
    with pytest.raises(ContractViolation, match="UTF-16"):
        encoding_of(han.encode("utf-16"))


@pytest.mark.parametrize(
    ("merged", "rows"),
    [
        ([], 1),
        ([((0, 0), (0, 2))], 2),
        ([((0, 0), (1, 0)), ((0, 1), (0, 2))], 2),
        ([((0, 0), (0, 5)), ((1, 1), (1, 2))], 3),
        ([((0, 0), (1, 0)), ((7, 0), (9, 0)), ((20, 0), (20, 3))], 2),
    ],
)
def test_merged_cells_tell_the_header(merged: list[Any], rows: int) -> None:
    assert header_rows(merged) == rows


def test_file_names_become_patterns() -> None:
    assert file_pattern("名册_202605.csv") == "名册_*.csv"
    assert file_pattern("leases 2026-05-31 v2.xlsx") == "leases * v*.xlsx"
    assert file_pattern("grids.geojson") == "grids.geojson"


def test_a_file_without_a_header_is_refused_before_its_first_person_becomes_a_name(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(csv_bytes(RESIDENTS).split(b"\n", 1)[1])
    with pytest.raises(ContractViolation, match="looks like a record") as caught:
        read_file(path)
    assert IDS[0] not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"a\tb\n1\t2\n", "separated by tabs"),
        ("a.csv", b"bh,zt\n", "no records"),
        ("a.json", b"{", "no JSON"),
        ("a.json", b'{"rows": 3}', "neither the gateway's envelope"),
        ("a.json", b"[]", "no records"),
        ("a.xls", b"x", "not read"),
        ("a.xlsx", b"x", "no .xlsx"),
    ],
)
def test_what_the_hub_could_not_take_in_is_no_sample(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((ContractViolation, Permanent), match=message):
        read_file(tmp_path / name)


def test_a_missing_sample_is_told() -> None:
    with pytest.raises(Permanent, match="there is no file"):
        scaffold("x", "nothing.csv")


def test_a_csv_says_its_encoding_and_its_total_rows(tmp_path: Path) -> None:
    path = tmp_path / "residents_202605.csv"
    total = ["合计", *[""] * (RESIDENTS.width - 3)]
    path.write_bytes(csv_bytes(RESIDENTS, "gb18030", total_row=total))
    document, text = written(path)
    server = {entry["property"]: entry["value"] for entry in document["servers"][0]["customProperties"]}
    custom = {entry["property"]: entry["value"] for entry in document["schema"][0]["customProperties"]}
    assert (server["protocol"], server["encoding"]) == ("sftp", "gb18030")
    assert custom["source"] == {"format": "csv", "totalRows": ["合计"]}
    assert document["schema"][0]["physicalName"] == "residents_*.csv"
    assert columns_of(document)["rybh"]["primaryKey"]
    assert "# CONFIRM: gb18030 by trial" in text


def test_an_excel_says_its_header_and_leaves_out_the_ordinal(tmp_path: Path) -> None:
    path = tmp_path / "名册.xlsx"
    renamed = RESIDENTS.select("rybh", "gmsfhm", "xm", "lxdh", "zt").rename(
        {"rybh": "编号", "gmsfhm": "基本信息/身份证号", "xm": "基本信息/姓名", "lxdh": "联系/电话", "zt": "联系/状态"}
    )
    numbered = renamed.insert_column(0, pl.Series("序号", [str(n) for n in range(len(renamed))]))
    path.write_bytes(excel_bytes(numbered, total_row=["合计", "200"]))
    document, text = written(path)
    custom = {entry["property"]: entry["value"] for entry in document["schema"][0]["customProperties"]}
    assert custom["source"] == {"format": "excel", "headerRows": 2, "totalRows": ["合计"]}
    assert list(columns_of(document)) == ["编号", "基本信息/身份证号", "基本信息/姓名", "联系/电话", "联系/状态"]
    assert "# Left out: 序号" in text


@pytest.mark.parametrize("encoded", [True, False], ids=["datas as text", "datas as a list"])
def test_a_page_of_the_gateway_is_read_in_both_forms(tmp_path: Path, encoded: bool) -> None:
    rows = RESIDENTS.to_dicts()
    path = tmp_path / "residents.json"
    datas = json.dumps(rows) if encoded else rows
    path.write_text(json.dumps({"code": "00", "datas": datas, "totalDataCount": 200}))
    document, _ = written(path)
    custom = {entry["property"]: entry["value"] for entry in document["schema"][0]["customProperties"]}
    assert (custom["load"], custom["cursor"]) == ("changes", "updated_at")
    assert columns_of(document)["gmsfhm"]["tags"] == ["sensitive"]


def test_blanks_are_refused_and_nothing_else_is(tmp_path: Path) -> None:
    sample = tmp_path / "residents.csv"
    sample.write_bytes(csv_bytes(RESIDENTS))
    path = tmp_path / "new_system.odcs.yaml"
    path.write_text(scaffold("new_system", str(sample)))
    reasons = sorted(problem.reason for problem in check_file(path)[1])
    assert reasons == ["no legal basis", "no owner", "no permitted purposes", "says not what the data are taken in for"]


@pytest.mark.parametrize("system", sorted(CONTRACTS))
def test_no_person_of_the_sample_stands_in_the_file(tmp_path: Path, system: str) -> None:
    """Whatever the column, spoiled and shuffled headings too: no identity, phone, name or address reaches the text."""
    contract = CONTRACTS[system]
    dice = random.Random(3)
    for stream in contract.streams.values():
        page = sample_page(contract, stream, 40)
        headings = list(page.columns)
        for shuffle in (False, True):
            if shuffle:
                dice.shuffle(headings)
            path = tmp_path / "sample.csv"
            path.write_bytes(csv_bytes(page.rename(dict(zip(page.columns, headings, strict=True)))))
            text = scaffold("new_system", str(path))
            for column_ in stream.columns:
                if column_.codes:
                    continue
                if column_.sensitive or column_.semantic_type in ("cn.phone", "cn.address", "cn.person_name"):
                    for value in page[column_.physical_name].unique().to_list():
                        assert len(value) < 2 or value not in text, (stream.name, column_.name, shuffle)
