"""A warehouse that is away for a moment: told from what needs a person, and waited for.

A PostgreSQL that is restarted refuses connections for some seconds. A load whose connection broke meanwhile is not
given up before the warehouse has answered what became of it.
"""

from __future__ import annotations

import time
from typing import Final

import psycopg

from connectors.contract import Stream
from connectors.errors import IntakeError, Permanent, Retriable
from connectors.pace import Pace
from warehouse import connection
from warehouse.errors import WarehouseUnreachable

TROUBLE: Final = (psycopg.Error, WarehouseUnreachable)
"""What the warehouse does to a load. Other errors of it (`LedgerError`) are verdicts: trying again changes nothing."""

PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each further try to connect: a restart with recovery of its log mostly takes less than all of them."""

RETRY: Final = "It is tried again; see townhub status when it persists"


def reconnect(pace: Pace) -> psycopg.Connection:
    """A connection of the loader in autocommit, waited for while the warehouse starts again.

    Raises WarehouseUnreachable when it is still away after `PAUSES`.
    """
    for pause in PAUSES:
        try:
            return connection.connect("loader", autocommit=True)
        except WarehouseUnreachable:
            # Another pull may have our place meanwhile.
            with pace.waiting():
                time.sleep(pause)
    return connection.connect("loader", autocommit=True)


def passes(error: psycopg.Error | WarehouseUnreachable) -> bool:
    """Whether the same load may succeed when it is tried again."""
    return isinstance(error, (psycopg.OperationalError, WarehouseUnreachable))


def reason_of(error: psycopg.Error | WarehouseUnreachable) -> str:
    """What was wrong, without the driver's own words: they may quote a value."""
    if not isinstance(error, psycopg.Error):
        return "it cannot be reached"
    place = ".".join(part for part in (error.diag.table_name, error.diag.column_name) if part)
    return f"SQLSTATE {error.sqlstate or 'unknown'}{' at ' + place if place else ''}"


def as_intake_error(stream: Stream, error: psycopg.Error | WarehouseUnreachable) -> IntakeError:
    """The error to be raised instead; what was committed by then is recognised as unchanged."""
    name, reason = f"{stream.system}.{stream.name}", reason_of(error)
    if passes(error):
        return Retriable(f"{name}: the connection to the warehouse was lost ({reason})", RETRY)
    return Permanent(f"{name}: the warehouse refused the load ({reason})", "See the PostgreSQL log; nothing was landed")
