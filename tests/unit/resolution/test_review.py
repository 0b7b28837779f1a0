"""Stewards decide, no run overrides them, and everything that they decide can be explained and taken back."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import psycopg
import pytest

from resolution import decisions, explain, review, review_queue
from resolution.decisions import Record
from resolution.errors import IdentityError
from resolution.runner import resolve
from tests.unit.resolution.staged import MAN, WOMAN, doubt, keys, known, stage
from warehouse import audit, connection

REGISTER = Record("household_registry", "residents", "N1")
PENSION = Record("pension", "pensioners", "P1")
SERVICE = Record("elderly_service", "elders", "E/1")


@pytest.fixture
def town(fresh_database: str) -> Iterator[str]:
    """N1, P1 and W1 bear one number and are one; the woman E/1 is another, N2 bears her number."""
    stage(
        fresh_database,
        {
            "household_registry.residents": [
                {"person_no": "N1", "resident_id": MAN, "name": "张伟", "birth_date": "1985-05-05", "phone": None},
                {"person_no": "N2", "resident_id": WOMAN, "name": "李娜", "birth_date": "1990-03-04"},
            ],
            "pension.pensioners": [{"pension_no": "P1", "resident_id": MAN, "name": "张伟", "phone": "13912345678"}],
            "welfare_payment.payments": [{"payment_no": "W1", "resident_id": MAN, "name": "张伟"}],
            "elderly_service.elders": [{"elder_no": "E/1", "resident_id": WOMAN, "name": "李娜"}],
        },
    )
    resolve("residents")
    yield fresh_database


def settle(review_id: int, outcome: review.Outcome, other: str | None = None, reason: str = "asked") -> int | None:
    with connection.connect("builder") as conn:
        decision = review.decide(conn, review_id, outcome, by="li", reason=reason, other=other)
        conn.commit()
    return decision


def test_a_decision_holds_from_the_next_run_until_it_is_revoked(town: str) -> None:
    before = keys(town)
    assert before["N1"] == before["P1"] == before["W1"] != before["E/1"] == before["N2"]
    decision = settle(doubt(town, *PENSION), "cannot_link", "household_registry/residents/N1")
    assert decision is not None and keys(town) == before, "nothing happens but in a run"
    resolve("residents")
    apart = keys(town)
    assert apart["P1"] not in before.values() and apart["N1"] == apart["W1"] == before["N1"]
    again = resolve("residents")
    assert keys(town) == apart
    with connection.connect("builder") as conn:
        decisions.revoke(conn, decision, by="wang", reason="the family was mistaken")
        conn.commit()
    assert resolve("residents").content_hash != again.content_hash
    assert keys(town) == before, "and the first keys are back"
    settle(doubt(town, *PENSION), "cannot_link", "household_registry/residents/N1")
    resolve("residents")
    assert keys(town) == apart, "decided again, the part has the key again that it was given"


def test_a_must_link_joins_what_no_rule_may_and_its_end_restores_both_keys(town: str) -> None:
    before = keys(town)
    decision = settle(doubt(town, *SERVICE), "must_link", before["N1"])
    assert decision is not None
    resolve("residents")
    assert len(set(keys(town).values())) == 1, "two valid numbers are one, because a steward said so"
    with connection.connect("builder") as conn:
        decisions.revoke(conn, decision, by="wang", reason="two people")
        conn.commit()
    resolve("residents")
    assert keys(town) == before


def test_show_holds_the_record_against_those_of_similar_values(town: str) -> None:
    known(town, (keys(town)["N1"], MAN, "张伟", "1985-05-05", None), (keys(town)["N2"], WOMAN, "李娜", None, None))
    number = doubt(town, *PENSION)
    with connection.connect("builder") as conn:
        found = review.show(conn, number)
    assert found.entity_key == keys(town)["P1"] and found.fields["name"] == "张伟"
    (candidate,) = found.candidates
    assert (candidate.record, candidate.why) == (REGISTER, "where it belongs now")
    assert candidate.fields["birth_date"] == "1985-05-05"
    assert settle(number, "cannot_link") is not None, "one candidate needs no name"


def test_a_number_of_somebody_else_shows_its_bearer(town: str) -> None:
    with psycopg.connect(town) as conn:
        conn.execute("UPDATE staging.stg_elderly_service__elders SET resident_id = %s", [MAN])
    known(town, (keys(town)["N1"], MAN, "张伟", "1985-05-05", None))
    with connection.connect("builder") as conn:
        found = review.show(conn, doubt(town, *SERVICE))
    whys = {each.entity_key: each.why for each in found.candidates}
    assert whys == {keys(town)["N1"]: "identity number", keys(town)["E/1"]: "where it belongs now"}
    with pytest.raises(IdentityError, match="2 candidates: name the one with --with"):
        settle(found.review_id, "must_link")


def test_what_a_decision_must_say(town: str) -> None:
    number = doubt(town, *PENSION)
    for reason in ("", "  "):
        with pytest.raises(IdentityError, match="needs a name and a reason"):
            settle(number, "cannot_link", "household_registry/residents/N1", reason=reason)
        with pytest.raises(IdentityError, match="needs a name and a reason"):
            settle(number, "dismiss", reason=reason)
    with pytest.raises(IdentityError, match="these are the same one"):
        settle(number, "must_link", "pension/pensioners/P1")
    with pytest.raises(IdentityError, match=r"knows no resident record of that key in pension\.pensioners"):
        settle(number, "must_link", "pension/pensioners/P2")
    with pytest.raises(IdentityError, match="named system/stream/record_key"):
        settle(number, "must_link", "pension/P2")
    with pytest.raises(IdentityError, match="RNOBODY holds no other record"):
        settle(number, "must_link", "RNOBODY")
    with pytest.raises(IdentityError, match="no outcome: use must_link, cannot_link, dismiss"):
        settle(number, "perhaps")  # type: ignore[arg-type]
    with pytest.raises(IdentityError, match="no review 4711"):
        settle(4711, "dismiss")
    assert settle(number, "must_link", "household_registry/residents/N1") is not None
    with pytest.raises(IdentityError, match="is settled already"):
        settle(number, "dismiss")
    with pytest.raises(IdentityError, match="says must_link of these two already"):
        settle(doubt(town, *REGISTER), "cannot_link", "pension/pensioners/P1")
    with psycopg.connect(town) as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute("UPDATE resolution.decision SET revoked_at = now()")


@pytest.mark.parametrize(
    "change",
    ["verdict = 'must_link'", "decided_by = 'wang'", "b_record_key = 'W1'", "revoked_at = NULL, revoked_by = NULL"],
)
def test_a_decision_is_revoked_once_and_never_changed(town: str, change: str) -> None:
    decision = settle(doubt(town, *PENSION), "cannot_link", "household_registry/residents/N1")
    assert decision is not None
    with connection.connect("builder") as conn:
        if "revoked" in change:
            decisions.revoke(conn, decision, by="wang", reason="mistaken")
            with pytest.raises(IdentityError, match="no decision"):
                decisions.revoke(conn, decision, by="wang", reason="mistaken")
        with pytest.raises(psycopg.errors.RaiseException, match="cannot be changed"):
            conn.execute(f"UPDATE resolution.decision SET {change}".encode())


def test_queue_dismissal_and_audit(town: str) -> None:
    first, second = doubt(town, *PENSION), doubt(town, *SERVICE)
    with connection.connect("builder") as conn:
        assert [row["review_id"] for row in review.queue(conn)] == [first, second]
        assert review.queue(conn)[1]["record"] == SERVICE and review.queue(conn, kind="enterprise") == []
        assert review.counts(conn) == {"resident": 2}
    assert settle(first, "dismiss") is None
    assert settle(second, "must_link", "household_registry/residents/N2") is not None
    before = keys(town)
    resolve("residents")
    assert keys(town) == before
    with connection.connect("builder") as conn:
        assert review.counts(conn) == {}
        settled = review.queue(conn, decided=True)
    assert [(row["outcome"], row["outcome_reason"], row["decided_by"]) for row in settled] == [
        ("must_link", "asked", "li"),
        ("dismiss", "asked", "li"),
    ]
    with connection.connect() as conn:
        (entry,) = audit.entries(conn, action="identity decision")
    assert entry.actor == "li" and set(entry.detail) == {"decision", "kind", "verdict"}


def doubtful(url: str, phone: str | None = None) -> None:
    """A run finds the pension's record doubtful, after its telephone changed."""
    with psycopg.connect(url) as conn:
        if phone is not None:
            conn.execute("UPDATE staging.stg_pension__pensioners SET phone = %s", [phone])
    records = pl.DataFrame([PENSION], schema=Record._fields, orient="row")
    found = pl.DataFrame([(0, "it may be another's")], schema={"row": pl.Int64, "reason": pl.String}, orient="row")
    with connection.connect("builder") as conn:
        review_queue.write(conn, "resident", 1, records, found)
        conn.commit()


