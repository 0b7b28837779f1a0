"""Spark's own standalone cluster on loopback: a master and a worker, each a process of the pyspark installation."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

START = 120.0
"""Seconds in which a process of Java's has to be there, on a busy machine."""


@contextmanager
def cluster(folder: Path, *, cores: int = 2) -> Iterator[str]:
    """The master's URL, spark://127.0.0.1:port; both processes are gone afterwards, and write into `folder` alone."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        running.enter_context(_process(folder, "Master", "--host", "127.0.0.1", "--port", str(port),
                                       "--webui-port", "0"))  # fmt: skip
        _wait_for(folder / "Master.log", "New state: ALIVE")
        running.enter_context(_process(folder, "Worker", "--host", "127.0.0.1", "--webui-port", "0", "--cores",
                                       str(cores), "--memory", "1g", "--work-dir", str(folder / "work"),
                                       url))  # fmt: skip
        _wait_for(folder / "Worker.log", "Successfully registered with master")
        yield url


def environment(folder: Path) -> dict[str, str]:
    """What keeps Spark on loopback, and away from a configuration that the machine may have."""
    (folder / "conf").mkdir(exist_ok=True)
    # The start of both is told at INFO, which is what is waited for.
    (folder / "conf" / "log4j2.properties").write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.stderr.ref = stderr\n"
        "appender.stderr.type = Console\nappender.stderr.name = stderr\nappender.stderr.target = SYSTEM_ERR\n"
        "appender.stderr.layout.type = PatternLayout\n"
        "appender.stderr.layout.pattern = %m%n\n"
    )
    return {"SPARK_CONF_DIR": str(folder / "conf"), "SPARK_LOCAL_IP": "127.0.0.1"}


@contextmanager
def _process(folder: Path, name: str, *words: str) -> Iterator[None]:
    import pyspark

    home = Path(pyspark.__file__).parent
    program = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name.lower()}.{name}", *words]
    surroundings = os.environ | environment(folder) | {"SPARK_HOME": str(home)}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(program, stdout=log, stderr=subprocess.STDOUT, env=surroundings, cwd=folder)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(log: Path, words: str) -> None:
    until = time.monotonic() + START
    while words not in (told := log.read_text(errors="replace")):
        if time.monotonic() > until:
            raise TimeoutError(f"{log.name} does not say {words!r}: {told[-2000:]}")
        time.sleep(0.2)
