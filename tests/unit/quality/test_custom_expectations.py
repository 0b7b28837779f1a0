"""Our own expectations keep the configuration that GX asks for over and over, and no longer than it is true."""

from __future__ import annotations

from quality.custom_expectations import ExpectQueryToFindNothing, ExpectRowsToMeetCondition


def test_a_configuration_is_made_once() -> None:
    made = ExpectRowsToMeetCondition(condition="a > 1", meta={"check": "a"})
    assert made.configuration is made.configuration
    assert made.configuration.type == "expect_rows_to_meet_condition"
    assert made.configuration.kwargs["condition"] == "a > 1"
    assert made.configuration.meta == {"check": "a"}


def test_another_state_of_the_fields_has_another_configuration() -> None:
    made = ExpectRowsToMeetCondition(condition="a > 1")
    before = made.configuration
    made.judged = 7
    assert made.configuration.kwargs["judged"] == 7
    assert "judged" not in before.kwargs
    assert made.configuration.to_domain_obj().judged == 7


def test_a_copy_has_its_own() -> None:
    made = ExpectQueryToFindNothing(unexpected_rows_query="SELECT 1 FROM {batch}")
    first = made.configuration
    other = made.copy(update={"unexpected_rows_query": "SELECT 2 FROM {batch}"})
    assert other.configuration.kwargs["unexpected_rows_query"] == "SELECT 2 FROM {batch}"
    assert made.configuration is first
