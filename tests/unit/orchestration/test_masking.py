"""What people see of landed rows and of the records that a product names."""

from __future__ import annotations

from connectors.contract_folder import load_contracts
from orchestration.masking import Masks
from resolution.decisions import Record

MASKS = Masks(load_contracts())
PERSON = Record("household_registry", "residents", "RY0001")


def test_values_are_masked_by_their_class() -> None:
    row = {"person_no": "RY0001", "community_code": "C1", "phone": None, "name_raw": "张 伟", "of_old": "x"}
    assert MASKS.landed(PERSON, row) == {
        "person_no": "••• (6 characters)", "community_code": "C1", "phone": None, "name_raw": "••• (3 characters)",
        "of_old": "••• (1 characters)",
    }  # fmt: skip
    assert MASKS.landed(Record("gone", "x", "1"), {"a": 1}) == {"a": "••• (1 characters)"}


def test_keys_that_evidence_names_are_masked_where_the_record_is_known_or_found() -> None:
    record = {"system": PERSON.system, "stream": PERSON.stream, "record": PERSON.record_key}
    shown = {"system": "safety_inspection", "stream": "hazards", "record": "YH1"}
    evidence = {"records": [record, shown], "payments": ["ZF1", "ZF2"], "rules": ["P08.age"], "count": 2}
    assert MASKS.told(evidence, {"ZF1"}) == {
        "records": [record | {"record": "••• (6 characters)"}, shown], "payments": ["••• (3 characters)", "ZF2"],
        "rules": ["P08.age"], "count": 2,
    }  # fmt: skip
