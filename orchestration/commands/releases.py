"""`townhub release`: what was published, what changed, and back again."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from orchestration import output
from orchestration.commands.explain import ON, inputs_shown

app = typer.Typer(help="The releases that apps see.", no_args_is_help=True)


@app.command("list")
def list_(
    family: Annotated[str, typer.Option(help="Only this product family.")] = "",
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """The newest releases, newest first.

    Example: townhub release list --family safety
    """
    from warehouse import connection, release

    with connection.connect("publisher") as conn:
        rows = [_line(found) for found in release.list_releases(conn, family or None)]
    output.emit_rows(rows, as_json=as_json, empty="nothing was published yet; see `townhub run`")


@app.command()
def show(
    release_id: Annotated[int, typer.Argument(help="Number of the release.")],
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """One release with its verdicts.

    Example: townhub release show 3
    """
    from warehouse import connection, release

    with connection.connect("publisher") as conn:
        found = release.show_release(conn, release_id)
        verdicts = conn.execute(
            "SELECT DISTINCT ON (check_name) check_name, state, rows_checked, created_at FROM control.verdict"
            " WHERE candidate_id = %s ORDER BY check_name, verdict_id DESC",
            [found.candidate_id],
        ).fetchall()
    lines = [dict(zip(("check", "state", "rows", "at"), verdict, strict=True)) for verdict in verdicts]
    if as_json:
        output.emit_json({**asdict(found), "verdicts": lines})
    else:
        output.emit_rows([_line(found)], as_json=False)
        output.emit_rows(lines, as_json=False, title="verdicts", empty="no verdicts")


@app.command()
def explain(
    what: Annotated[str, typer.Argument(help="A product family, or the number of a release.")],
    on: Annotated[datetime | None, ON] = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """What was published on a day, and why: the release, its verdicts, and the inputs and loads that it rests on.

    Days are those on which apps saw a release; the day that a release speaks of is its "as of".

    Example: townhub release explain safety --on 2026-06-30
    """
    from connectors.contract_folder import load_contracts
    from quality.families import FAMILIES
    from warehouse import connection, published

    day = on.date() if on else None
    if what not in FAMILIES and not what.isdecimal():
        raise output.CommandError(f"name a release by its number, or a family: {', '.join(FAMILIES)}")
    if what.isdecimal() and day is not None:
        raise output.CommandError("--on goes with a family: a release is one already")
    contracts = load_contracts()
    with connection.connect("auditor") as conn:
        found = published.shown_as(conn, int(what)) if what.isdecimal() else published.shown(conn, what, day)
        moves = published.moves_of(conn, found.family, day) if day else []
        verdicts = published.verdicts(conn, found.candidate_id)
        family = FAMILIES.get(found.family)  # none: a family of old
        inputs = published.inputs(conn, found.candidate_id, family.inputs if family else ())
    for each in inputs:
        contract = contracts.get(each["system"])
        each["owner"] = contract.owner if contract else None
        each["legal_basis"] = contract.legal_basis if contract else None
    if as_json:
        output.emit_json({**asdict(found), "seen_that_day": moves, "verdicts": verdicts, "inputs": inputs})
        return
    told = {name: value for name, value in asdict(found).items() if value is not None}
    output.table(["release", str(found.release_id)], list(told.items()))
    if found.purged_at is not None:
        print(f"its rows were deleted by their retention; audit entry {found.purge_certificate} is the certificate")
    elif found.erased_rows:
        print(f"{found.erased_rows} rows of it were deleted since, of residents of whom nothing is held any more")
    if len(moves) > 1:
        output.emit_rows(moves, as_json=False, title=f"what apps saw on {day}")
    shown = [{name: verdict[name] for name in ("check", "state", "rows", "at")} for verdict in verdicts]
    output.emit_rows(shown, as_json=False, title="why: verdicts", empty="no verdicts")
    output.emit_rows(inputs_shown(inputs), as_json=False, title="what it rests on")


@app.command()
def diff(
    before: Annotated[int, typer.Argument(help="The earlier release.")],
    after: Annotated[int, typer.Argument(help="The later release of the same family.")],
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Which keys two releases of a family differ in.

    Example: townhub release diff 3 5
    """
    from warehouse import connection, release

    with connection.connect("publisher") as conn:
        found = release.diff_releases(conn, before, after)
    rows: list[dict[str, Any]] = [
        {"product": item.product, "change": change, "key": key}
        for item in found
        for change in ("added", "removed", "changed")
        for key in getattr(item, change)
    ]
    output.emit_rows(rows, as_json=as_json, empty="no difference")


@app.command()
def rollback(
    family: Annotated[str, typer.Argument(help="Product family, e.g. safety.")],
    release_id: Annotated[int, typer.Argument(help="The release to show again.")],
    reason: Annotated[str, typer.Option(help="Why; it is written into the audit chain.")],
    by: Annotated[str, typer.Option(help="Your name; the login's without.")] = "",
) -> None:
    """Show an earlier release of a family again, and hold the family there until `townhub release resume`.

    Example: townhub release rollback safety 3 --reason "scores of 5 were computed with old weights"
    """
    from warehouse import connection, release

    with connection.connect("publisher") as conn:
        release.rollback(conn, family, release_id, by or getpass.getuser(), reason)
    print(f"{family} shows release {release_id} again and is held there (townhub release resume {family} lifts it)")


@app.command()
def resume(
    family: Annotated[str, typer.Argument(help="Product family, e.g. safety.")],
    reason: Annotated[str, typer.Option(help="Why; it is written into the audit chain.")],
    by: Annotated[str, typer.Option(help="Your name; the login's without.")] = "",
) -> None:
    """Lift the hold of a rollback: the next good candidate is published again.

    Example: townhub release resume safety --reason "weights are mended"
    """
    from warehouse import connection, release

    with connection.connect("publisher") as conn:
        release.resume(conn, family, by or getpass.getuser(), reason)
    print(f"{family} publishes again with the next `townhub run`")


def _line(found: Any) -> dict[str, Any]:
    return {
        "release": found.release_id,
        "family": found.family,
        "current": found.current,
        "as_of": found.as_of,
        "published": found.published_at,
        "by": found.published_by,
        "candidate": found.candidate_id,
        "content_hash": found.content_hash,
        "row_changes": found.row_changes,
        "purged": found.purged_at,
    }
