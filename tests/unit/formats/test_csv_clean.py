"""A CSV page that says that its texts are clean holds none that conform would have to mend."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Column, Stream
from connectors.formats.csv_file import CsvFile
from connectors.formats.csv_records import split
from connectors.protocols.base import Page

STREAM = Stream(
    "sys", "st", "f_*.csv", "changes", (Column("a", "a", "string", "L1"), Column("b", "b", "string", "L1")),
    source={"format": "csv"},
)  # fmt: skip
BLANKS = [chr(code) for code in range(0x80, 0x3001) if chr(code).isspace()]
LETTERS = st.sampled_from([*BLANKS, " ", "\t", "x", "张", "。", "《", "é", "3", "\U00020087", "\0", ""])
CODECS = ["gb18030", "utf-8"]


def tight(text: str, codec: str) -> bool:
    return split(text.encode(codec), codec=codec).tight


@given(
    st.lists(st.lists(st.lists(LETTERS, max_size=4).map("".join), min_size=2, max_size=3), min_size=1),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(CODECS),
)
def test_no_blank_is_taken_for_tight(rows: list[list[str]], end: str, codec: str) -> None:
    if tight("".join(",".join(row) + end for row in rows), codec):
        assert all(field.strip(" \t" + "".join(BLANKS)) == field for row in rows for field in row)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("blank", [*BLANKS, " ", "\t"])
@pytest.mark.parametrize("form", ["{0}张,a\n", "张{0},a\n", "a,{0}b\n", "a,b{0}\n", "a,b{0}\r\n", "a,{0}\n", "{0},a\n"])
def test_blanks_on_either_side_are_seen(form: str, blank: str, codec: str) -> None:
    assert not tight("x,y\n" + form.format(blank) + "x,y\n", codec)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_most_files_are_tight(end: str, codec: str) -> None:
    assert tight(f"姓名,地址{end}单晓明,杭州市 1 号（北）{end},{end}a,{end}\U00020087,é{end}rest, not yet whole", codec)


def test_quotes_and_other_encodings_are_looked_at_by_conform() -> None:
    assert not tight('"a",b\n', "utf-8")
    assert not tight("a,b\n", "big5")


def test_a_page_with_u_0000_is_not_clean(tmp_path: Path) -> None:
    def page(text: str) -> Page:
        path = tmp_path / "a.csv"
        path.write_bytes(text.encode("gb18030"))
        (found,) = CsvFile(path, STREAM, "gb18030").pages()
        return found

    assert page("a,b\r\n张,2\r\n").clean
    assert not page("a,b\r\n张,2\0\r\n").clean
    assert not page("a,b\r\n张, 2\r\n").clean
