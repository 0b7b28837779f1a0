"""Errors of the warehouse; every message names its remedy."""

from __future__ import annotations


class WarehouseError(RuntimeError):
    """The warehouse cannot be reached or is not ready."""


class WarehouseUnreachable(WarehouseError):
    """No connection can be had just now: the server is away, starting, or full. It may pass by itself."""


class LedgerError(WarehouseError):
    """The load ledger refuses what it was asked to enter."""


class StreamBusy(LedgerError):
    """Another run loads this stream now."""


class ReleaseError(WarehouseError):
    """Postgres refused to register, publish or roll back."""
