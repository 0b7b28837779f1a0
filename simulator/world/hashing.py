"""Stateless random numbers: a value that depends only on who is asked about and why.

Every planned delay and every piece of dirt is ``uniform(ids, seed, system, column)``, so it can be
recomputed at any time, on any machine and in any order, without a plan having to be stored. The mixer is
splitmix64 (Steele, Lea, Flood 2014) on 64-bit integers, whose result does not depend on library version or
platform.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = values + _GOLDEN
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))


def bits(ids: ArrayLike, *salt: str | int) -> NDArray[np.uint64]:
    """64 random bits for each of ``ids`` (any integers) under ``salt``; the salt's order and types count."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in salt)
    key = np.frombuffer(blake2b(text.encode(), digest_size=8).digest(), dtype="<u8").astype(np.uint64)
    values = np.atleast_1d(np.asarray(ids)).astype(np.int64).view(np.uint64)
    return _mix(_mix(values) ^ key)


def uniform(ids: ArrayLike, *salt: str | int) -> NDArray[np.float64]:
    """Numbers in [0, 1), one for each of ``ids``, the same for the same id and salt for ever."""
    return (bits(ids, *salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def integers(ids: ArrayLike, low: int, high: int, *salt: str | int) -> NDArray[np.int64]:
    """Whole numbers in [low, high), one for each of ``ids``."""
    return (low + np.floor(uniform(ids, *salt) * (high - low))).astype(np.int64)
