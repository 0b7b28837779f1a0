"""Signed webhooks: upstream systems push to the receiver, intake reads what it stored.

The receiver (`receiver_app`, or `Receiver` as a server in a thread) must run all the time; a pull only reads the inbox.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.inbox import InboxExtraction
from connectors.protocols.base import Pull
from connectors.protocols.webhook_receiver import receiver_app, sign
from connectors.protocols.webhook_server import Receiver
from warehouse import connection

__all__ = ["Receiver", "open_extraction", "receiver_app", "sign"]


@contextmanager
def open_extraction(pull: Pull) -> Iterator[InboxExtraction]:
    """Read the deliveries that the receiver stored since the last pull."""
    with connection.connect("loader", autocommit=True) as conn:
        yield InboxExtraction(pull, conn)
