"""The twelve policies over real landing tables: who is found due what, and what becomes of the sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from tests.warehouse.conftest import DbtTown

COMMUNITY = "330199103001"
PEOPLE = {
    "HEAD": "1960-05-01", "WIFE": "1962-05-01", "MARGIN": "1958-01-01", "TEKUN": "1950-01-01", "LAPSED": "1970-01-01",
    "DISABLED": "1980-01-01", "OLD": "1940-01-01", "RETIRED": "1955-01-01", "ORPHAN": "2015-01-01",
    "CARE": "1948-01-01", "DEAD": "1950-01-01", "LUCKY": "1990-01-01", "GONE": "1975-01-01",
}  # fmt: skip


def number(resident: str) -> str:
    """An identity number with the person's birth date in it, as the registers that state none have it."""
    return f"330199{PEOPLE[resident].replace('-', '')}{list(PEOPLE).index(resident):04d}"


def _register(town: DbtTown, system: str, stream: str, key: str, resident: str, **row: Any) -> None:
    town.land(system, stream, row)
    town.link("resident", resident, (system, stream, key))


def _approve(town: DbtTown, family: str, member: str, resident: str, category: str, amount: int, to: str) -> None:
    _register(
        town, "minimum_living", "members", f"{family}|{member}", resident, family_no=family, member_no=member,
        name="某某", category=category, approved_amount=amount, valid_from="2025-01-01", valid_to=to,
        updated_at="2025-01-01",
    )  # fmt: skip


def _certify(town: DbtTown, resident: str, level: str) -> None:
    paper = f"{number(resident)}4{level}"
    _register(
        town, "disability_certificate", "certificates", paper, resident, certificate_no=paper, name="某某",
        **{"class": "4"}, level=level, issued_on="2020-01-01", valid_to="2030-01-01", state="valid",
    )  # fmt: skip


def _retire(town: DbtTown, resident: str, state: str, changed: str) -> None:
    _register(
        town, "pension", "pensioners", "Q" + resident, resident, pension_no="Q" + resident, name="某某",
        retired_on="2015-01-01", state=state, updated_at=changed,
    )  # fmt: skip


def _pay(town: DbtTown, order_no: str, resident: str, policy: str, period: str, amount: int, **more: Any) -> None:
    order = {"state": "paid", "paid_on": "2026-06-12", **more}
    _register(
        town, "welfare_payment", "payments", order_no, resident, payment_no=order_no, policy_code=policy,
        resident_id=number(resident), name="某某", period=period, amount=amount, updated_at="2026-06-12", **order,
    )  # fmt: skip


