"""What a process costs: seconds on the clock, processor seconds, the most memory that it and its children held."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._peaks import peak_kib
from bench._results import REPOSITORY

POLL_SECONDS = 0.02


@dataclass
class Spent:
    """One process from start to end. `peak_mib` adds up the peaks of processes that ran side by side."""

    seconds: float
    cpu: float
    peak_mib: float
    said: dict[str, Any]


def spend(command: list[str], environment: dict[str, str]) -> Spent:
    """Run the command; its last line of output is JSON. Raises RuntimeError with its words when it fails."""
    with tempfile.TemporaryFile() as answer, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, env=os.environ | environment, cwd=REPOSITORY, stdout=answer, stderr=errors
        )  # fmt: skip
        watch = _Watch(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
        answer.seek(0)
        errors.seek(0)
        lines = answer.read().decode(errors="replace").strip().splitlines()
        if process.returncode or not lines:
            told = errors.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{Path(command[0]).name} {' '.join(command[1:3])} failed: {told}")
        return Spent(seconds, usage.ru_utime + usage.ru_stime, watch.peak_kib / 1024, json.loads(lines[-1]))


class _Watch:
    """Looks at the high-water marks of a process and its children."""

    def __init__(self, pid: int) -> None:
        self.peak_kib = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self.peak_kib = max(self.peak_kib, _tree_kib(self._pid))


def _tree_kib(pid: int) -> int:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # ended, or no Linux
        return 0
    return peak_kib(pid) + sum(_tree_kib(int(child)) for child in children)
