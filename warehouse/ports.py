"""Free ports on loopback, for what listens at the same port for the life of a home."""

from __future__ import annotations

import random
import socket
from typing import Final

from warehouse.binaries import ServerError

HOST: Final = "127.0.0.1"
LOWEST, HIGHEST = 20000, 31999
"""Below the ephemeral range: an outgoing connection cannot sit on a port of ours when its server starts again."""


def free_port(remedy: str) -> int:
    """A port that nobody listens at now. Raises ServerError with the remedy when none is found."""
    chooser = random.SystemRandom()
    for _ in range(200):
        port = chooser.randint(LOWEST, HIGHEST)
        if is_free(port):
            return port
    raise ServerError(f"no free port between {LOWEST} and {HIGHEST} on {HOST}; {remedy}")


def is_free(port: int) -> bool:
    """Whether a server could listen at the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