@pytest.fixture(scope="module")
def town(dbt_town: DbtTown) -> DbtTown:
    """A dozen people and the two products over them."""
    for name, born in PEOPLE.items():
        _register(
            dbt_town, "household_registry", "residents", "N" + name, name, person_no="N" + name, name="某某",
            birth_date=born, household_no="1", relation="02", state="normal", updated_at="2026-01-01",
        )  # fmt: skip
    _approve(dbt_town, "F1", "01", "HEAD", "dibao", 900, "2026-12-31")
    _approve(dbt_town, "F1", "02", "WIFE", "dibao", 900, "2026-12-31")
    _approve(dbt_town, "F2", "01", "MARGIN", "dibian", 0, "2026-12-31")
    _approve(dbt_town, "F3", "01", "TEKUN", "tekun", 1353, "2026-12-31")
    _approve(dbt_town, "F4", "01", "LAPSED", "dibao", 500, "2026-05-31")
    _approve(dbt_town, "F5", "01", "CARE", "dibao", 500, "2026-12-31")
    dbt_town.land(
        "minimum_living", "members",
        {"family_no": "F6", "member_no": "01", "name": "某某", "category": "dibao", "approved_amount": 500,
         "valid_from": "2025-01-01", "valid_to": "2026-12-31", "updated_at": "2025-01-01"},
        current=False,
    )  # fmt: skip
    dbt_town.link("resident", "GONE", ("minimum_living", "members", "F6|01"))
    for holder, level in (("TEKUN", "1"), ("DISABLED", "3"), ("ORPHAN", "2"), ("CARE", "2")):
        _certify(dbt_town, holder, level)
    _register(
        dbt_town, "elderly_service", "elders", "ECARE", "CARE", elder_no="ECARE", name="某某", level="severe",
        assessed_on="2026-01-01", valid_to="2028-01-01", care="home", state="served",
    )  # fmt: skip
    dbt_town.land(
        "disability_certificate", "surveys",
        {"survey_no": "DC1", "certificate_no": f"{number('DISABLED')}43", "surveyed_on": "2026-01-10", "income": 30000,
         "income_period": "year"},
    )  # fmt: skip
    dbt_town.land(
        "pension", "illnesses",
        {"filing_no": "BA1", "pension_no": "QRETIRED", "illness": "cancer", "diagnosed_on": "2025-11-01",
         "filed_on": "2025-11-20", "updated_at": "2025-11-20"},
    )  # fmt: skip
    for case_no, resident, policy, cost in (("SQ1", "LUCKY", "P04", 8000), ("SQ2", "WIFE", "P05", 800)):
        _register(
            dbt_town, "welfare_payment", "applications", case_no, resident, application_no=case_no, policy_code=policy,
            resident_id=number(resident), name="某某", kind="illness", happened_on="2026-06-10", cost=cost,
            income_per_capita=1000, origin="counter", applied_on="2026-06-11", state="waiting",
            updated_at="2026-06-11",
        )  # fmt: skip
    _retire(dbt_town, "RETIRED", "active", "2020-01-01")
    _retire(dbt_town, "MARGIN", "active", "2020-01-01")
    _retire(dbt_town, "DEAD", "dead", "2026-03-01")
    _register(
        dbt_town, "death_register", "deaths", "S1", "DEAD", notice_no="S1", resident_id=number("DEAD"),
        name="某某", died_on="2026-02-01", kind="cremation", updated_at="2026-03-01",
    )  # fmt: skip
    _register(
        dbt_town, "children_in_need", "children", "E1", "ORPHAN", child_no="E1", name="某某", category="orphan",
        valid_from="2020-01-01", state="served",
    )  # fmt: skip
    _pay(dbt_town, "Z01", "HEAD", "P01", "2026-06", 2700)
    _pay(dbt_town, "Z02", "CARE", "P01", "2026-06", 1500, state="returned")
    _pay(dbt_town, "Z03", "CARE", "P01", "2026-06", 1500, state="pending", paid_on=None)
    _pay(dbt_town, "Z04", "HEAD", "P01", "2026-03", 2700, paid_on="2026-03-12")
    _pay(dbt_town, "Z05", "DEAD", "P10", "2026", 160, paid_on="2026-02-07")
    _pay(dbt_town, "Z06", "RETIRED", "P10", "2026", 160, paid_on="2026-02-07")
    _pay(dbt_town, "Z07", "RETIRED", "P10", "2026", 160, paid_on="2026-02-08")
    _pay(dbt_town, "Z08", "RETIRED", "P11", "2026", 500, paid_on="2026-02-07")
    _pay(dbt_town, "Z09", "LUCKY", "P04", "2026-06", 800)
    _pay(dbt_town, "Z10", "LUCKY", "P12", "2026-03", 3600, paid_on="2026-03-14")
    _pay(dbt_town, "Z11", "TEKUN", "P03", "2026年第二季度", 4059)
    dbt_town.load_everything()
    assert dbt_town.dbt("seed").code == 0
    built = dbt_town.dbt("run", "--select", "+welfare_reconciliation")
    assert built.code == 0, built.output[-3000:]
    return dbt_town


def found(town: DbtTown) -> dict[tuple[str, str], tuple[str, str]]:
    rows = town.rows("SELECT resident_key, policy_code, outcome, finding FROM candidate.welfare_match")
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def line(town: DbtTown, policy: str, *columns: str) -> list[tuple[Any, ...]]:
    names = ", ".join(columns)
    return town.rows(
        f"SELECT {names} FROM candidate.welfare_reconciliation WHERE policy_code = '{policy}' ORDER BY period"
    )


def test_everybody_is_found_due_what_the_rules_say(town: DbtTown) -> None:
    expected = {
        ("HEAD", "P01"): ("eligible", "as_due"),
        ("HEAD", "P05"): ("not_eligible", "not_due"),  # no bill
        ("HEAD", "P09"): ("candidate", "undecided"),  # 66, never assessed
        ("WIFE", "P01"): ("eligible", "as_due"),  # through the family
        ("WIFE", "P05"): ("eligible", "unclaimed"),
        ("WIFE", "P09"): ("candidate", "undecided"),
        ("MARGIN", "P02"): ("eligible", "unclaimed"),
        ("MARGIN", "P05"): ("not_eligible", "not_due"),
        ("MARGIN", "P09"): ("candidate", "undecided"),
        ("MARGIN", "P10"): ("eligible", "unclaimed"),
        ("MARGIN", "P11"): ("eligible", "unclaimed"),
        ("TEKUN", "P03"): ("eligible", "undecided"),  # paid for a period that cannot be read
        ("TEKUN", "P05"): ("not_eligible", "not_due"),
        ("TEKUN", "P06"): ("not_eligible", "not_due"),
        ("TEKUN", "P07"): ("not_eligible", "not_due"),
        ("TEKUN", "P09"): ("not_eligible", "not_due"),
        ("LAPSED", "P01"): ("candidate", "undecided"),
        ("GONE", "P01"): ("candidate", "undecided"),  # the register lists them no more
        ("DISABLED", "P06"): ("not_eligible", "not_due"),  # 2,500 a month by the visit
        ("DISABLED", "P07"): ("not_eligible", "not_due"),
        ("OLD", "P08"): ("eligible", "unclaimed"),
        ("RETIRED", "P10"): ("eligible", "as_due"),
        ("RETIRED", "P11"): ("eligible", "as_due"),  # filed as gravely ill
        ("ORPHAN", "P06"): ("not_eligible", "not_due"),
        ("ORPHAN", "P07"): ("eligible", "unclaimed"),
        ("ORPHAN", "P12"): ("eligible", "unclaimed"),
        ("CARE", "P01"): ("eligible", "as_due"),  # returned, and on its way again
        ("CARE", "P05"): ("not_eligible", "not_due"),
        ("CARE", "P06"): ("eligible", "unclaimed"),
        ("CARE", "P07"): ("eligible", "unclaimed"),  # 250 against a voucher of 100
        ("CARE", "P09"): ("not_eligible", "not_due"),
        ("DEAD", "P10"): ("not_eligible", "receiving_not_found_eligible"),  # died before the cut-off day
        ("LUCKY", "P04"): ("eligible", "as_due"),
        ("LUCKY", "P12"): ("not_eligible", "receiving_not_found_eligible"),
    }
    assert found(town) == expected


