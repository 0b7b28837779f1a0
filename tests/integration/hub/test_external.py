"""The same hub on a PostgreSQL that is not its own (TOWNHUB_DATABASE_URL): same code, same content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.hub.conftest import Stage


@pytest.mark.external
@pytest.mark.timeout(900)  # two whole passes, and perhaps those of `first`
def test_an_external_server_shows_the_same(external_passes: tuple[Stage, Stage], first: Stage) -> None:
    once, again = external_passes
    assert once.report["failures"] == again.report["failures"] == []
    assert (once.code, again.code) == (0, 0)
    assert once.report["verdicts"] == first.report["verdicts"]
    assert all(release["published"] for release in once.report["releases"].values())
    assert once.report["systems"] == first.report["systems"]
    assert once.report["content_hash"] == first.report["content_hash"]

    assert (again.report["totals"]["landed"], again.report["totals"]["tombstoned"]) == (0, 0)
    assert again.report["content_hash"] == once.report["content_hash"]
    assert again.releases == once.releases
