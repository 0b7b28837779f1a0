"""The webhook receiver beside a run: upstream systems that push need somebody who listens."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration import environment

HOST = "127.0.0.1"


def url() -> str:
    """The receiver's base URL, the same for the life of this home."""
    return f"http://{HOST}:{port()}"


def port() -> int:
    """The home's receiver port, chosen once."""
    path = environment.home() / "receiver.json"
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["port"])
    except (OSError, ValueError, KeyError):
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            chosen = int(probe.getsockname()[1])
        path.write_text(json.dumps({"port": chosen}), encoding="utf-8")
        return chosen


@contextmanager
def listening() -> Iterator[bool]:
    """Receive deliveries for a while; False when another process of this hub (`townhub up`) does so already."""
    if _answers():
        yield False
        return
    from connectors.protocols.webhook import Receiver

    receiver = Receiver(port())
    receiver.start()
    try:
        yield True
    finally:
        receiver.stop()


def _answers() -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port())) == 0