def test_sums_of_claims_and_payments_are_held_against_each_other(town: DbtTown) -> None:
    figures = ("period", "state", "due_people", "due_amount", "ordered_orders", "paid_orders", "returned_orders")
    assert line(town, "P01", *figures) == [
        ("2026-03", "not_compared", None, None, 1, 1, 0),
        ("2026-06", "differs", 2, 4200, 3, 1, 1),  # a family of two and one alone
    ]
    assert line(town, "P10", "due_people", "ordered_people", "duplicate_orders", "duplicate_amount", "dead_orders") == [
        (2, 2, 1, 160, 1)
    ]
    assert line(town, "P04", "state", "missing_inputs", "due_people", "due_amount", "ordered_amount") == [
        ("unknown", ["amount of the claims"], 1, None, 800)
    ]
    assert line(town, "P07", "period", "is_current", "due_people", "ordered_orders", "difference_people") == [
        ("2026", True, 2, 0, -2)
    ]
    ((policies,),) = town.rows("SELECT count(DISTINCT policy_code) FROM candidate.welfare_reconciliation")
    assert policies == 12


def test_a_failed_register_turns_its_own_policies_unknown_and_no_other(town: DbtTown) -> None:
    before = found(town)
    town.load("pension", "pensioners", "failed")
    town.rebuild("dim_input")
    after = found(town)
    # A known death decides without the register.
    changed = {key: after[key] for key in before if after[key] != before[key]}
    assert changed == {
        ("MARGIN", "P10"): ("unknown", "undecided"),
        ("MARGIN", "P11"): ("unknown", "undecided"),
        ("RETIRED", "P10"): ("unknown", "undecided"),
        ("RETIRED", "P11"): ("unknown", "undecided"),
    }
    assert line(town, "P10", "state", "due_people", "ordered_orders") == [("unknown", None, 3)]
    assert line(town, "P01", "state") == [("not_compared",), ("differs",)]
    town.load("pension", "pensioners")
    town.load("welfare_payment", "payments", "failed")
    town.rebuild("dim_input")
    assert {finding for _, finding in found(town).values()} == {"undecided"}
    assert {state for (state,) in town.rows("SELECT state FROM candidate.welfare_reconciliation")} == {"unknown"}
    town.load("welfare_payment", "payments")


def test_what_is_somebodys_by_a_lone_name_decides_no_policy(town: DbtTown) -> None:
    """Every record of the registers behind the policies is its resident's by the name alone, OLD's registration too."""
    before = found(town)
    decided = {key for key, (outcome, _) in before.items() if outcome not in ("unknown", "not_eligible")}
    with psycopg.connect(town.url) as conn:
        conn.execute(
            "UPDATE resolution.membership SET link_kind = 'probable' WHERE kind = 'resident'"
            " AND system <> 'death_register' AND (system <> 'household_registry' OR record_key = 'NOLD')"
        )
    built = town.dbt(
        "run", "--select", "dim_resident", "int_resident_number", "dim_elder", "dim_child_in_need", "fct_payment",
        "int_minimum_living_member", "int_welfare_*", "welfare_match",
    )  # fmt: skip
    assert built.code == 0, built.output[-3000:]
    after = found(town)
    assert {policy for _, policy in decided} == {f"P{number:02}" for number in range(1, 13)}
    assert {key: after[key] for key in decided} == dict.fromkeys(decided, ("unknown", "undecided"))
    # A sure death, and a "no" for want of any record, stand.
    refused = {key for key, (outcome, _) in after.items() if outcome == "not_eligible"}
    assert refused == {("DEAD", "P10"), ("LUCKY", "P12")}
    asked = town.rows(
        "SELECT resident_key, policy_code FROM candidate.welfare_match"
        " WHERE outcome = 'unknown' AND 'whose a record is' = ANY (missing_evidence)"
    )
    assert decided <= set(asked)
