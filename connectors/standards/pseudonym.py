"""Keyed pseudonyms: HMAC (GB/T 15852.2) with SM3 (GB/T 32905-2016).

An identity number has few possible values (one district: about 3.7·10⁷), so an unkeyed digest is undone
by trying them all. Use one key per purpose, so that pseudonyms of two purposes cannot be joined.
"""

from __future__ import annotations

import hashlib
import hmac

import polars as pl

from connectors.standards._columns import over_unique

MINIMUM_KEY_BYTES = 16


def sm3(data: bytes) -> bytes:
    """SM3 digest, 32 bytes."""
    if "sm3" in hashlib.algorithms_available:
        return hashlib.new("sm3", data).digest()
    from cryptography.hazmat.primitives import hashes

    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def hmac_sm3(key: bytes, values: pl.Series) -> pl.Series:
    """Pseudonyms of 64 hexadecimal digits; null stays null.

    Raises ValueError if ``key`` is shorter than 16 bytes.
    """
    if len(key) < MINIMUM_KEY_BYTES:
        raise ValueError(
            f"the pseudonym key has {len(key)} bytes: give at least {MINIMUM_KEY_BYTES} random ones, "
            "e.g. from `openssl rand -hex 32`"
        )

    def convert(distinct: pl.Series) -> pl.Series:
        digests = [None if text is None else hmac_sm3_digest(key, text.encode()).hex() for text in distinct.to_list()]
        return pl.Series(digests, dtype=pl.String)

    return over_unique(values, convert)


def hmac_sm3_digest(key: bytes, data: bytes) -> bytes:
    """HMAC-SM3, 32 bytes."""
    if "sm3" in hashlib.algorithms_available:
        return hmac.digest(key, data, "sm3")
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.hmac import HMAC

    mac = HMAC(key, hashes.SM3())
    mac.update(data)
    return mac.finalize()
