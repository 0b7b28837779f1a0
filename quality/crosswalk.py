"""Which purposes a stream's records serve as identities: what the crosswalk of serving may show to whom.

The contracts say it. A crosswalk shows a record's key and whom it belongs to, so a purpose must be permitted by the
contract, by every column of the primary key, and by every column that tells who the record is about.
"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from connectors.contract import Contract, Stream

ANY = "any"
IDENTIFYING = ("cn.resident_id", "cn.person_name", "cn.credit_code", "cn.taxpayer_no")


def purposes_of(contract: Contract, stream: Stream) -> frozenset[str]:
    """The purposes for which an app may learn whom a record of the stream belongs to; none of an isolated contract."""
    if contract.isolated or not contract.enabled:
        return frozenset()
    permitted = frozenset(contract.purposes)
    for column in stream.columns:
        own = contract.purposes_of(column)
        if (column.primary_key or column.semantic_type in IDENTIFYING) and ANY not in own:
            permitted &= frozenset(own)
    return permitted


def register(conn: psycopg.Connection, contracts: Iterable[Contract]) -> None:
    """Make resolution.stream_purpose what the contracts say (role owner). The caller commits.

    A stream whose contract is gone or broken is shown to nobody.
    """
    rows = [
        (stream.system, stream.name, purpose)
        for contract in contracts
        for stream in contract.streams.values()
        for purpose in sorted(purposes_of(contract, stream))
    ]
    columns = [[row[place] for row in rows] for place in range(3)]
    told = "SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])"
    conn.execute(f"DELETE FROM resolution.stream_purpose WHERE (system, stream, purpose) NOT IN ({told})", columns)
    conn.execute(f"INSERT INTO resolution.stream_purpose {told} ON CONFLICT DO NOTHING", columns)
