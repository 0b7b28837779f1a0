"""The embedded server's files: where its data lies, its secret, initdb and its configuration.

    <home>/postgres/secret.json    passwords, mode 0600, ours
    <home>/postgres/server.json    where the cluster is and its port
    <home>/postgres/cluster/data   the PostgreSQL data folder, owned by the user that runs the server

When the server's user cannot reach <home> (root's own home, say) the cluster lies in /var/lib/townhub or a
temporary folder, and server.json says where.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from warehouse.binaries import Binaries, RunUser, ServerError
from warehouse.settings import TIME_ZONE

SUPERUSER = "hub"


@dataclass(frozen=True)
class Places:
    """Paths of one hub's embedded server below its home."""

    folder: Path

    @property
    def secret(self) -> Path:
        return self.folder / "secret.json"

    @property
    def secret_lock(self) -> Path:
        return self.folder / "secret.lock"

    @property
    def state(self) -> Path:
        return self.folder / "server.json"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    def create(self) -> None:
        """Make the missing folders; a home that we make can be passed through, one that exists stays as it is."""
        home = self.folder.parent
        for folder in (home, self.folder):
            if not folder.exists():
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    raise ServerError(
                        f"cannot make {folder}: {error.strerror}; set TOWNHUB_HOME to a writable folder"
                    ) from error
                os.chmod(folder, 0o755 if folder is home else 0o711)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, {} when there is no such file."""
    try:
        loaded = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        raise ServerError(f"{path} belongs to another user; run townhub as that user or set TOWNHUB_HOME") from error
    except ValueError as error:
        raise ServerError(
            f"{path} is damaged; restore it, or remove {path.parent} to begin with an empty hub"
        ) from error
    return dict(loaded)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace a JSON file atomically, readable by us alone."""
    # A name of its own (mkstemp's mode is 0600): two threads of one process may write at once.
    descriptor, fresh = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(value, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Have a lock file to ourselves, among processes and threads; one that is killed leaves no lock behind."""
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def secret(places: Places, name: str) -> str:
    """A password of this hub by name, generated at first use."""
    kept = read_json(places.secret)
    if name not in kept:
        # Two first uses at once would each write a file without the other's password. Not `places.lock`: that is held
        # while the server starts, which asks for a password itself.
        with locked(places.secret_lock):
            kept = read_json(places.secret)
            if name not in kept:
                kept[name] = secrets.token_urlsafe(24)
                write_json(places.secret, kept)
    return str(kept[name])


def run_tool(binaries: Binaries, user: RunUser, tool: str, *arguments: str, cwd: Path) -> tuple[int, str]:
    """Run a PostgreSQL tool as the server's user with a clean environment; return code and output.

    Output goes through a file: a server started by pg_ctl would hold a pipe open for ever.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        done = subprocess.run(
            [binaries.tool(tool), *arguments],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **user.popen_options(),
        )
        output.seek(0)
        return done.returncode, output.read()


def runtime_folder() -> Path:
    """A folder outside of home that every user can pass through, for what root's home would hide."""
    for folder in (Path("/var/lib/townhub"), Path(tempfile.gettempdir()) / f"townhub-{os.geteuid()}"):
        try:
            folder.mkdir(mode=0o711, exist_ok=True)
        except OSError:
            continue
        if folder.stat().st_uid == os.geteuid() and not folder.is_symlink() and os.access(folder, os.W_OK):
            return folder
    raise ServerError("neither /var/lib nor the temporary folder can be written; set TOWNHUB_HOME to a folder that can")


def cluster_folder(places: Places, user: RunUser) -> Path:
    """The cluster's folder as recorded, else chosen and recorded now."""
    state = read_json(places.state)
    if "cluster" in state:
        return Path(state["cluster"])
    if user.can_reach(places.folder):
        folder = places.folder / "cluster"
    else:
        name = hashlib.sha256(str(places.folder).encode()).hexdigest()[:16]
        folder = runtime_folder() / f"hub-{name}"
    write_json(places.state, {**state, "cluster": str(folder)})
    return folder


def ensure_initialised(places: Places, folder: Path, binaries: Binaries, user: RunUser) -> Path:
    """The data folder, made by initdb (once, atomically) when it does not exist yet."""
    data = folder / "data"
    state = read_json(places.state)
    if (data / "PG_VERSION").exists():
        major = int((data / "PG_VERSION").read_text().split(".")[0])
        if major != binaries.major:
            raise ServerError(
                f"the data in {data} is of PostgreSQL {major} but the binaries are {binaries.major}: "
                f"set TOWNHUB_PG_BIN to binaries of {major}, or move {places.folder} away to begin with an empty hub"
            )
        if "password" not in read_json(places.secret):
            raise ServerError(
                f"{places.secret} is missing; restore it, or remove {places.folder} to begin with an empty hub"
            )
        return data
    if state.get("initialised"):
        raise ServerError(
            f"the database in {data} has vanished; restore it from a backup, or remove {places.folder} "
            "to begin with an empty hub"
        )
    folder.mkdir(exist_ok=True)
    user.own(folder, 0o700)
    half_made, password = folder / "data.new", folder / "password"
    shutil.rmtree(half_made, ignore_errors=True)
    write_json(password, {})
    password.write_text(secret(places, "password") + "\n", encoding="utf-8")
    user.own(password, 0o600)
    try:
        _initdb(binaries, user, folder, half_made, password)
    finally:
        password.unlink(missing_ok=True)
    with (half_made / "postgresql.conf").open("a", encoding="utf-8") as stream:
        stream.write("\ninclude_if_exists = 'townhub.conf'\n")
    os.replace(half_made, data)
    write_json(places.state, {**read_json(places.state), "initialised": True})
    return data


def _initdb(binaries: Binaries, user: RunUser, folder: Path, target: Path, password: Path) -> None:
    common = [
        "-D",
        str(target),
        "-U",
        SUPERUSER,
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
    ]
    common += ["--data-checksums", "--no-instructions", "--text-search-config=simple"]
    # The builtin provider sorts alike on every machine and never changes under an index.
    builtin = {17: "C.UTF-8"}.get(binaries.major, "PG_UNICODE_FAST") if binaries.major >= 17 else None
    provider = ["--locale-provider=builtin", f"--builtin-locale={builtin}"] if builtin else []
    output = ""
    for locale in ("C.UTF-8", "C"):  # a system without C.UTF-8 still has C
        shutil.rmtree(target, ignore_errors=True)
        code, output = run_tool(binaries, user, "initdb", *common, *provider, f"--locale={locale}", cwd=folder)
        if code == 0:
            return
    raise ServerError(explain("initdb failed", output, folder))


def explain(what: str, output: str, folder: Path) -> str:
    """One message from a tool's output: what failed, its last lines, the remedy if we know it."""
    if "No space left on device" in output:
        return f"{what}: the disk of {folder} is full; free some space or set TOWNHUB_HOME to another disk"
    tail = " | ".join(line.strip() for line in output.strip().splitlines()[-4:])
    return f"{what} in {folder}: {tail or 'no output'} (its log is in {folder / 'data' / 'log'})"


def write_configuration(data: Path, user: RunUser, port: int) -> None:
    """Write townhub.conf: loopback only, durable, sized for 2 cores and upwards, logs without row contents."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    values = {
        "listen_addresses": "'127.0.0.1'",
        "port": port,
        # No Unix socket: its path may not exceed 107 bytes, and a home may.
        "unix_socket_directories": "''",
        "max_connections": 100,
        "shared_buffers": f"{min(512, max(128, memory // 8 >> 20))}MB",
        "work_mem": "64MB",
        "maintenance_work_mem": f"{min(512, max(64, memory // 16 >> 20))}MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "fsync": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "random_page_cost": 1.1,
        "max_locks_per_transaction": 256,
        "timezone": f"'{TIME_ZONE}'",
        "log_timezone": f"'{TIME_ZONE}'",
        "logging_collector": "on",
        "log_directory": "'log'",
        "log_filename": "'postgresql-%a.log'",
        "log_rotation_age": "1d",
        "log_rotation_size": "64MB",
        "log_truncate_on_rotation": "on",
        # DETAIL lines and failing statements quote rows, and rows are about people.
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length_on_error": 0,
    }
    if _small_shared_memory():
        values["dynamic_shared_memory_type"] = "mmap"  # a container's 64 MB /dev/shm breaks parallel queries
    path = data / "townhub.conf"
    text = "# Written by townhub at every start; your own settings go below the include in postgresql.conf.\n"
    path.write_text(text + "".join(f"{key} = {value}\n" for key, value in values.items()), encoding="utf-8")
    user.own(path, 0o600)


def _small_shared_memory() -> bool:
    try:
        space = os.statvfs("/dev/shm")
    except OSError:
        return False
    return space.f_frsize * space.f_blocks < 1 << 30