def waiting(kind: str = "resident") -> list[int]:
    with connection.connect("builder") as conn:
        return [row["review_id"] for row in review.queue(conn, kind=kind)]


def test_a_dismissal_stands_while_the_record_says_the_same(town: str) -> None:
    settle(doubt(town, *PENSION), "dismiss")
    doubtful(town)
    assert waiting() == []
    doubtful(town, "13987654321")
    (again,) = waiting()
    doubtful(town)
    assert waiting() == [again]
    settle(again, "dismiss")
    doubtful(town)
    assert waiting() == []
    with connection.connect() as conn:
        assert [each.actor for each in audit.entries(conn, action="identity doubt dismissed")] == ["li", "li"]


def test_a_dismissal_can_be_taken_back(town: str) -> None:
    number = doubt(town, *PENSION)
    settle(number, "dismiss")
    with connection.connect("builder") as conn:
        with pytest.raises(IdentityError, match=f"settled already: `townhub review reopen {number}`"):
            review.decide(conn, number, "dismiss", by="li", reason="asked")
        with pytest.raises(IdentityError, match="needs a name and a reason"):
            review.reopen(conn, number, by="wang", reason="")
        again = review.reopen(conn, number, by="wang", reason="the family called")
        with pytest.raises(IdentityError, match="no dismissal that stands"):
            review.reopen(conn, number, by="wang", reason="the family called")
        conn.commit()
        (settled,) = review.queue(conn, decided=True)
        assert settled["decided_by"] == "li" and settled["revoked_at"] is not None
    assert waiting() == [again]
    decision = settle(again, "cannot_link", "household_registry/residents/N1")
    assert decision is not None
    with connection.connect("builder") as conn:
        decisions.revoke(conn, decision, by="wang", reason="mistaken")
        conn.commit()
    doubtful(town)
    assert len(waiting()) == 1, "the dismissal that was taken back does not stand in the way"


