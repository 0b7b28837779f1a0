"""From a picture to its files: PAGE.html, PAGE.svg and PAGE.json in one folder, and the index of them all."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, LiteralString
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pictures import reading
from pictures.content import Content, Figure, Picture
from pictures.marks import Mark
from pictures.reading import Moment, Release
from pictures.suppression import FEW
from warehouse.settings import TIME_ZONE

TEMPLATES = Path(__file__).parent / "templates"
INDEX = "index.html"

Reader = Callable[[str, LiteralString], dict[str, Any]]


@dataclass(frozen=True)
class Drawn:
    """A picture that was drawn: its page, its first figure as an SVG of its own, and what it shows."""

    page: Path
    svg: str
    headline: str
    rows: int
    releases: dict[str, int]


def draw(picture: Picture, folder: Path, moment: Moment, read: Reader = reading.read) -> Drawn:
    """Read, compose, write: each file whole or not at all, the page's former files until then."""
    document = read(picture.app, picture.query)
    releases = reading.releases(document)
    content = picture.compose(document, moment)
    svg = _svg(content.figures[0]) if content.figures else _empty()
    html = page(picture, content, releases, moment)
    shown = {release.family: release.release_id for release in releases}
    noted = {
        "page": picture.name,
        "headline": content.headline,
        "drawn_at": moment.now.astimezone(ZoneInfo(TIME_ZONE)).isoformat(timespec="seconds"),
        "rows": content.rows,
        "releases": shown,
    }
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / f"{picture.name}.svg", svg)
    _write(folder / f"{picture.name}.html", html)
    _write(folder / f"{picture.name}.json", json.dumps(noted, ensure_ascii=False, indent=1))
    return Drawn(folder / f"{picture.name}.html", svg, content.headline, content.rows, shown)


def page(picture: Picture, content: Content, releases: Sequence[Release], moment: Moment) -> str:
    """The page's HTML."""
    return _environment().get_template("page.html").render(
        picture=picture,
        content=content,
        figures=[(figure, Markup(_svg(figure, number))) for number, figure in enumerate(content.figures, 1)],
        releases=[_release(release, moment) for release in releases],
        drawn_at=_clock(moment),
        today=moment.today.isoformat(),
        missing=sorted(set(picture.families) - {release.family for release in releases}),
    )  # fmt: skip


def write_index(pictures: Sequence[Picture], folder: Path) -> Path:
    """The page that links all others, with what each says in a line; one that was never drawn is named as such."""
    cards = [{"picture": picture, "facts": facts(folder, picture.name)} for picture in pictures]
    _write(folder / INDEX, _environment().get_template(INDEX).render(cards=cards))
    return folder / INDEX


def facts(folder: Path, name: str) -> dict[str, Any] | None:
    """What the last drawing of a page noted: headline, drawn_at, rows, releases; None if there is none."""
    try:
        found = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _svg(figure: Figure, number: int = 0) -> str:
    """The figure of this number on its page; 0: alone, without what only a pointing hand can see."""
    return _environment().get_template(figure.template).render(
        words=figure.words, alone=number == 0, id=f"f{number}", **figure.values
    )  # fmt: skip


def _empty() -> str:
    return _environment().get_template("empty.svg").render()


def _release(release: Release, moment: Moment) -> Mapping[str, Any]:
    return {
        "family": release.family,
        "id": release.release_id,
        "as_of": release.as_of.isoformat(),
        "published_at": release.published_at.astimezone(ZoneInfo(TIME_ZONE)).strftime("%Y-%m-%d %H:%M"),
        "age": reading.told(release.age(moment)),
        "behind": release.days_behind(moment),
        "old": release.old(moment),
    }


def _clock(moment: Moment) -> str:
    return moment.now.astimezone(ZoneInfo(TIME_ZONE)).strftime("%Y-%m-%d %H:%M")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.tests["mark"] = lambda cell: isinstance(cell, Mark)
    made.tests["few"] = lambda cell: isinstance(cell, FEW)
    return made


def _write(target: Path, text: str) -> None:
    """Whole or not at all, whoever reads meanwhile."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
