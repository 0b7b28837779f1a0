"""The webhook receiver beside a run: upstream systems that push need somebody who listens."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration import environment
from warehouse.cluster import locked, write_json
from warehouse.ports import HOST, free_port, is_free

ANSWER_SECONDS = 10.0
"""Our own receiver answers at once, or late on a busy machine; only a stranger who says nothing takes so long."""


@dataclass(frozen=True)
class _Address:
    port: int
    identity: str
    """What the receiver of this home says of itself, and no other program does."""


def url() -> str:
    """The receiver's base URL, the same for the life of this home."""
    return f"http://{HOST}:{port()}"


def port() -> int:
    """The home's receiver port, chosen once."""
    return _address().port


@contextmanager
def listening() -> Iterator[bool]:
    """Receive deliveries for a while; False when another process of this hub (`townhub up`) does so already.

    Raises Permanent when another program sits on the port: what is delivered to it would never reach us.
    """
    address = _address()
    if _answers(address):
        yield False
        return
    from connectors.errors import Permanent
    from connectors.protocols.webhook import Receiver

    if not is_free(address.port):
        raise Permanent(
            f"port {address.port} of the webhook receiver is taken by another program",
            f"End that program; or remove {_file()} and tell the systems that push the new address",
        )
    receiver = Receiver(address.port, identity=address.identity)
    receiver.start()
    try:
        yield True
    finally:
        receiver.stop()


def _file() -> Path:
    return environment.home() / "receiver.json"


def _address() -> _Address:
    known = _known()
    if known is None:
        with locked(environment.home() / "receiver.lock"):
            known = _known() or _choose()
    return known


def _known() -> _Address | None:
    kept = _kept()
    try:
        return _Address(int(kept["port"]), str(kept["identity"]))
    except (ValueError, KeyError, TypeError):
        return None


def _kept() -> dict[str, Any]:
    try:
        found = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _choose() -> _Address:
    """An address for this home, kept; homes from before there was an identity keep the port that they told others."""
    told = _kept().get("port")
    chosen = told if isinstance(told, int) else free_port("end a program that listens there")
    made = _Address(chosen, secrets.token_urlsafe(16))
    write_json(_file(), {"port": made.port, "identity": made.identity})
    return made


def _answers(address: _Address) -> bool:
    """Whether our receiver listens at the port; any program may, and another home's receiver is a stranger too."""
    connection = http.client.HTTPConnection(HOST, address.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/receiver")
        said = json.loads(connection.getresponse().read(1000))
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return bool(said == {"receiver": address.identity})
