"""The audit chain keeps what was asked, and no value that could be a person's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import environment
from warehouse.statements import digest, kept_of

NUMBER = "110101199003071234"


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT * FROM serving.resident_key WHERE id_no = '{NUMBER}'",
        f"SELECT {NUMBER}, -{NUMBER}, {NUMBER[:6]}.5e3",
        f"SELECT $${NUMBER}$$, $a${NUMBER}$a$",
        f"SELECT E'{NUMBER}\\'', U&'{NUMBER}', N'{NUMBER}', x'{NUMBER}', b'1', 'a' \n '{NUMBER}'",
        f"SELECT 1 -- {NUMBER}\n, 2 /* {NUMBER} /* nested */ */",
        f"SELECT evidence ->> '{NUMBER}', evidence #> '{{{NUMBER}}}' FROM serving.welfare_match",
        f'SELECT 1 AS "{NUMBER}", 2 AS x{NUMBER}, \'{NUMBER}\' "of {NUMBER}"',
        f"DO $$ BEGIN PERFORM '{NUMBER}'; END $$",
        f"EXECUTE p('{NUMBER}')",
        f"SELECT '{NUMBER}",
        f"SELECT 'x' || {NUMBER} WHERE a IN ({', '.join([NUMBER] * 300)})",
        f'SHOW "{NUMBER}"',
        f"SELECT \0 '{NUMBER}'",
        f"SELECT '{NUMBER}\ud800'",
    ],
)
def test_no_literal_is_kept(query: str) -> None:
    kept = str(kept_of(query))
    assert not any(NUMBER[:size] in kept for size in (6, 18)) and "nested" not in kept


def test_the_words_of_a_statement_are_kept() -> None:
    kept = kept_of(
        "select m.outcome, count(*)::int from serving.welfare_match as m -- of 王伟\n"
        f"where resident_key = '{NUMBER}' and amount_due >= 12.5 group by 1 order by \"王伟\" limit 10"
    )
    assert kept["query"] == (
        "select m . outcome , count ( * ) :: int from serving . welfare_match as m"
        " where resident_key = ? and amount_due >= ? group by ? order by ? limit ?"
    )
    assert kept["literal_count"] == 5 and kept["literals"][0] == digest(NUMBER)


def test_whether_a_value_was_asked_for_can_be_told_with_the_key_alone(tmp_path: Path) -> None:
    query = f"SELECT '{NUMBER}'"
    assert digest(NUMBER) in kept_of(query)["literals"] and kept_of(query) == kept_of(query)
    assert kept_of(query)["digest"] != kept_of(query + " ")["digest"]
    with environment(TOWNHUB_HOME=str(tmp_path)):
        elsewhere = digest(NUMBER)
        other = kept_of(query)
    assert elsewhere in other["literals"] and digest(NUMBER) not in other["literals"], "another hub has another key"


def test_of_what_is_no_sql_the_digest_is_kept() -> None:
    assert set(kept_of(f"SELECT '{NUMBER}")) == {"digest"}
