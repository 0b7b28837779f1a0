"""Protocols: one module per interface shape. ``open_extraction`` finds the one that a server's contract names."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING

from connectors.errors import Permanent
from connectors.interfaces import PROTOCOLS

if TYPE_CHECKING:
    from connectors.protocols.base import Extraction, Pull


def open_extraction(pull: Pull) -> AbstractContextManager[Extraction]:
    """Open the extraction of ``pull`` with the protocol of its server."""
    module = PROTOCOLS.get(pull.server.protocol)
    if module is None:
        raise Permanent(
            f"server {pull.server.name} speaks the unknown protocol {pull.server.protocol!r}",
            f"Use one of {', '.join(PROTOCOLS)}, or add a module to connectors/protocols",
        )
    extraction: AbstractContextManager[Extraction] = import_module(module).open_extraction(pull)
    return extraction
