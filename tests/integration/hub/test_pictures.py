"""The pages of a real town in a real browser without a network, and a family that was taken back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from pictures.catalogue import PICTURES
from pictures.drawing import INDEX
from tests.browser import CHROMIUM, FLAGS, WITHOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

    from tests.integration.hub.conftest import Hub, Stage

DRAWN = {
    "grid_map": ".grid path",
    "inspection_coverage": "[data-mark]",
    "welfare_funnel": "[data-mark]",
    "event_closure": "[data-mark]",
    "freshness": ".tile",
    "case_study": "circle",
}
"""page → what its figure is made of."""
OVERFLOWS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def seen(hub: Hub, later_day_anew: Stage) -> Iterator[dict[str, dict[str, Any]]]:
    """Each page as a browser shows it that cannot reach anything but files."""
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    from playwright.sync_api import sync_playwright

    found: dict[str, dict[str, Any]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
            for name in (*PICTURES, INDEX.removesuffix(".html")):
                found[name] = _look(context.new_page(), hub, name)
        finally:
            browser.close()
    yield found


def _look(page: Page, hub: Hub, name: str) -> dict[str, Any]:
    told: list[str] = []
    asked: list[str] = []

    def only_files(route: Route) -> None:
        asked.append(route.request.url)
        if route.request.url.startswith(("file:", "data:")):
            route.continue_()
        else:
            route.abort()

    page.route("**/*", only_files)
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto((hub.home / "pictures" / f"{name}.html").as_uri())
    shapes = page.locator(DRAWN[name]) if name in DRAWN else None
    return {
        "title": page.title(),
        "lang": page.get_attribute("html", "lang"),
        "text": page.inner_text("body"),
        "told": told,
        "asked": [url for url in asked if not url.startswith(("file:", "data:"))],
        "shapes": shapes.count() if shapes else 0,
        "visible": shapes.first.bounding_box() if shapes and shapes.count() else None,
        "overflows": page.evaluate(OVERFLOWS),
        "images": page.evaluate("[...document.images].map(image => image.naturalWidth)"),
        "links": page.eval_on_selector_all("a", "found => found.map(a => a.getAttribute('href'))"),
    }


@pytest.mark.browser
@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_page_is_whole_without_a_network(hub: Hub, seen: dict[str, dict[str, Any]], name: str) -> None:
    page = seen[name]
    assert page["told"] == [] and page["asked"] == []
    assert page["title"] == f"{PICTURES[name].english} {PICTURES[name].chinese} · TownHub" and page["lang"] == "en"
    assert page["shapes"] > 0 and page["visible"]["width"] > 1 and page["visible"]["height"] > 1
    assert not page["overflows"], "a reader has to scroll sideways"
    assert page["links"] == [INDEX]
    for family in PICTURES[name].families:
        assert family in page["text"]
    assert "2026-07-02" in page["text"] and "Old data" not in page["text"]


@pytest.mark.browser
def test_the_map_shows_every_grid_in_the_colour_that_is_published(hub: Hub, seen: dict[str, dict[str, Any]]) -> None:
    counts = dict(hub.rows("SELECT colour, count(*) FROM serving.grid_risk GROUP BY 1"))
    html = (hub.home / "pictures" / "grid_map.html").read_text(encoding="utf-8")
    drawn = re.findall(r'data-colour="(\w+)"', html)
    assert {colour: drawn.count(colour) for colour in set(drawn)} == counts
    assert seen["grid_map"]["shapes"] >= sum(counts.values()) > 100


@pytest.mark.browser
def test_the_index_shows_and_links_all(seen: dict[str, dict[str, Any]]) -> None:
    index = seen["index"]
    assert index["told"] == [] and index["asked"] == []
    assert index["links"] == [f"{name}.html" for name in PICTURES]
    assert len(index["images"]) == len(PICTURES) and min(index["images"]) > 0


def test_what_was_read_stands_in_the_audit_chain(hub: Hub, later_day_anew: Stage) -> None:
    asked = hub.rows(
        "SELECT DISTINCT detail ->> 'role' FROM control.audit WHERE actor = 'townhub pictures' AND action = 'query'"
    )
    assert {role for (role,) in asked} == {f"townhub_app_{picture.app}" for picture in PICTURES.values()}


def test_a_family_that_was_taken_back_shows_its_old_release_and_how_old_it_is(
    hub: Hub, first: Stage, later_day_anew: Stage
) -> None:
    """As when a gate refuses the newer candidate: the last release that stands, and the days that it is behind."""
    old = first.report["releases"]["safety"]["release_id"]
    reason = ("--reason", "to see its pictures")
    assert hub.command("release", "rollback", "safety", str(old), *reason).returncode == 0
    try:
        listed = {row["page"]: row for row in hub.answer("pictures", "--draw")}
        html = (hub.home / "pictures" / "grid_map.html").read_text(encoding="utf-8")
        assert listed["grid_map"]["releases"] == f"safety {old}"
        assert "Old data" in html and "2 days behind 2026-07-02" in html
        assert "Old data" not in (hub.home / "pictures" / "welfare_funnel.html").read_text(encoding="utf-8")
    finally:
        assert hub.command("release", "resume", "safety", *reason).returncode == 0
