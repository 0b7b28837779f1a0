"""A look-up's answers are read together: whose each row is and what is wrong with it is as if each stood alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Column, Server, Stream
from connectors.errors import ContractViolation, Truncated
from connectors.protocols.base import Page, Pull
from connectors.protocols.gateway import GatewayExtraction
from connectors.protocols.gateway_envelope import SMALL
from connectors.protocols.http import HttpSource

TEXTS = st.sampled_from(["王伟", "", "{", "}{", '"', "a,b", "\\", " x ", "{}", "x" * 30])
RECORDS = st.fixed_dictionaries({"no": TEXTS, "xm": TEXTS | st.none() | st.integers(0, 99)})
ODD = st.one_of(
    st.just(5), st.just({"no": {"a": "b"}, "xm": ""}), st.just({"no": "1", "xm": "", "more": "2"}), st.just({"no": "1"})
)
ANSWERS = st.lists(st.lists(RECORDS, max_size=3) | st.lists(RECORDS | ODD, max_size=3), min_size=1, max_size=5)


class _Answering(HttpSource):
    """A gateway that knows the bodies of its answers beforehand."""

    def __init__(self, bodies: dict[str, bytes]) -> None:
        super().__init__("welfare_payment", "http://127.0.0.1")
        self._bodies = bodies

    def post(self, path: str, parse: Callable[[bytes], Any], **given: Any) -> Any:
        return parse(self._bodies[given["form"]["no"]])


def _body(records: list[Any], **declared: int) -> bytes:
    counts = {"totalDataCount": len(records), "dataCount": len(records), "totalPage": 1} | declared
    # Where the records are the last array of the envelope they can be cut out of it.
    return json.dumps({"code": "00", **counts, "datas": records}, ensure_ascii=False, separators=(",", ":")).encode()


def _pages(bodies: dict[str, bytes]) -> list[Page]:
    with TemporaryDirectory() as folder, _Answering(bodies) as http:
        values = Path(folder) / "values"
        values.write_text("\n".join(bodies))
        stream = Stream(
            "welfare_payment",
            "payments",
            "payments",
            load="snapshot",
            columns=(Column("no", "no", "string", "L3", primary_key=True), Column("name", "xm", "string", "L4")),
            source={"interface": "mz/payments", "lookup": {"parameter": "no", "values": str(values)}},
            server_name="gateway",
        )
        server = Server("gateway", {"protocol": "gateway", "appKey": "k", "appSecret": "s", "signer": "sha1"})
        return list(GatewayExtraction(Pull(stream, server), http).pages())


def _told(bodies: dict[str, bytes]) -> dict[str, tuple[list[dict[str, Any]], int]] | str:
    """What the answers say by value, or why the stream stops."""
    try:
        return _by_value(_pages(bodies))
    except ContractViolation as stops:
        return str(stops)


def _by_value(pages: list[Page]) -> dict[str, tuple[list[dict[str, Any]], int]]:
    """By value its rows, without columns that they have nothing in, and how many of its records were bad."""
    told: dict[str, tuple[list[dict[str, Any]], int]] = {}
    for page in pages:
        frame: pl.DataFrame = page.frame
        for answer in page.answers:
            rows = [{k: v for k, v in row.items() if v is not None} for row in frame.head(answer.rows).to_dicts()]
            told[answer.value] = rows, answer.bad
            frame = frame.slice(answer.rows)
        assert not frame.height, "every row belongs to an answer"
    return told


@given(ANSWERS)
def test_together_they_say_what_each_says_alone(answers: list[list[Any]]) -> None:
    bodies = {f"V{number}": _body(records) for number, records in enumerate(answers)}
    alone = [_told({value: body}) for value, body in bodies.items()]
    stops = [told for told in alone if isinstance(told, str)]
    if stops:
        assert _told(bodies) == stops[0], "a column that one lacks is not made up for by the others"
        return
    together = _pages(bodies)
    assert _by_value(together) == {value: one for told in alone for value, one in told.items()}  # type: ignore[union-attr]
    assert sum(page.bytes_in for page in together) == sum(map(len, bodies.values()))


def test_plain_answers_are_one_page() -> None:
    pages = _pages({f"V{number}": _body([{"no": "1", "xm": "王伟"}] * (number % 3)) for number in range(40)})
    assert [len(page.answers) for page in pages] == [40]


@pytest.mark.parametrize("wrong", [0, 1, 3])
def test_who_has_more_or_fewer_than_it_declares_is_not_made_up_for_by_another(wrong: int) -> None:
    two = [{"no": "1", "xm": "王伟"}] * 2
    other = _body(two, dataCount=4 - wrong, totalDataCount=4 - wrong)
    with pytest.raises(Truncated, match="declares"):
        _pages({"A": _body(two, dataCount=wrong, totalDataCount=wrong), "B": other})


@pytest.mark.parametrize("declared", [{"totalPage": 2}, {}])
def test_more_than_a_page_of_one_value_is_not_dropped(declared: dict[str, int]) -> None:
    with pytest.raises(ContractViolation, match="more than a page"):
        _pages({"A": _body([{"no": "1", "xm": "王伟"}], totalDataCount=1001, **declared)})


def test_a_large_answer_does_not_wait_for_others() -> None:
    long = _body([{"no": "1", "xm": "x" * SMALL}])
    pages = _pages({"A": long, "B": _body([{"no": "2", "xm": "y"}]), "C": long})
    assert sorted(len(page.answers) for page in pages) == [1, 1, 1]


def test_an_answer_that_is_short_after_all_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [{"no": "1", "xm": "a"}, {"no": "1", "xm": "b"}]
    short = _body([{"no": {"no": "1", "xm": "a"}, "xm": "b"}], dataCount=2, totalDataCount=2)
    asked: list[str] = []
    answer = _Answering.post

    def once_short(http: _Answering, path: str, parse: Callable[[bytes], Any], **given: Any) -> Any:
        asked.append(given["form"]["no"])
        return parse(short) if asked == ["A"] else answer(http, path, parse, **given)

    monkeypatch.setattr(_Answering, "post", once_short)
    assert _by_value(_pages({"A": _body(whole)})) == {"A": (whole, 0)}
    assert asked == ["A", "A"]
