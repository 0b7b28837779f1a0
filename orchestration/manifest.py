"""What dbt's manifest says, read without dbt: models, tests, what depends on what, and in which step they run.

The manifest is made in a subprocess when the project's files changed, together with dbt's own form of it (see
`dbt_parsing`), and kept in the hub's home so that the checkout stays clean. Parsing needs no database.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from orchestration import environment

STAGING, CORE, PRODUCTS = "staging", "core", "products"


class ManifestError(RuntimeError):
    """dbt cannot read the project; the message is dbt's own."""


@dataclass(frozen=True)
class Node:
    """One dbt model or seed."""

    unique_id: str
    name: str
    resource_type: str
    schema: str
    table: str
    materialized: str
    description: str
    step: str
    group: str
    """The step, and of products the family too."""
    parents: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    """(name, type, description) of the enforced contract."""
    chain: str | None = None
    """Of a model that can be built by changes, the chain that it is of (see `increments`)."""


@dataclass(frozen=True)
class Test:
    """One dbt data test: the node it is shown at and the step that runs it."""

    __test__ = False  # not for pytest, despite its name

    unique_id: str
    name: str
    node: str
    step: str
    severity: str
    description: str


@dataclass(frozen=True)
class Project:
    """The parts of the manifest that become assets and checks."""

    nodes: dict[str, Node]
    tests: dict[str, Test]
    sources: dict[str, tuple[str, str]]
    """unique id → (schema, table)."""
    folders: dict[str, frozenset[str]] = field(default_factory=dict)
    """Name of a layer's folder, as dbt selects it → everything that it would select, by unique id."""
    state: str = ""
    """Of the files that it was read from (see `state`)."""

    @property
    def families(self) -> list[str]:
        """The product families that have models, by name."""
        return sorted({node.group.removeprefix(f"{PRODUCTS}_") for node in self.nodes_of(PRODUCTS)})

    @property
    def steps(self) -> list[str]:
        """The dbt invocations of a build, in order.

        The families' products are built in one: each invocation costs seconds, and dbt itself keeps a failure to what
        depends on it.
        """
        return [STAGING, CORE, PRODUCTS]

    def nodes_of(self, step: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.step == step]

    def products_of(self, family: str) -> list[Node]:
        return [node for node in self.nodes.values() if node.group == f"{PRODUCTS}_{family}"]

    def tests_of(self, step: str) -> list[Test]:
        return [test for test in self.tests.values() if test.step == step]


def load() -> Project:
    """The project as it stands, parsed anew only when a file of it changed."""
    read_from = state()
    return replace(read(json.loads(ensure_manifest().read_text(encoding="utf-8"))), state=read_from)


def target_folder() -> Path:
    return environment.home() / "dbt_target"


def ensure_manifest() -> Path:
    """Path of a manifest.json that belongs to the project's present files. Raises ManifestError."""
    return _ensure(target_folder(), "orchestration.dbt_parsing")


def ensure_compiled() -> Path:
    """Path of a manifest.json with the SQL of every model, made without a database. Raises ManifestError."""
    # Any day will do: it does not change which columns are read.
    day = json.dumps({"as_of": date.today().isoformat()})
    folder = environment.home() / "dbt_compiled"
    how = ["--quiet", "compile", "--no-populate-cache", "--no-introspect", "--vars", day, *arguments(folder)]
    return _ensure(folder, "dbt.cli.main", *how)


