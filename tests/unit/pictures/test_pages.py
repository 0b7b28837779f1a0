"""Every page: self-contained, escaped, honest about what it does not know and about how old it is."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString
from xml.etree import ElementTree

import pytest

from pictures import drawing, marks
from pictures.catalogue import PICTURES
from pictures.drawing import INDEX
from pictures.reading import Moment
from tests.unit.pictures.documents import DOCUMENTS, HOSTILE, MOMENT, grid, release

FOREIGN = re.compile(
    r"""(?:src|href|srcset|action|poster|data)\s*=\s*["']?\s*(?:https?:|//)|url\(\s*["']?(?:https?:|//)|@import"""
    r"|<(?:script|link(?! rel=\"icon\" href=\"data:)|iframe|object|embed|form|base)\b|\son\w+\s*=",
    re.IGNORECASE,
)


def _draw(name: str, document: dict[str, Any], folder: Path, moment: Moment = MOMENT) -> str:
    def read(app: str, query: LiteralString) -> dict[str, Any]:
        assert app == PICTURES[name].app
        return document

    return drawing.draw(PICTURES[name], folder, moment, read).page.read_text(encoding="utf-8")


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_every_page_has_a_document_here() -> None:
    assert set(DOCUMENTS) == set(PICTURES)


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_a_page_needs_nothing_of_elsewhere_and_hostile_words_stay_words(name: str, tmp_path: Path) -> None:
    html = _draw(name, DOCUMENTS[name], tmp_path)
    svg = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
    for text in (html, svg):
        tags = "".join(re.findall(r"<[^>]*>", text))
        assert not FOREIGN.search(tags), FOREIGN.search(tags)
        assert "<script" not in text.lower() and "<img" not in text.lower()
    assert not FOREIGN.search("".join(re.findall(r"<style>.*?</style>", html, re.DOTALL)))
    assert HOSTILE not in html and "&lt;script" in html
    ElementTree.fromstring(svg)
    assert '<html lang="en">' in html and f"<title>{PICTURES[name].english}" in html
    assert "2026-06-30" in html and "Asia/Shanghai" in html


def test_the_search_for_foreign_addresses_finds_them() -> None:
    for planted in (
        '<script>', '<img src="https://a.example/x.png">', "<a href=http://a.example>", "<link rel=stylesheet>",
        '<use href="//a.example/x"/>', '<rect fill="url(https://a.example#x)"/>', '<p onclick="x()">',
        "<style>@import 'x'</style>",
    ):  # fmt: skip
        assert FOREIGN.search(planted), planted
    for own in ('<rect fill="url(#f1-cross)"/>', '<a href="index.html">', '<link rel="icon" href="data:,">'):
        assert not FOREIGN.search(own), own


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_before_the_first_release_a_page_says_that_nothing_is_known(name: str, tmp_path: Path) -> None:
    empty = {key: None for key in DOCUMENTS[name]}
    text = _text(_draw(name, empty, tmp_path))
    assert "No release" in text or "unknown" in text
    assert "what happened since" not in text
    assert (tmp_path / f"{name}.svg").exists()


@pytest.mark.parametrize("name", sorted(PICTURES))
def test_an_old_release_says_how_old_it_is(name: str, tmp_path: Path) -> None:
    later = Moment(MOMENT.now + timedelta(days=3), MOMENT.today + timedelta(days=3))
    text = _text(_draw(name, DOCUMENTS[name], tmp_path, later))
    assert "is 3 days old and 3 days behind 2026-07-03" in text
    assert "Old data" not in _text(_draw(name, DOCUMENTS[name], tmp_path))


def test_a_colour_that_nobody_knows_is_grey_and_never_good(tmp_path: Path) -> None:
    for key in ("grey", "", None, "mauve", "GREEN"):
        assert marks.colour(key).key == "grey"
        assert marks.colour(key).texture == "cross"
    document = {"releases": [release("safety")], "grids": [grid("1", None), grid("2", "mauve"), grid("3", "green")]}
    html = _draw("grid_map", document, tmp_path)
    assert re.findall(r'data-colour="(\w+)"', html) == ["green", "grey", "grey"]
    assert "3 grids: 1 green, 2 grey." in html


def test_a_grid_without_border_stands_in_the_table(tmp_path: Path) -> None:
    html = _draw("grid_map", DOCUMENTS["grid_map"], tmp_path)
    assert html.count('class="grid"') == 3
    assert "1 grid has no border" in html and "grid 4 (4)" in html


def test_an_unheard_of_state_is_unknown(tmp_path: Path) -> None:
    document = json.loads(json.dumps(DOCUMENTS["inspection_coverage"]).replace("later", "splendid"))
    html = _draw("inspection_coverage", document, tmp_path)
    assert 'data-mark="later"' not in html and 'data-mark="unknown"' in html
    document = json.loads(json.dumps(DOCUMENTS["freshness"]).replace('fresh"', 'splendid"'))
    assert "0 of 1 systems are within" in _draw("freshness", document, tmp_path)


def test_few_people_are_neither_told_nor_drawn_to_scale(tmp_path: Path) -> None:
    def claims(unclaimed: int) -> dict[str, Any]:
        found = json.loads(json.dumps(DOCUMENTS["welfare_funnel"]))
        found["claims"][1]["n"] = unclaimed
        return dict(found)

    pages = [_draw("welfare_funnel", claims(number), tmp_path) for number in (1, 4)]
    assert pages[0] == pages[1]
    row = next(part for part in pages[0].split("<tr>")[1:] if "高龄津贴" in part)
    assert re.findall(r">(&lt;5|不示 not shown|[\d,]+)<", row)[:3] == ["不示 not shown", "143", "&lt;5"]
    assert "At least 27 claims" in pages[0]


def test_a_page_that_cannot_be_drawn_leaves_its_former_one(tmp_path: Path) -> None:
    _draw("grid_map", DOCUMENTS["grid_map"], tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(KeyError):
        _draw("grid_map", {"releases": None, "grids": [{"grid_code": "1"}]}, tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_index_links_what_was_drawn_and_names_what_was_not(tmp_path: Path) -> None:
    _draw("grid_map", DOCUMENTS["grid_map"], tmp_path)
    html = drawing.write_index(list(PICTURES.values()), tmp_path).read_text(encoding="utf-8")
    assert re.findall(r'href="(\w+\.html)"', html) == ["grid_map.html"]
    assert html.count("not drawn yet") == len(PICTURES) - 1
    assert not FOREIGN.search("".join(re.findall(r"<[^>]*>", html)))
    assert INDEX in {path.name for path in tmp_path.iterdir()}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
