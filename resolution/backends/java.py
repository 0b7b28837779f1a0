"""The Java that Spark runs on: found and judged before Spark is started, whose own message is a stack trace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from resolution.backends import BackendError

LEAST = 17
"""Spark 4 runs on Java 17 and 21."""
REMEDY = (
    f"install Java {LEAST} or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless) or set JAVA_HOME to one; "
    "or leave resolution.backend at duckdb"
)


def require() -> int:
    """The version of the Java that Spark would use. Raises BackendError when there is none, or too old a one."""
    home = os.environ.get("JAVA_HOME", "").strip()
    program = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if program is None:
        raise BackendError(f"Spark needs Java, and there is none on the PATH: {REMEDY}")
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BackendError(f"Spark needs Java, and {program} does not run: {REMEDY}") from error
    # 'openjdk version "17.0.15" …'; up to Java 8 it was "1.8.0_402".
    found = re.search(r'version "(?:1\.)?([0-9]+)', told.stderr + told.stdout)
    if not found:
        raise BackendError(f"Spark needs Java, and {program} does not tell its version: {REMEDY}")
    if int(found[1]) < LEAST:
        raise BackendError(f"Spark needs Java {LEAST}, and {program} is Java {found[1]}: {REMEDY}")
    return int(found[1])
