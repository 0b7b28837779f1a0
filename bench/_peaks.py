"""Peaks of memory as Linux keeps them: `ru_maxrss` would also count what the parent held at the fork."""

from __future__ import annotations

from pathlib import Path


def peak_kib(process: int | str = "self") -> int:
    """Most memory that a process held so far (VmHWM); 0 when it has ended, or where there is no /proc."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    marks = [line for line in text.splitlines() if line.startswith("VmHWM:")]
    return int(marks[0].split()[1]) if marks else 0
