"""A home of a measurement's own, with an embedded server and, if wanted, a town; gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration import teardown, town

REPOSITORY = Path(__file__).parents[1]


@contextmanager
def own_home(**settings: str) -> Iterator[Path]:
    """This process's hub lives in a temporary folder; `settings` are environment variables besides."""
    with tempfile.TemporaryDirectory(prefix="townhub-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # the server may run as another user
        os.environ.pop("TOWNHUB_DATABASE_URL", None)
        os.environ.update(settings, TOWNHUB_HOME=folder)
        try:
            yield Path(folder)
        finally:
            teardown.purge()


def townhub(*command: str) -> None:
    """Run a command of the hub in this process's home. Raises RuntimeError when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", *command],
        cwd=REPOSITORY, env=os.environ, stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"townhub {command[0]} ended with code {done.returncode}; its message stands above")


def town_taken_in(home: Path, scale: float, seed: int) -> Path:
    """A demo in this process's home; the folder of its truth."""
    townhub("demo", "--scale", f"{scale:g}", "--seed", str(seed))
    truth = home / "truth"
    town.control("POST", "/truth", {"out": str(truth)})
    return truth
