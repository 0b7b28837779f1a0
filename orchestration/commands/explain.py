"""`townhub explain`: from a published value down to the rows behind it."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration import output

if TYPE_CHECKING:
    from orchestration.masking import Masks
    from quality.explain import Explanation

ENTITIES = ("resident", "enterprise")
ON = typer.Option(
    "--on", formats=["%Y-%m-%d"], help="What was shown at the end of this day; without, what is shown now."
)


def attach(app: typer.Typer) -> None:
    app.command("explain")(explain)


def explain(
    what: Annotated[str, typer.Argument(help="A product, or premises, grid, welfare, resident, enterprise.")],
    keys: Annotated[
        list[str], typer.Argument(help="Its key: the key columns in their order, or the key of an entity.")
    ],
    on: Annotated[datetime | None, ON] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Also what the rows behind it say, masked by class.")
    ] = False,
    by: Annotated[str, typer.Option(help="Your name for the audit chain; the login's without.")] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Why a product says what it says: release, verdicts, rules, inputs, and the landed rows behind it.

    premises CODE or KEY, grid CODE, welfare RESIDENT_KEY [POLICY], resident KEY (all that names a resident), or any
    product by its own name. Values of class L3 and above are masked; every call is on record in the audit chain.

    Example: townhub explain premises PC000123 --on 2026-06-30
    Example: townhub explain welfare RABCDEFGHIJKLMNOP P08
    """
    from connectors.contract_folder import load_contracts
    from orchestration.masking import Masks
    from quality import explain as explaining
    from warehouse import audit, connection

    contracts = load_contracts()
    masks = Masks(contracts)
    day = on.date() if on else None
    with connection.connect("auditor") as conn:
        named: dict[str, Any] = {"what": what, "on": day.isoformat() if day else None}
        records: list[dict[str, Any]] = []
        try:
            if what in ENTITIES:
                records = _records(conn, masks, what, keys)
                found = explaining.explain_entity(conn, contracts, keys[0], day)
            else:
                found = [explaining.explain(conn, contracts, what, keys, day)]
        except Exception:
            conn.rollback()
            audit.append(conn, by or getpass.getuser(), "explain", named | {"found": False})  # the key may be anything
            conn.commit()
            raise
        audit.append(conn, by or getpass.getuser(), "explain", named | {"found": True, "keys": keys})
        conn.commit()
    documents = [_document(each, masks, values=values or as_json) for each in found]
    if as_json:
        output.emit_json({"records": records, "products": documents} if what in ENTITIES else documents[0])
        return
    if what in ENTITIES:
        output.emit_rows(records, as_json=False, title=f"records of {what} {keys[0]}", empty="no records")
    for document in documents:
        _print(document)
    if not documents:
        print("no published product names it")


def _records(conn: Any, masks: Masks, kind: str, keys: list[str]) -> list[dict[str, Any]]:
    """The records of an entity, as `townhub review explain` has them, without the model's weights."""
    from resolution import ledger
    from resolution.decisions import Record
    from resolution.errors import IdentityError
    from warehouse import published

    if len(keys) != 1:
        raise IdentityError(f"say one key: townhub explain {kind} KEY")
    of, rows = published.links_of(conn, ledger.resolve_key(conn, keys[0]) or keys[0])
    if of != kind:
        raise IdentityError(f"that is the key of {of}: townhub explain {of} KEY")
    return [
        {"record": masks.record(Record(row["system"], row["stream"], row["record_key"])),
         "link_kind": row["link_kind"], "reason": row["reason"]}
        for row in rows
    ]  # fmt: skip


def _document(found: Explanation, masks: Masks, *, values: bool) -> dict[str, Any]:
    from resolution.decisions import Record

    counts: dict[str, int] = {}
    for verdict in found.verdicts:
        counts[verdict["state"]] = counts.get(verdict["state"], 0) + 1
    rows = []
    for each in found.rows:
        behind = [(Record(row.system, row.stream, row.record_key), row) for row in each.sources]
        hidden = {record.record_key for record, _ in behind if not masks.shows_key(record)}
        rows.append({
            "key": each.key,
            "row": {name: masks.told(value, hidden) for name, value in each.row.items()},
            "since_release": each.since_release,
            "rules": each.rules,
            "sources": [
                {"record": masks.record(record), "load": row.from_load, "landed": row.landed_at, "state": row.state,
                 "closed_by": row.to_load, "closed": row.closed_at}
                | ({"values": masks.landed(record, row.values)} if values else {})
                for record, row in behind
            ],
            "more_sources": list(each.cut),
        })  # fmt: skip
    release = found.release
    return {
        "product": found.product.name,
        "purpose": found.product.purpose,
        "owner": found.product.owner,
        "release": {
            "release": release.release_id, "family": release.family, "candidate": release.candidate_id,
            "as_of": release.as_of, "content_hash": release.content_hash, "published": release.published_at,
            "by": release.published_by, "shown_from": release.shown_from, "shown_until": release.shown_until,
            "moved_by": release.moved_by, "move_reason": release.move_reason,
        },
        "verdicts": counts,
        "not_green": [verdict for verdict in found.verdicts if verdict["state"] != "green"],
        "inputs": found.inputs,
        "rows": rows,
        "more_rows": found.more,
    }  # fmt: skip


def _print(document: dict[str, Any]) -> None:
    head = {"product": document["product"], "purpose": document["purpose"], "owner": document["owner"]}
    head |= {name: value for name, value in document["release"].items() if value is not None}
    head["verdicts"] = ", ".join(f"{count} {state}" for state, count in document["verdicts"].items()) or "none"
    output.table(["what", "published"], list(head.items()))
    for row in document["rows"]:
        key = " ".join(str(value) for value in row["key"].values())
        lists = {name: value for name, value in row["row"].items() if _is_table(value)}
        output.table(["column", key], [item for item in row["row"].items() if item[0] not in lists])
        for name, value in lists.items():
            output.emit_rows(value, as_json=False, title=name)
        output.emit_rows(row["rules"], as_json=False, title="rules in force", empty="it names no dated rule")
        output.emit_rows(row["sources"], as_json=False, title="rows behind it", empty="no landed row is behind it")
        for name in row["more_sources"]:
            print(f"more rows of {name} are behind it than are listed")
    if document["more_rows"]:
        print(f"{document['more_rows']:,} more rows of this key: name the rest of it")
    output.emit_rows(document["not_green"], as_json=False, title="not green", empty="every verdict is green")
    output.emit_rows(inputs_shown(document["inputs"]), as_json=False, title="inputs")


def _is_table(value: Any) -> bool:
    """A list of objects of the same fields, as the points of a score."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and each.keys() == value[0].keys() for each in value)
    )


def inputs_shown(inputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The columns of inputs that a terminal has room for."""
    columns = ("owner", "legal_basis", "load_id", "loaded_at", "contract_version", "state_then", "state_now")
    return [
        {"input": f"{each['system']}.{each['stream']}"} | {name: each.get(name) for name in columns} for each in inputs
    ]
