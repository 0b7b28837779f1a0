"""The inbox: deliveries that upstream systems push, kept as received until intake takes them.

A delivery is committed here before its sender hears that it arrived; intake reads on from the highest message it
has landed. Writers of one stream hold a shared lock until they commit and a reader waits for them once: so a
message that commits late can never end up below a position that was read past.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import psycopg

from connectors.contract import Stream
from connectors.formats.messages import MessageBatch
from connectors.protocols.base import Page, Pull
from connectors.refusals import reduced_message

Delivery = tuple[str, bytes, dict[str, str]]
"""(delivery_id unique within the stream, payload as received, headers worth keeping)"""

READ_MESSAGES: Final = 256
PAGE_BYTES: Final = 16 << 20

_LOCK = "hashtextextended('inbox:' || %(system)s || '.' || %(stream)s, 0)"


def store(conn: psycopg.Connection, stream: Stream, deliveries: Sequence[Delivery]) -> int:
    """Insert deliveries into the open transaction and give how many were new; the caller commits.

    A delivery id that is already there is left as it is: that is how replays and repeated sendings are known. Of a
    system that sends what may never be taken in, only the fields of the contract are stored.
    """
    if stream.refusals:
        deliveries = [(name, reduced_message(payload, stream), headers) for name, payload, headers in deliveries]
    ids, payloads, headers = zip(*deliveries, strict=True) if deliveries else ((), (), ())
    arguments = {
        "system": stream.system,
        "stream": stream.name,
        "ids": list(ids),
        "payloads": list(payloads),
        "headers": [json.dumps(header, ensure_ascii=False) for header in headers],
    }
    conn.execute(f"select pg_advisory_xact_lock_shared({_LOCK})", arguments)
    return conn.execute(
        """
        insert into inbox.message (system, stream, delivery_id, payload, headers)
        select %(system)s, %(stream)s, sent.delivery_id, sent.payload, sent.headers::jsonb
        from unnest(%(ids)s::text[], %(payloads)s::bytea[], %(headers)s::text[])
             with ordinality as sent (delivery_id, payload, headers, place)
        order by sent.place
        on conflict (system, stream, delivery_id) do nothing
        """,
        arguments,
    ).rowcount


def last_message(conn: psycopg.Connection, system: str, stream: str) -> int:
    """The highest message id, after every delivery that is being stored now has ended (0 when there is none)."""
    with conn.transaction():
        arguments = {"system": system, "stream": stream}
        conn.execute(f"select pg_advisory_xact_lock({_LOCK})", arguments)
        row = conn.execute(
            "select max(message_id) from inbox.message where system = %(system)s and stream = %(stream)s", arguments
        ).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def last_arrival(conn: psycopg.Connection, system: str, stream: str) -> datetime | None:
    """When the newest message came, None when none lies there: an empty look into the inbox is no sign of life."""
    row = conn.execute(
        "select max(received_at) from inbox.message where system = %s and stream = %s", [system, stream]
    ).fetchone()
    return row[0] if row else None


def read(
    conn: psycopg.Connection, system: str, stream: str, after_message_id: int, limit: int, end: int | None = None
) -> list[tuple[int, bytes]]:
    """At most `limit` messages after a position (up to `end`): (message_id, payload), in order of arrival."""
    with conn.transaction():
        return conn.execute(
            "select message_id, payload from inbox.message"
            " where system = %s and stream = %s and message_id > %s and message_id <= coalesce(%s, message_id)"
            " order by message_id limit %s",
            (system, stream, after_message_id, end, limit),
        ).fetchall()


class InboxExtraction:
    """The messages of one stream after `state["message_id"]`; a message holds a JSON object or an array of them."""

    def __init__(self, pull: Pull, conn: psycopg.Connection) -> None:
        self._stream = pull.stream
        self._page_rows = pull.page_rows
        self._conn = conn
        self._position = int(pull.state.get("message_id", 0))
        self._row_no = 0
        self.state: dict[str, Any] = {"message_id": self._position}
        self.complete = False
        self.source_time: datetime | None = None

    def pages(self) -> Iterator[Page]:
        system, name = self._stream.system, self._stream.name
        end = last_message(self._conn, system, name)
        while self._position < end:
            batch = MessageBatch(self._stream, self._row_no)
            while self._position < end and batch.records < self._page_rows and batch.size < PAGE_BYTES:
                found = read(self._conn, system, name, self._position, READ_MESSAGES, end)
                if not found:
                    self._position = end  # deleted meanwhile
                for message_id, payload in found:
                    self._position = message_id
                    batch.add(payload)
            self._row_no += batch.records
            yield batch.page()
        self.state = {"message_id": self._position}
        self.source_time = last_arrival(self._conn, system, name)

    def acknowledge(self) -> None:
        """The sender was answered when its delivery was stored."""
