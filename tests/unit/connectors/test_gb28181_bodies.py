"""Bodies of a video platform's messages that are no catalogue: refused whole, each with its remedy."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from connectors.contract import Server
from connectors.errors import ContractViolation
from connectors.protocols import sip
from connectors.protocols.base import Pull
from connectors.protocols.gb28181 import CatalogueExtraction
from tests.corpus.cases import CANARY, CANARY_FILE, stream

PLATFORM = "33019900002000000001"


@pytest.fixture
def extraction(monkeypatch: pytest.MonkeyPatch) -> Iterator[CatalogueExtraction]:
    monkeypatch.setattr(sip, "answer", lambda message, status, reason: b"answered")
    server = Server("any", {"protocol": "gb28181", "endpoint": f"sip://{PLATFORM}@127.0.0.1:9", "username": "1" * 20})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection, socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        connection.connect(other.getsockname())
        yield CatalogueExtraction(Pull(stream("video"), server), connection)


def hear(extraction: CatalogueExtraction, items: str, *, head: str = "", total: str = "1") -> None:
    body = (
        f"{head}<Response><CmdType>Catalog</CmdType><SN>{extraction._serial}</SN><SumNum>{total}</SumNum>"
        f"<DeviceList>{items}</DeviceList></Response>"
    )
    message = SimpleNamespace(method="MESSAGE", transaction=("a", "b"), body=body.encode())
    extraction._handle(message)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("items", "head", "total", "says"),
    [
        ("<Item>" + "<a>" * 5_000 + "</a>" * 5_000 + "</Item>", "", "1", "nested too deeply"),
        ("<Item>", "", "1", "cannot be read"),
        ("&x;", f'<!DOCTYPE r [<!ENTITY x SYSTEM "{CANARY_FILE}">]>', "1", "cannot be read"),
        ("&y;", '<!DOCTYPE r [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]>', "1", "cannot be read"),
        ("", "", "many", "no usable SumNum"),
        ("", "", "9" * 400, "no usable SumNum"),
        ("", "", "-1", "no usable SumNum"),
    ],
)
def test_a_body_that_is_no_catalogue_is_refused_with_its_remedy(
    extraction: CatalogueExtraction, items: str, head: str, total: str, says: str
) -> None:
    with pytest.raises(ContractViolation, match=says) as raised:
        hear(extraction, items, head=head, total=total)
    assert "sk the owner" in raised.value.remedy
    assert CANARY not in str(raised.value)


def test_the_same_way_reads_a_sound_one(extraction: CatalogueExtraction) -> None:
    hear(extraction, "<Item><DeviceID>1</DeviceID><Name>a</Name></Item>")
    assert extraction._items == {"1": {"DeviceID": "1", "Name": "a"}}
