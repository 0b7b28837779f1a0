"""All pictures, in the order of the index."""

from __future__ import annotations

from pictures.content import Picture
from pictures.pages import case_study, event_closure, freshness, grid_map, inspection_coverage, welfare_funnel

PICTURES: dict[str, Picture] = {
    page.PICTURE.name: page.PICTURE
    for page in (grid_map, inspection_coverage, welfare_funnel, event_closure, freshness, case_study)
}
