"""From contracts to checks, without a database."""

from __future__ import annotations

import re
from datetime import date

import pytest

from connectors.contract import Contract
from connectors.contract_folder import load_contracts
from quality import contract_rules
from quality.checks import Check, Version

TODAY = date(2026, 6, 30)
CONTRACTS = load_contracts()


def by_name(contract: Contract, stream: str) -> dict[str, Check]:
    checks = contract_rules.checks_of(contract.streams[stream], TODAY)
    assert len({check.name for check in checks}) == len(checks)
    return {check.name: check for check in checks}


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.id)
def test_every_rule_of_a_contract_is_checked(contract: Contract) -> None:
    for stream in contract.streams.values():
        checks = by_name(contract, stream.name)
        assert "key.once" in checks
        for column in stream.columns:
            assert (f"{column.name}.given" in checks) == column.required
            if column.codes:
                condition = checks[f"{column.name}.code"].arguments["condition"]
                assert set(re.findall("'([^']*)'", condition)) == set(column.codes.values())
            if column.minimum is not None or column.maximum is not None:
                assert f"{column.name}.range" in checks
            if column.logical_type == "timestamp":
                assert checks[f"{column.name}.not_in_future"].severity == "warn"


@pytest.mark.parametrize(
    ("semantic", "good", "bad"),
    [
        ("cn.resident_id", "11010519491231002X", "110105491231002"),
        ("cn.resident_id", "330106190001010017", "330106000001010017"),
        ("cn.credit_code", "91110000600037341L", "91110000600037341I"),
        ("cn.taxpayer_no", "330106000101001", "3301060001"),
        ("cn.phone", "05718765432", "8765432"),
        ("cn.phone", "13912345679", "23912345679"),
        ("cn.person_name", "阿卜杜勒·热西提", "王2"),
        ("cn.ethnic_group", "01", "汉"),
        ("cn.family_relation", "10", "1"),
        ("cn.disability_certificate", "11010519491231002X43B1", "11010519491231002X"),
        ("cn.disability_class", "7", "8"),
        ("cn.disability_level", "4", "5"),
        ("cn.gb28181_device_id", "33010600001320000001", "3301060000132"),
        ("cn.gb28181_device_id", "3301060000000131", "330106000000013100"),
        ("cn.warning_id", "33019941600001_20260630080000_1", "33019941600001_20260630_1"),
        ("cn.month", "2026-12", "2026-13"),
        ("geo.polygon", '{"type":"MultiPolygon","coordinates":[]}', '{"type":"Point"}'),
    ],
)
def test_patterns_tell_good_from_bad(semantic: str, good: str, bad: str) -> None:
    pattern = re.compile(contract_rules.PATTERNS[semantic][0].replace("[[:space:]]", r"\s"))
    assert pattern.search(good) and not pattern.search(bad)


def test_the_region_can_be_narrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = by_name(CONTRACTS["fire_119"], "incidents")["longitude.in_region"].arguments["condition"]
    monkeypatch.setenv("TOWNHUB_REGION", "120.0,30.2,120.2,30.4")
    narrow = by_name(CONTRACTS["fire_119"], "incidents")["latitude.in_region"].arguments["condition"]
    assert wide == 'coalesce("longitude" >= 119.9 AND "longitude" <= 120.4, true)'
    assert narrow == 'coalesce("latitude" >= 30.2 AND "latitude" <= 30.4, true)'


def test_only_what_follows_from_one_row_is_asked_of_the_news_alone() -> None:
    every = [
        check
        for contract in CONTRACTS.values()
        for stream in contract.streams.values()
        for check in contract_rules.checks_of(stream, TODAY)
    ]
    assert {check.name for check in every if not check.by_row} == {"key.once"}
    # A condition that looks beyond its row would not be met once and for good.
    assert not [check.name for check in every if check.by_row and "SELECT" in check.arguments["condition"]]


def test_the_news_of_a_version_are_rows_of_it() -> None:
    assert Version().news == Version().condition == "_to_load IS NULL"
    assert Version(judged=3).news == "_to_load IS NULL AND _from_load > 3"
    bound = Version(bound=7, judged=3)
    assert bound.news == f"{Version(bound=7).condition} AND _from_load > 3"
    assert bound.condition == Version(bound=7).condition
