"""dbt's own form of the project, ready before it is needed.

Importing dbt costs about three seconds and parsing one or two more, so both happen once per process and only when
something is built, beside other work; what was parsed is kept for the next process.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import threading
from importlib import metadata
from pathlib import Path
from typing import Any

from orchestration import environment, manifest

_parsed: dict[str, Any] = {}
"""State of the project (see `manifest.state`) → dbt's own manifest object."""
_parsing = threading.Lock()


class BuildError(RuntimeError):
    """dbt could not run at all (as opposed to a model or a test that failed)."""


def make_ready() -> None:
    """Import dbt and parse the project beside other work, so that a build that is sure to come need not wait for it.

    Whatever fails here is told by the build, which tries it again.
    """

    _surround()

    def parse() -> None:
        with contextlib.suppress(Exception):
            parsed()

    threading.Thread(target=parse, name="dbt", daemon=True).start()


def parsed() -> Any:
    """dbt's own manifest object, parsed once per state of the project. Raises BuildError."""
    _surround()
    with _parsing:
        return _parsed_now()


def _surround() -> None:
    """What dbt reads from the environment. Only the first call changes it, so that threads find it as it is."""
    environment.quiet()
    for name, value in manifest.parse_environment().items():
        if os.environ.get(name) != value:
            os.environ[name] = value


def _parsed_now() -> Any:
    key = manifest.state()
    if key not in _parsed:
        found = _kept(key) or _parsed_anew(key)
        _parsed.clear()
        _parsed[key] = found
    return _parsed[key]


def _parsed_anew(key: str) -> Any:
    from dbt.cli.main import dbtRunner

    folder = manifest.target_folder()
    done = dbtRunner().invoke(
        ["--quiet", "--log-level", "none", "parse", "--no-write-json", *manifest.arguments(folder)]
    )
    if not done.success:
        raise BuildError(f"dbt cannot parse the project: {done.exception}")
    path = _kept_file()
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(pickle.dumps((_made_by(key), done.result)))
    partial.replace(path)
    return done.result


def _kept(key: str) -> Any:
    """What an earlier process parsed of these very files; what dbt keeps itself takes ten times as long to read."""
    import dbt.cli.main  # noqa: F401  # or reading would import it in pieces, in an order of its own

    try:
        made_by, found = pickle.loads(_kept_file().read_bytes())
    except Exception:  # whatever lies there: the project is parsed anew
        return None
    return found if made_by == _made_by(key) else None


def _kept_file() -> Path:
    return manifest.target_folder() / "parsed.pickle"


def _made_by(key: str) -> tuple[str, ...]:
    return key, sys.version, *(metadata.version(name) for name in ("dbt-core", "dbt-common", "dbt-postgres"))