def test_a_doubt_that_a_run_found_again_is_not_asked_twice(town: str) -> None:
    number = doubt(town, *PENSION)
    with psycopg.connect(town) as conn:
        conn.execute("UPDATE resolution.review SET reason = %s", ["it may be another's"])
    settle(number, "dismiss")
    doubtful(town, "13987654321")
    (found,) = waiting()
    with connection.connect("builder") as conn:
        assert review.reopen(conn, number, by="wang", reason="the family called") == found
        conn.commit()
    assert waiting() == [found]


def test_explain_tells_links_history_and_decisions(town: str) -> None:
    before = keys(town)
    settle(doubt(town, *SERVICE), "must_link", before["N1"])
    resolve("residents")
    with connection.connect("builder") as conn:
        merged = next(key for key in set(before.values()) if key != keys(town)["N1"])
        found = explain.explain(conn, merged)
        kept = explain.explain(conn, keys(town)["N1"], _evidence)
    assert (found.kind, found.status, found.resolves_to) == ("resident", "merged", keys(town)["N1"])
    assert {each["record"].record_key for each in found.records} == {"N1", "N2", "P1", "W1", "E/1"}
    assert {each["link_kind"] for each in found.records} >= {"steward"}
    assert [each["type"] for each in found.history] == ["create", "merge"]
    assert [each["verdict"] for each in found.decisions] == ["must_link"]
    assert kept.edges[0]["a"] == SERVICE and kept.edges[0]["weight"] == 7.5 and kept.note == ""


def test_explain_without_a_model_says_so(town: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "evidence_of", lambda kind: None)
    with connection.connect("builder") as conn:
        found = explain.explain(conn, keys(town)["N1"])
        with pytest.raises(IdentityError, match="there is no key RNEVER"):
            explain.explain(conn, "RNEVER")
    assert found.edges == [] and found.note == explain.NO_WEIGHTS


def _evidence(records: pl.DataFrame) -> pl.DataFrame:
    assert records["name"].to_list() == ["李娜", "张伟", "李娜", "张伟", "张伟"]
    assert records.schema["birth_date"] == pl.Date()
    return pl.DataFrame({"a": [0], "b": [2], "field": ["name"], "evidence": ["equal"], "weight": [7.5]})


def test_what_was_set_aside_explains_no_link(fresh_database: str) -> None:
    """Two records of a wife with her husband's number are hers by name and telephone, and not by that number."""
    wife = {"resident_id": MAN, "name": "李娜", "phone": "13957103326"}
    stage(
        fresh_database,
        {
            "household_registry.residents": [
                {"person_no": "N1", "resident_id": MAN, "name": "张伟", "birth_date": "1985-05-05"}
            ],
            "pension.pensioners": [{"pension_no": "P1"} | wife],
            "elderly_service.elders": [{"elder_no": "E1"} | wife],
        },
    )
    resolve("residents")
    assert keys(fresh_database)["P1"] == keys(fresh_database)["E1"] != keys(fresh_database)["N1"]
    with connection.connect("builder") as conn:
        found = explain.explain(conn, keys(fresh_database)["P1"])
    assert {edge["field"] for edge in found.edges} == {"name", "phone"}
    assert all(edge["weight"] is not None for edge in found.edges)
    assert all(each["reason"].endswith(explain.SET_ASIDE) for each in found.records)
