"""One simulated town and one hub of real processes for this folder; each stage is a fixture built upon the one before.

A pass takes some ten seconds, so the tests share them. What a stage saw is kept in the fixture's value: a test must
not rely on the hub still being at its stage, except where the order of the files says so.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import unquote, urlsplit, urlunsplit

import polars as pl
import psycopg
import pytest
from psycopg import sql

from orchestration import manifest
from warehouse import connection

REPOSITORY = Path(__file__).resolve().parents[3]
SCALE, SEED = "0.01", "3"
SECONDS = 480


@dataclass(frozen=True)
class Hub:
    """A hub of its own home: its command is run as people run it, its database is looked into directly."""

    home: Path
    database_url: str | None = None

    def surroundings(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TOWNHUB_")}
        ours = {"TOWNHUB_HOME": str(self.home)}
        if self.database_url:
            ours["TOWNHUB_DATABASE_URL"] = self.database_url
        return {**kept, **ours, **more}

    def command(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """`townhub WORDS` to its end; `more` are environment variables of this call."""
        return subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *words],
            cwd=REPOSITORY, env=self.surroundings(**more), capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip

    def answer(self, *words: str, **more: str) -> Any:
        """The JSON document of a command that must succeed."""
        done = self.command(*words, "--json", **more)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    def refusal(self, *words: str, **more: str) -> str:
        """What a command that must fail says: one clear message, no traceback, nothing on stdout."""
        done = self.command(*words, **more)
        assert done.returncode not in (0, 130), f"{words} succeeded: {done.stdout[-500:]}"
        assert "Traceback" not in done.stderr, done.stderr[-3000:]
        assert done.stdout == ""
        return done.stderr

    @contextmanager
    def surrounded(self) -> Iterator[None]:
        """This process's own environment is the hub's for a while."""
        with pytest.MonkeyPatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("TOWNHUB_")]:
                patch.delenv(name)
            for name, value in self.surroundings().items():
                if name.startswith("TOWNHUB_"):
                    patch.setenv(name, value)
            yield

    def connect(self, role: connection.Role | None = None, **options: Any) -> psycopg.Connection:
        with self.surrounded():
            return connection.connect(role, **options)

    def rows(self, query: LiteralString, *values: Any, database: str | None = None) -> list[tuple[Any, ...]]:
        """The rows of a statement as the hub's own login sees them."""
        with self.connect(database=database) as conn:
            return conn.execute(query, list(values)).fetchall()

    def value(self, query: LiteralString, *values: Any, database: str | None = None) -> Any:
        return self.rows(query, *values, database=database)[0][0]


@dataclass
class Stage:
    """What a pass reported and what stood in the hub right after it."""

    report: dict[str, Any]
    code: int
    said: str
    last_load: int
    releases: list[dict[str, Any]]
    premises: pl.DataFrame
    more: dict[str, Any] = field(default_factory=dict)

    def stream(self, system: str, stream: str) -> dict[str, Any]:
        return dict(self.report["systems"][system][stream])


def shown(hub: Hub) -> tuple[str, list[dict[str, Any]]]:
    """A hash of all that serving shows, and the releases."""
    return str(hub.value("SELECT control.serving_hash()")), hub.answer("release", "list")


def run_pass(hub: Hub, *words: str, **more: str) -> Stage:
    """A pass (`demo` or `run`), its report, and the state it left."""
    done = hub.command(*words, "--json", **more)
    assert done.stdout, done.stderr[-3000:]
    colours = hub.rows("SELECT premises_code, colour, gates, unknown_inputs FROM serving.premises_risk")
    return Stage(
        report=json.loads(done.stdout),
        code=done.returncode,
        said=done.stderr,
        last_load=hub.value("SELECT max(load_id) FROM control.load"),
        releases=hub.answer("release", "list"),
        premises=pl.DataFrame(
            colours,
            schema={
                "premises_code": pl.String,
                "colour": pl.String,
                "gates": pl.List(pl.String),
                "unknown_inputs": pl.List(pl.String),
            },
            orient="row",
        ),
    )


