"""Names that a drop directory's server tells: none of them leads out of the work folder."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from asyncssh.constants import FILEXFER_TYPE_REGULAR, FILEXFER_TYPE_SYMLINK

from connectors.protocols.sftp_drop import Drop


class Listing(Drop):
    """A drop directory whose server tells just these names."""

    def __init__(self, *names: str, kind: int = FILEXFER_TYPE_REGULAR) -> None:
        attrs = SimpleNamespace(type=kind, size=1, mtime=1)
        self._told = [SimpleNamespace(filename=name, attrs=attrs) for name in names]

    def _insist(self, work: object) -> object:  # type: ignore[override]
        return self._told


@pytest.mark.parametrize(
    "name",
    ["../x.csv", "..", "/etc/x.csv", "a/../../x.csv", "..\\x.csv", ".x.csv", "x\x00.csv", "x\n.csv", "x" * 300 + ".csv",
     "x.csv.part", "x.csv.tmp", ""],
)  # fmt: skip
def test_a_name_that_is_no_plain_file_name_is_not_fetched(name: str) -> None:
    assert [entry.name for entry in Listing(name, "good.csv").entries("*")] == ["good.csv"]


def test_a_link_is_not_fetched() -> None:
    assert [entry.name for entry in Listing("x.csv").entries("*")] == ["x.csv"]
    assert Listing("x.csv", kind=FILEXFER_TYPE_SYMLINK).entries("*") == []