def _ensure(folder: Path, program: str, *how: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    manifest, stamp = folder / "manifest.json", folder / "manifest.digest"
    wanted = state()
    if not _fresh(manifest, stamp, wanted):
        with _locked(folder / "parse.lock"):
            if not _fresh(manifest, stamp, wanted):
                _run(manifest, program, how)
                stamp.write_text(wanted, encoding="ascii")
    return manifest


def state() -> str:
    """What a parsed project depends on: its files and the database that its tables lie in."""
    return f"{digest(environment.DBT_PROJECT)} {parse_environment()['TOWNHUB_DBT_DBNAME']}"


def parse_environment() -> dict[str, str]:
    """The one part of dbt's profile that parsing needs: it writes the database's name into every node.

    Where the server listens, and for whom, is left out: with it, what was parsed before would be thrown away.
    """
    from warehouse import connection

    return {"TOWNHUB_DBT_DBNAME": connection.database_name()}


def digest(project: Path) -> str:
    """Content hash of all files that decide what dbt would build."""
    total = hashlib.sha256()
    for path in sorted(project.rglob("*")):
        # A hidden file is dbt's own, and no part of the project.
        if path.suffix in (".sql", ".yml", ".yaml", ".csv") and path.is_file() and not path.name.startswith("."):
            total.update(f"{path.relative_to(project)}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def read(document: Mapping[str, Any]) -> Project:
    """A manifest.json as a `Project`."""
    raw = document["nodes"]
    nodes = {
        uid: _node(uid, body) for uid, body in raw.items() if body["resource_type"] in ("model", "seed", "snapshot")
    }
    sources = {uid: (body["schema"], body["identifier"]) for uid, body in document["sources"].items()}
    tests = {}
    for uid, body in raw.items():
        test = _test(uid, body, nodes) if body["resource_type"] == "test" else None
        if test is not None:
            tests[uid] = test
    return Project(nodes, tests, sources, _folders(raw))


def _folders(raw: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for uid, body in raw.items():
        if len(body["fqn"]) > 2 and body["resource_type"] != "unit_test":
            found.setdefault(".".join(body["fqn"][:2]), set()).add(uid)
    return {name: frozenset(uids) for name, uids in found.items()}


def _node(uid: str, body: Mapping[str, Any]) -> Node:
    columns = body.get("columns", {}).values()
    group = _group(body)
    return Node(
        unique_id=uid,
        name=body["name"],
        resource_type=body["resource_type"],
        schema=body["schema"],
        table=body.get("alias") or body["name"],
        materialized=body["config"].get("materialized", ""),
        description=body.get("description", ""),
        step=PRODUCTS if group.startswith(f"{PRODUCTS}_") else group,
        group=group,
        parents=tuple(body.get("depends_on", {}).get("nodes", ())),
        columns=tuple((c["name"], c.get("data_type") or "", c.get("description") or "") for c in columns),
        chain=(body["config"].get("meta") or {}).get("by_changes", {}).get("chain"),
    )


def _group(body: Mapping[str, Any]) -> str:
    """Seeds and staging first, then (after identity resolution) core, then each family's products by itself."""
    folder = body["fqn"][1:-1]
    if body["resource_type"] == "seed" or folder[:1] == [STAGING]:
        return STAGING
    return f"{PRODUCTS}_{folder[1]}" if folder[:1] == [PRODUCTS] and len(folder) > 1 else CORE


def _test(uid: str, body: Mapping[str, Any], nodes: Mapping[str, Node]) -> Test | None:
    """A test runs in the last step that one of its models belongs to; one on sources alone is not ours to run."""
    parents = [nodes[parent] for parent in body["depends_on"]["nodes"] if parent in nodes]
    if not parents:
        return None
    last = max((node.step for node in parents), key=[STAGING, CORE, PRODUCTS].index)
    attached = nodes.get(body.get("attached_node") or "")
    shown = attached if attached in parents and attached.step == last else next(p for p in parents if p.step == last)
    return Test(
        unique_id=uid,
        name=re.sub(r"[^A-Za-z0-9_]", "_", body["name"]),
        node=shown.unique_id,
        step=last,
        severity=str(body["config"].get("severity", "ERROR")).lower(),
        description=body.get("description", ""),
    )


def _fresh(manifest: Path, stamp: Path, wanted: str) -> bool:
    return manifest.exists() and stamp.exists() and stamp.read_text(encoding="ascii") == wanted


def _run(manifest: Path, program: str, how: Sequence[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", program, *how],
        capture_output=True,
        text=True,
        cwd=environment.REPOSITORY,
        env={**os.environ, **environment.QUIET, **parse_environment()},
        check=False,
        timeout=300,
    )
    if done.returncode != 0 or not manifest.exists():
        name = environment.DBT_PROJECT.name
        raise ManifestError(f"dbt cannot read {name}/: {(done.stdout + done.stderr).strip()}")


def arguments(folder: Path) -> list[str]:
    """The options of every dbt command: our project, its output in the hub's home, nothing logged to files.

    dbt's log quotes the database's messages, which may quote rows.
    """
    project = str(environment.DBT_PROJECT)
    return [
        *("--project-dir", project, "--profiles-dir", project, "--target-path", str(folder)),
        *("--log-path", str(environment.log_folder()), "--log-level-file", "none"),
    ]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
