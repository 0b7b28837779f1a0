"""dbt's own form of the project: parsed once per state of it, and kept for the next process.

As a program it keeps that, and writes manifest.json for who reads the project without dbt (see `manifest`).
"""

from __future__ import annotations

import os
import pickle
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from orchestration import environment, manifest
from orchestration.dbt_process import BuildError

_parsed: dict[str, Any] = {}
"""State of the project (see `manifest.state`) → dbt's own manifest object."""


def parsed() -> Any:
    """dbt's own manifest object, parsed once per state of the project. Raises BuildError."""
    key = _ready()
    if key not in _parsed:
        found = _kept(key) or _parsed_anew(key)
        _parsed.clear()
        _parsed[key] = found
    return _parsed[key]


def _ready() -> str:
    """The state of the project's files, after dbt's environment is set."""
    environment.quiet()
    os.environ |= manifest.parse_environment()
    return manifest.state()


def _parsed_anew(key: str) -> Any:
    from dbt.cli.main import dbtRunner

    folder = manifest.target_folder()
    done = dbtRunner().invoke(
        ["--quiet", "--log-level", "none", "parse", "--no-write-json", *manifest.arguments(folder)]
    )
    if not done.success:
        raise BuildError(f"the project cannot be parsed: {done.exception}")
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


def _main() -> None:
    try:
        # Not what is kept: only a parse sets what dbt needs to write one.
        _parsed_anew(_ready()).writable_manifest().write(str(manifest.target_folder() / "manifest.json"))
    except BuildError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main()
