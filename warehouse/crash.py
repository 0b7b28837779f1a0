"""Named points at which a test may kill the process, to show that the next run carries on.

Nothing happens unless `TOWNHUB_CRASH_POINT` is set: `NAME` kills at the first passage of that point, `NAME:3` at
the third, and `*:7` at the seventh passage of any point. The process dies as by `kill -9`: no handler runs.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter

_passages: Counter[str] = Counter()
_lock = threading.Lock()


def point(name: str) -> None:
    """Pass the point `name`; die here if the environment says so."""
    target = os.environ.get("TOWNHUB_CRASH_POINT")
    if not target:
        return
    wanted, _, number = target.partition(":")
    with _lock:
        _passages[name] += 1
        passed = _passages.total() if wanted == "*" else _passages[wanted]
    if wanted in (name, "*") and passed == int(number or 1):
        os.kill(os.getpid(), signal.SIGKILL)
