"""`townhub systems`: what a data engineer types to add, check and look up a system."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connectors.contract_changes import Change
from connectors.contract_file import ContractError
from connectors.contract_folder import SYSTEMS, load_contracts
from orchestration import catalogue, consumers, earlier_contracts
from orchestration.commands.systems import app
from orchestration.consumers import Hit
from orchestration.output import CommandError

FEW = ("police_110", "household_registry", "health_code")


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three contracts that is the hub's for a while."""
    folder = tmp_path / "systems"
    folder.mkdir()
    for name in FEW:
        shutil.copy(SYSTEMS / f"{name}.odcs.yaml", folder)
    monkeypatch.setenv("TOWNHUB_SYSTEMS", str(folder))
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TOWNHUB_DATABASE_URL", raising=False)
    return folder


@pytest.fixture
def earlier(systems: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(systems, tmp_path / "earlier"))


@pytest.fixture(autouse=True)
def readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom a change hits is tested where dbt compiles the project: tests/warehouse/test_consumers.py."""

    class Readers:
        def of(self, change: Change) -> Hit:
            return Hit(("fct_event",), (), ("premises_risk",)) if change.column == "category" else Hit((), (), ())

    monkeypatch.setattr(consumers, "consumers", lambda contracts, changes: Readers())


def run(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, (done.output, done.exception)
    return done


def mend(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_list_is_in_the_order_of_the_catalogue(systems: Path) -> None:
    rows: list[dict[str, Any]] = json.loads(run("list", "--json").stdout)
    assert [row["number"] for row in rows] == [1, 5, 37]
    assert rows[0] == {
        "number": 1,
        "system": "police_110",
        "name": "110联动平台",
        "owner": "区公安分局指挥中心",
        "shape": ["exchange_db"],
        "cadence": "every minute",
        "fresh_within": "1 day",
        "streams": ["incidents"],
        "enabled": True,
        "mistakes": [],
    }
    assert not rows[1]["enabled"]
    assert "户籍人口" in run("list").stdout


def test_check_tells_mistakes_of_all_files_and_between_them(systems: Path) -> None:
    assert "3 contracts without a mistake" in run("check").stdout
    mend(systems / "police_110.odcs.yaml", "protocol, value: exchange_db", "protocol, value: telepathy")
    mend(systems / "household_registry.odcs.yaml", "catalogueNumber, value: 37", "catalogueNumber, value: 5")
    found = json.loads(run("check", "--json", code=1).stdout)
    assert {(Path(p["file"]).name, p["kind"]) for p in found} == {
        ("police_110.odcs.yaml", "mistake"),
        ("household_registry.odcs.yaml", "mistake"),
        ("health_code.odcs.yaml", "mistake"),
    }
    assert all(problem["line"] and problem["remedy"] for problem in found)
    only = run("check", str(systems / "household_registry.odcs.yaml"))
    assert "1 contract without a mistake" in only.stdout


def test_a_system_with_a_refused_contract_is_listed_with_its_mistakes(systems: Path) -> None:
    mend(systems / "police_110.odcs.yaml", "protocol, value: exchange_db", "protocol, value: telepathy")
    *others, last = json.loads(run("list", "--json").stdout)
    assert [row["system"] for row in others] == ["health_code", "household_registry"]
    assert (last["system"], last["enabled"], last["streams"]) == ("police_110", False, [])
    (told,) = last["mistakes"]
    assert told.startswith("police_110.odcs.yaml:17: servers.0: the protocol 'telepathy' is unknown. Use: ")
    assert "telepathy" in run("list").stdout
    with pytest.raises(CommandError, match="telepathy"):
        app_refuses("stage", "police_110")
    with pytest.raises(ContractError, match="telepathy"):
        app_refuses("docs", "--check")


def app_refuses(*arguments: str) -> None:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 1 and done.exception
    raise done.exception


def test_check_warns_of_what_breaks_and_stays_green(systems: Path, earlier: Path) -> None:
    assert "warning" not in run("check", "--against", str(earlier)).stdout
    mend(systems / "police_110.odcs.yaml", "name: category,", "name: kind,")
    (systems / "health_code.odcs.yaml").unlink()
    done = run("check", "--against", str(earlier))
    assert "police_110.incidents.category: renamed to kind. Read by fct_event; products: premises_risk." in done.stdout
    assert "warning: health_code: the contract is gone. Nothing reads it." in done.stdout
    found = json.loads(run("check", "--against", str(earlier), "--json").stdout)
    assert [warned["products"] for warned in found if warned["where"].endswith("category")] == [["premises_risk"]]
    one = run("check", str(systems / "police_110.odcs.yaml"), "--against", str(earlier))
    assert "health_code" not in one.stdout, "one file says nothing of the others"


def test_mistakes_and_warnings_come_together(systems: Path, earlier: Path) -> None:
    mend(systems / "police_110.odcs.yaml", "name: category,", "name: kind,")
    mend(systems / "household_registry.odcs.yaml", "team: {name: 区公安分局户政科}", 'team: {name: ""}')
    done = run("check", "--against", str(earlier), code=1)
    assert "no owner" in done.stdout and "renamed to kind" in done.stdout
    assert "contract is gone" not in done.stdout, "a file with a mistake is not gone"


def test_check_says_when_it_could_not_compare(systems: Path) -> None:
    assert "not compared" in run("check").stderr
    with pytest.raises(CommandError, match="neither a folder nor a git revision"):
        earlier_contracts.read("no-such-branch")
    with pytest.raises(CommandError, match="neither"):
        earlier_contracts.read("--upload-pack=x")


def test_earlier_contracts_come_out_of_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "connectors" / "systems"
    folder.mkdir(parents=True)
    shutil.copy(SYSTEMS / "police_110.odcs.yaml", folder)
    (folder / "broken.odcs.yaml").write_text("id: 7\n", encoding="utf-8")
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "as it was"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (folder / "police_110.odcs.yaml").unlink()
    monkeypatch.setattr(earlier_contracts, "REPOSITORY", tmp_path)
    monkeypatch.setattr(earlier_contracts, "SYSTEMS", folder)
    assert earlier_contracts.read("HEAD") == {"police_110": load_contracts()["police_110"]}


def test_add_writes_what_check_then_refuses_until_it_is_filled(systems: Path, tmp_path: Path) -> None:
    sample = tmp_path / "readings_202605.csv"
    sample.write_text("bh,sbsj,zt\nA1,2026-05-01 10:00:00,0\nA2,2026-05-01 10:05:00,1\n", encoding="utf-8")
    done = run("add", "smoke_sensor", "--from", str(sample))
    path = systems / "smoke_sensor.odcs.yaml"
    for blank in ("no legal basis", "no permitted purposes", "no owner"):
        assert blank in done.stdout
    run("check", code=1)
    for blank, filled in (
        ('purpose: ""', "purpose: Alarms of smoke sensors."),
        ('{name: ""}', "{name: 消防救援大队}"),
        ('legalBasis, value: ""', "legalBasis, value: zj-public-data-2022"),
        ("purposes, value: []", "purposes, value: [premises_safety]"),
    ):
        mend(path, blank, filled)
    assert "4 contracts without a mistake" in run("check").stdout
    assert [row["system"] for row in json.loads(run("list", "--json").stdout)][-1] == "smoke_sensor"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add", "Smoke", "--from", "x.csv"], "cannot be a system's id"),
        (["add", "police_110", "--from", "x.csv"], "is there already"),
        (["add", "smoke", "--from", "postgresql://h/d"], "which table"),
        (["add", "smoke", "--from", "x.csv"], "there is no file x.csv"),
        (["stage", "smoke"], "no system smoke"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_remedy(systems: Path, arguments: list[str], message: str) -> None:
    done = run(*arguments, code=1)
    assert message in str(done.exception)
    assert len(list(systems.iterdir())) == len(FEW)


def test_the_page_holds_every_system_and_column(systems: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "docs" / "systems.md"
    page.parent.mkdir()
    monkeypatch.setattr(catalogue, "PAGE", page)
    with pytest.raises(AssertionError, match="not in step"):
        run("docs", "--check")
    run("docs")
    text = page.read_text(encoding="utf-8")
    run("docs", "--check")
    for contract in load_contracts().values():
        assert f"\n## {contract.id}\n" in text and contract.owner in text and contract.legal_basis in text
        for stream in contract.streams.values():
            section = text.split(f"\n### {contract.id}.{stream.name}\n")[1]
            for column in stream.columns:
                assert f"| `{column.name}` | {column.physical_name} |" in section
    mend(systems / "police_110.odcs.yaml", "team: {name: 区公安分局指挥中心}", "team: {name: 另一个科}")
    with pytest.raises(AssertionError, match="not in step"):
        run("docs", "--check")


def test_lengths_of_time_are_told_in_words() -> None:
    assert [catalogue.span(seconds) for seconds in (60, 5400, 86_400, 172_800, 2_678_400, 94_608_000)] == [
        "1 minute", "90 minutes", "1 day", "2 days", "1 month", "3 years",
    ]  # fmt: skip
    assert (catalogue.every(60), catalogue.every(900)) == ("every minute", "every 15 minutes")
