"""Pictures: one asset per page, downstream of the releases that it shows.

A picture is no part of a release: one that fails leaves the release and its own former page as they are. It is drawn
also when its family was refused, because its page must tell how old the last good release has become by then: see
`undrawn`.
"""

# No `from __future__ import annotations` here: Dagster reads the annotation of `context` at run time.
import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration import environment, names, recovery, report
from orchestration.failures import safe_message
from pictures.catalogue import PICTURES
from pictures.content import Picture
from pictures.drawing import Drawn

PAGES = tuple(PICTURES)
GROUP = "pictures"
PREVIEW_BYTES = 60_000
"""A larger figure would weigh on Dagster's event log (a pass leaves some 5 MB there); its page is a click away."""


def folder() -> Path:
    """Where the pages are; it may not be there yet."""
    return environment.home() / "pictures"


def assets(families: list[str]) -> list[dg.AssetsDefinition]:
    """One asset per page, [pictures, page], downstream of the releases that it shows."""
    return [_asset(picture, [f for f in picture.families if f in families]) for picture in PICTURES.values()]


def undrawn(attempted: set[str], *, published: bool) -> list[str]:
    """Pages that a pass has still to draw.

    After a publish step: those that it did not come to, because a family was refused. Else: those that are missing.
    """
    return [
        page
        for page in PAGES
        if page not in attempted and (published or not (folder() / f"{page}.html").exists())
    ]  # fmt: skip


def draw(picture: Picture) -> Drawn:
    """Draw one page and the index. Raises what reading and writing raise; the former page stays then."""
    from pictures import drawing
    from pictures.reading import Moment
    from warehouse.settings import settings

    drawn = drawing.draw(picture, folder(), Moment(datetime.now(UTC), settings().as_of()))
    drawing.write_index(list(PICTURES.values()), folder())
    return drawn


def redrawn_when_released() -> dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]:
    """Each new release asks for its pictures once; one that fails is drawn again by the next hour's schedule."""
    condition = dg.AutomationCondition
    return (
        condition.any_deps_updated().since(condition.newly_requested() | condition.newly_updated())
        & ~condition.in_progress()
    )


def _asset(picture: Picture, families: list[str]) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(names.picture(picture.name)),
        deps=[dg.AssetKey(names.release(family)) for family in families],
        group_name=GROUP,
        owners=[names.team("data office")],
        kinds={"html"},
        description=f"{picture.chinese} {picture.english}: a page for people. {picture.purpose}",
        automation_condition=redrawn_when_released(),
    )
    def page(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster compares the annotation
        recovery.mark(context)
        report.current().drawn.add(picture.name)
        try:
            with report.work("draw", f"draw {picture.name}"):
                drawn = draw(picture)
        except Exception as error:
            message = (
                f"{safe_message(error)}; its last page and all releases stay as they are. When this is mended: "
                f"townhub pictures --draw"
            )
            report.current().failed(f"draw {picture.name}", message)
            raise dg.Failure(description=message, allow_retries=False) from None
        return dg.MaterializeResult(metadata=_metadata(picture, drawn))

    return page


def _metadata(picture: Picture, drawn: Drawn) -> dict[str, Any]:
    from orchestration import picture_service

    found: dict[str, Any] = {
        "says": dg.MetadataValue.text(drawn.headline),
        "path": dg.MetadataValue.path(str(drawn.page)),
        "dagster/row_count": dg.MetadataValue.int(drawn.rows),
        "releases": dg.MetadataValue.json(drawn.releases),
    }
    if (address := picture_service.url()) is not None:
        found["page"] = dg.MetadataValue.url(f"{address}/{drawn.page.name}")
    if len(drawn.svg) <= PREVIEW_BYTES:
        image = base64.b64encode(drawn.svg.encode()).decode()
        found["preview"] = dg.MetadataValue.md(
            f"![{picture.chinese} {picture.english}](data:image/svg+xml;base64,{image})"
        )
    return found
