"""Seven hundred malformed inputs: each ends as it declares, in little memory, and nothing gets out of the work folder.

The corpus runs once, in a process of its own, so that the peak of its memory is its own.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.cases import Read, Refused
from tests.corpus.run import corpus, judge, running

REPOSITORY = Path(__file__).resolve().parents[3]
MOST_MIB = 512
CASES = corpus()


def _on_two_cores() -> None:
    """Allocators keep memory for every thread of a pool, and pools grow with the cores of a machine."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


@pytest.fixture(scope="module")
def done() -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.corpus.run"]
    process = subprocess.run(
        command, cwd=REPOSITORY, preexec_fn=_on_two_cores, capture_output=True, text=True, timeout=280, check=False
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return dict(json.loads(process.stdout))


def test_there_are_cases_of_every_way_in() -> None:
    ways = Counter(case.shape for case in CASES)
    assert len(CASES) >= 200
    assert set(ways) == {"csv", "excel", "geojson", "gateway", "catalogue", "soap", "message", "webhook"}
    assert len({case.name for case in CASES}) == len(CASES)
    assert sum(isinstance(case.ends, Refused) for case in CASES) > 100


def test_the_corpus_is_the_same_every_time() -> None:
    for one, other in zip(CASES, corpus(), strict=True):
        if one.shape in ("csv", "gateway", "message") and not one.name.endswith(("_mb", "number", "end")):
            assert one.body() == other.body(), one.name
            assert one.ends == other.ends


def test_every_case_ends_as_declared(done: dict[str, Any]) -> None:
    assert done["wrong"] == {}
    assert done["cases"] == len(CASES)


def test_memory_stays_flat(done: dict[str, Any]) -> None:
    assert done["peak_mib"] <= MOST_MIB, done["raised"]


def test_nothing_leaves_the_work_folder(done: dict[str, Any]) -> None:
    assert done["escaped"] == []


@pytest.mark.parametrize(
    "ends",
    [
        Read(7),
        Read(6, (("R0002", "state:unknown_code"),)),
        Read(6, values={("R0001", "note"): "another"}),
        Refused(ValueError, ""),
    ],
)
def test_an_end_that_was_not_declared_is_seen(tmp_path: Path, ends: Any) -> None:
    """The tests above can fail."""
    sound = next(case for case in CASES if case.name == "csv/unix_lines")
    with running(tmp_path) as runner:
        assert judge(sound, runner) == []
        assert judge(replace(sound, ends=ends), runner) != []
        refused = next(case for case in CASES if case.name == "csv/empty")
        assert judge(replace(refused, ends=Read(0)), runner) != []
        assert judge(replace(refused, ends=Refused(type(refused), "")), runner) != []  # type: ignore[arg-type]


def test_what_leaves_the_work_folder_is_seen() -> None:
    """In a process of its own, because an audit hook stays."""
    program = (
        "import sys, tempfile, socket, contextlib; from pathlib import Path; from tests.corpus import run, cases\n"
        "folder = Path(tempfile.mkdtemp()).resolve()\n"
        "def body():\n"
        "    (folder / 'escaped.txt').write_text('x')\n"
        "    with contextlib.suppress(OSError): socket.create_connection(('127.0.0.1', 1), 0.2)\n"
        "    return b''\n"
        "run.corpus = lambda: [cases.Case('bad', 'csv', body, cases.Read(0))]\n"
        "print(run.run_all(folder)['escaped'])"
    )
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    assert "escaped.txt" in told and "socket.connect" in told


def test_the_page_of_faults_names_tests_and_cases_that_there_are() -> None:
    page = (REPOSITORY / "docs" / "faults.md").read_text(encoding="utf-8")
    names = [case.name for case in CASES]
    files = {path.name: path for path in (REPOSITORY / "tests").rglob("test_*.py")}
    of_file = ""
    asked = 0
    for cited in re.findall(r"`([^`\s]+)`", page):
        place, _, test = cited.rpartition("::")
        if test and "::" in cited:
            of_file = place.rpartition("/")[2] or of_file
            assert f"def {test}(" in files[of_file].read_text(encoding="utf-8"), cited
            asked += 1
        elif cited.endswith(".py") and "test_" in cited:
            of_file = cited.rpartition("/")[2]
            assert of_file in files, cited
        elif re.fullmatch(r"[a-z*-]+/[a-z0-9_*-]+", cited) and cited != "tests/corpus":
            assert fnmatch.filter(names, cited), cited
            asked += 1
    assert asked > 40
