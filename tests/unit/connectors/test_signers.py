"""Signatures against values that were worked out by other programs (openssl 3: `dgst -sha1`, `-mac HMAC`)."""

from __future__ import annotations

import pytest

from connectors.interfaces import SIGNERS
from connectors.protocols import signers

KEY, SECRET, MOMENT, NONCE = "town-key", "town-secret-0123", "1780272000000", "00112233445566778899aabbccddeeff"


@pytest.fixture(autouse=True)
def fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signers, "_milliseconds", lambda: MOMENT)
    monkeypatch.setattr(signers.secrets, "token_hex", lambda size: NONCE)


def test_contracts_may_name_every_signer_and_no_other() -> None:
    assert set(SIGNERS) == set(signers._SIGNERS)


def test_sha1() -> None:
    signature = signers.signer_of("sha1", "", KEY, SECRET).sign(None, None)  # type: ignore[arg-type]
    assert signature.form == {
        "appKey": KEY,
        "requestTime": MOMENT,
        "sign": "de465aa566d21c538152a1e7cd34bd839b511a0c",
    }


@pytest.mark.parametrize(
    ("signer", "mac"),
    [
        ("hmac_sha256", "IEDAVFkPLA1DmXo8+zz4tllONpUe6hEEVBvmaTqVg5w="),
        ("hmac_sm3", "RklwziCheCRZagBsuLAtbpxfdB7Fs5duKFXb39FVgHg="),
    ],
)
def test_hmac_headers(signer: str, mac: str) -> None:
    signature = signers.signer_of(signer, "", KEY, SECRET).sign(None, None)  # type: ignore[arg-type]
    assert signature.form == {}
    assert signature.headers() == {
        "X-Client-Id": KEY,
        "X-Timestamp": MOMENT,
        "X-Nonce": NONCE,
        "X-Signature": mac,
    }
