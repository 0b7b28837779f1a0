"""Names that a drop directory's server tells: none leads out of the work folder, and none is read twice for nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from asyncssh.constants import FILEXFER_TYPE_REGULAR, FILEXFER_TYPE_SYMLINK

from connectors.protocols.sftp import unread
from connectors.protocols.sftp_drop import Drop, Entry


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


@pytest.mark.parametrize(
    ("load", "read", "waits"),
    [
        ("changes", {"a.csv": [1, 10, "x"], "b.csv": [2, 20, "y"]}, False),
        ("changes", {"b.csv": [2, 20, "y"]}, True),
        ("snapshot", {"b.csv": [2, 20, "y"]}, False),
        ("snapshot", {"a.csv": [1, 10, "x"]}, True),
        ("snapshot", {"b.csv": [2, 21, "y"]}, True),
        ("changes", {}, True),
    ],
)
def test_a_file_waits_until_it_was_read_as_it_is(load: str, read: dict[str, list[object]], waits: bool) -> None:
    """Of a snapshot's files only the newest counts."""
    stream = SimpleNamespace(load=load)
    entries = [Entry("a.csv", 1, 10), Entry("b.csv", 2, 20)]
    assert unread(stream, entries, {"files": read} if read else {}) is waits  # type: ignore[arg-type]
