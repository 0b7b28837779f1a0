"""What is past its retention: records of sources by their contracts, releases by their family, residents by both."""

from __future__ import annotations


def delete_expired() -> dict[str, int]:
    """Delete it, each with its certificate in the audit chain; rows by `system.stream` and `released.family`.

    `released.residents` are released rows of residents none of whose records is held any more. Commits piece by piece.
    """
    from connectors import forgetting, retention
    from connectors.contract_folder import load_contracts
    from quality.families import history_days
    from warehouse import connection, release
    from warehouse.settings import settings

    today = settings().as_of()
    with connection.connect("loader") as conn:
        deleted = {
            f"{system}.{stream}": rows
            for (system, stream), rows in retention.purge(conn, load_contracts(), today).items()
        }
        for family in release.families(conn):
            with conn.transaction():
                deleted[f"released.{family}"] = release.purge_history(conn, family, today, history_days(family))
        with conn.transaction():
            deleted["released.residents"] = forgetting.erase_departed(conn)
    return {what: rows for what, rows in deleted.items() if rows}