def new_home(parsed: Path | None = None) -> Path:
    """A folder that the unprivileged user of the embedded server may pass through; dbt has parsed the project."""
    home = Path(tempfile.mkdtemp(prefix="townhub-hub-"))
    home.chmod(0o755)
    if parsed is not None:
        shutil.copytree(parsed, home / "dbt_target")
    return home


@pytest.fixture(scope="package")
def hub() -> Iterator[Hub]:
    """The folder's hub, on its embedded server; `first` fills it."""
    made = Hub(new_home())
    try:
        yield made
    finally:
        down = made.command("down", "--purge", "--yes")
        shutil.rmtree(made.home, ignore_errors=True)
    assert down.returncode == 0, down.stderr


@pytest.fixture(scope="package")
def first(hub: Hub) -> Stage:
    """`townhub demo` on nothing."""
    stage = run_pass(hub, "demo", "--scale", SCALE, "--seed", SEED)
    stage.more["status"] = hub.answer("status")
    stage.more["pictures"] = hub.answer("pictures")
    return stage


@pytest.fixture(scope="package")
def truth(hub: Hub, first: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    """The answer key of the town's first day, by the name of its file."""
    folder = tmp_path_factory.mktemp("truth")
    done = hub.command("simulate", "truth", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


@pytest.fixture(scope="package")
def second(hub: Hub, truth: dict[str, pl.DataFrame]) -> Stage:
    """`townhub run` with nothing new upstream."""
    return run_pass(hub, "run")


@pytest.fixture(scope="package")
def bereft(hub: Hub, second: Stage) -> Stage:
    """A pass while the fire brigade's system is dead, the register of residents, and the police's system, which shares
    its server with others."""
    assert hub.answer("simulate", "faults", "fire_119", "dead") == {"fire_119": {"dead": {}}}
    hub.answer("simulate", "faults", "police_110", "dead")
    hub.answer("simulate", "faults", "household_registry", "dead")
    outcomes: LiteralString = "SELECT DISTINCT policy_code, outcome FROM serving.welfare_match"
    before = set(hub.rows(outcomes))
    stage = run_pass(hub, "run")
    stage.more["status"] = hub.answer("status")
    stage.more["welfare"] = (before, set(hub.rows(outcomes)))
    return stage


@pytest.fixture(scope="package")
def healed(hub: Hub, bereft: Stage, more_systems: Path) -> Stage:
    """All are back: they, a system whose contract is new and one stream of three are taken in, nothing else."""
    assert hub.answer("simulate", "faults", "--clear") == {}
    wanted = ("fire_119", "police_110", "household_registry", "second_platform", "safety_inspection.hazards")
    selected = [word for name in wanted for word in ("--select", name)]
    return run_pass(hub, "run", *selected, TOWNHUB_SYSTEMS=str(more_systems))


@pytest.fixture(scope="package")
def more_systems(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all contracts and one more: a second platform that serves what the first one serves."""
    folder = tmp_path_factory.mktemp("systems")
    for path in (REPOSITORY / "connectors" / "systems").glob("*.odcs.yaml"):
        shutil.copy(path, folder)
    text = (folder / "four_platform.odcs.yaml").read_text(encoding="utf-8")
    for ours, its in (
        ("id: four_platform\n", "id: second_platform\n"),
        ("catalogueNumber, value: 8}", "catalogueNumber, value: 99}"),
    ):
        assert ours in text
        text = text.replace(ours, its)
    (folder / "second_platform.odcs.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="package")
def next_day(hub: Hub, healed: Stage) -> Stage:
    """The town has lived on for a day, and the pass that first took it in was killed before it published anything."""
    advanced = hub.answer("simulate", "advance", "--days", "1")
    killed = hub.command("run", "--json", TOWNHUB_CRASH_POINT="publish.before_commit")
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
    between = shown(hub)
    stage = run_pass(hub, "run")
    stage.more["today"] = advanced["today"]
    stage.more["between"] = between
    stage.more["landed"] = hub.value(
        "SELECT sum(rows_landed)::int FROM control.load WHERE load_id > %s", healed.last_load
    )
    return stage


@pytest.fixture(scope="package")
def next_day_again(hub: Hub, next_day: Stage) -> Stage:
    """The same day once more."""
    return run_pass(hub, "run")


@pytest.fixture(scope="package")
def later_day(hub: Hub, next_day_again: Stage) -> Stage:
    """Another day, built from the one before by what changed."""
    hub.answer("simulate", "advance", "--days", "1")
    stage = run_pass(hub, "run")
    stage.more["made anew"] = made_anew(hub)
    stage.more["tables"] = by_changes(hub)
    stage.more["told as made"] = told_as_made(hub)
    return stage


@pytest.fixture(scope="package")
def mistaken(hub: Hub, later_day: Stage, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The same day, while a mistake stands in the fire brigade's contract."""
    folder = tmp_path_factory.mktemp("mistaken")
    for path in (REPOSITORY / "connectors" / "systems").glob("*.odcs.yaml"):
        shutil.copy(path, folder)
    contract = folder / "fire_119.odcs.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("logicalType: string", "logicalType: strong", 1), encoding="utf-8")
    stage = run_pass(hub, "run", "--rebuild", TOWNHUB_SYSTEMS=str(folder))
    stage.more["status"] = hub.answer("status", TOWNHUB_SYSTEMS=str(folder))
    stage.more["refusal"] = hub.refusal("run", "--select", "fire_119", TOWNHUB_SYSTEMS=str(folder))
    stage.more["systems"] = hub.answer("systems", "list", TOWNHUB_SYSTEMS=str(folder))
    return stage


@pytest.fixture(scope="package")
def later_day_anew(hub: Hub, mistaken: Stage) -> Stage:
    """The same day with the contract mended, built from everything."""
    stage = run_pass(hub, "run", "--rebuild")
    stage.more["made anew"] = made_anew(hub)
    stage.more["tables"] = by_changes(hub)
    return stage


def made_anew(hub: Hub) -> dict[str, int]:
    """Of each model that the last build made by changes, how many rows it made."""
    newest = max((hub.home / "dbt_target" / "outcomes").glob("*.json"), key=lambda path: path.stat().st_mtime)
    return {each["model"]: each["rows"] for each in json.loads(newest.read_text()) if each["by_changes"]}


def told_as_made(hub: Hub) -> dict[str, int]:
    """Schema → how many assets of it the last build told Dagster as made."""
    told = hub.rows(
        "SELECT asset_key::jsonb ->> 0, count(*) FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
        " AND run_id = (SELECT run_id FROM runs WHERE pipeline_name = 'build' ORDER BY id DESC LIMIT 1) GROUP BY 1",
        database="dagster",
    )
    return {schema: int(count) for schema, count in told}


def by_changes(hub: Hub) -> dict[str, tuple[int, int]]:
    """Of each model that can be built by changes, how many rows it has and a sum over what stands in them."""
    with hub.surrounded():
        nodes = [node for node in manifest.load().nodes.values() if node.chain]
    found = {}
    for node in nodes:
        query = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {} t")
        with hub.connect("builder") as conn:
            row = conn.execute(query.format(sql.Identifier(node.schema, node.table))).fetchone()
        assert row is not None
        found[node.name] = (int(row[0]), int(row[1]))
    return found


@pytest.fixture
def external(external_database: str) -> Iterator[Hub]:
    """A hub on a PostgreSQL that is not its own; what it made there is dropped again."""
    made = Hub(new_home(), external_database)
    try:
        yield made
    finally:
        made.command("down")
        shutil.rmtree(made.home, ignore_errors=True)
        _drop_beside(external_database)


@pytest.fixture
def external_passes(external: Hub) -> tuple[Stage, Stage]:
    """`townhub demo` and `townhub run` on an external server."""
    return run_pass(external, "demo", "--scale", SCALE, "--seed", SEED), run_pass(external, "run")


def _drop_beside(database_url: str) -> None:
    """The databases beside the warehouse, and the login of the simulated exchange database."""
    parts = urlsplit(database_url)
    name = unquote(parts.path.lstrip("/"))
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as conn:
        for beside in (f"{name}_dagster", f"{name}_upstream"):
            conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(beside)))
        conn.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(f"{name}_upstream")))
