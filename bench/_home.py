"""A home of a measurement's own, with an embedded server, gone afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration import teardown


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
