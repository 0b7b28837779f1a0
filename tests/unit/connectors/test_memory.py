"""What keeps the memory of a pull small: one arena of glibc for all threads, few pages under way."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from connectors.pipeline import ahead

THREADS = """
import ctypes, threading
import connectors
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
together = threading.Barrier(8)
def work():
    together.wait()
    for _ in range(200):
        libc.malloc(2_000)
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_info(0, ctypes.c_void_p(libc.fopen(b"/dev/stdout", b"w")))
libc.fflush(None)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the C library is not glibc")
def test_threads_share_one_arena() -> None:
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count("<heap nr=") == 1


def test_a_stage_has_one_item_ready_and_one_in_the_making() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(9):
            made.append(number)
            yield number

    taken = ahead(items(), "stage")
    assert next(taken) == 0
    time.sleep(0.5)
    assert made == [0, 1, 2]
    assert list(taken) == list(range(1, 9))
