"""`townhub pictures`."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration import output


def attach(app: typer.Typer) -> None:
    app.command("pictures")(pictures)


def pictures(
    draw: Annotated[bool, typer.Option("--draw", help="Draw all of them anew, from what is published now.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """A row per page: what it says, which releases it shows, when it was drawn, and where it is.

    Example: townhub pictures
    """
    from orchestration import picture_assets, picture_service
    from orchestration.failures import for_people
    from pictures.catalogue import PICTURES
    from pictures.drawing import INDEX, facts

    failed = []
    for picture in PICTURES.values() if draw else ():
        try:
            picture_assets.draw(picture)
        except Exception as error:
            failed.append(f"{picture.name} ({for_people(error)})")
    folder, address = picture_assets.folder(), picture_service.url()
    rows = []
    for name, picture in PICTURES.items():
        found = facts(folder, name) or {}
        releases = ", ".join(f"{family} {release}" for family, release in (found.get("releases") or {}).items())
        rows.append(
            {
                "page": name,
                "name": f"{picture.chinese} {picture.english}",
                "says": found.get("headline"),
                "releases": releases or None,
                "drawn": found.get("drawn_at"),
                "path": str(folder / f"{name}.html") if found else None,
            }
        )
    output.emit_rows(rows, as_json=as_json)
    if not as_json:
        print(f"open {folder / INDEX}" + (f" or {address}" if address else ""))
    if failed:
        raise output.CommandError(f"not drawn: {'; '.join(failed)}; their last pages stay")
