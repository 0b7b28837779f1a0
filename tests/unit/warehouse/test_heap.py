"""Blocks that a run frees are used again, and given back afterwards."""

from __future__ import annotations

import ctypes
import resource

import pytest

from warehouse import heap

BYTES = 16 << 20
"""Larger than what a pull keeps."""
PAGES = BYTES // 4096
TIMES = 20


def faults() -> int:
    """How many pages the system had to hand out for a large block that is made and freed again and again."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(TIMES):
        bytes(b"x" * BYTES)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="there is nothing to set but in glibc")
def test_a_block_that_was_freed_is_used_again_while_any_run_lasts() -> None:
    heap.prepare()
    assert faults() >= TIMES * PAGES
    with heap.kept():
        with heap.kept():
            assert faults() < 2 * PAGES
        assert faults() < 2 * PAGES
    assert faults() >= TIMES * PAGES


def test_a_run_that_fails_gives_back_what_it_held() -> None:
    with pytest.raises(ValueError, match="no"), heap.kept():
        raise ValueError("no")
    assert heap._under_way == 0
