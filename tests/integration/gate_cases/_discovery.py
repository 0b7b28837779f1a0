"""Sound findings about premises of other registers, and what breaks each of their checks. A part of `safety`."""

from __future__ import annotations

from tests.integration.gate_cases._canary import CANARY

CANDIDATES = """
DROP TABLE IF EXISTS candidate.uninspected_premises;
CREATE TABLE candidate.uninspected_premises (
    register text, record_key text, premises_key text, name text, category text, place text, grid_code text,
    community_code text, finding text, confidence text, covered_by text, known_to integer, reason text,
    unknown_inputs text[]);
INSERT INTO candidate.uninspected_premises VALUES
    ('fire_supervision.inspections', 'D1', 'K1', 'Shop', NULL, '1 Road', 'G1', 'C1', 'covered', 'high', 'A1', 2,
     'covered: by place code A1', '{}'),
    ('fire_supervision.inspections', 'D2', 'K8', 'Bar', NULL, '2 Road', 'G1', 'C1', 'uncovered', 'high', NULL, 1,
     'uncovered: no place code is known of it', '{}'),
    ('market_registration.enterprises', 'M1', NULL, 'Firm', 'general_enterprise', '3 Road', NULL, NULL, 'uncovered',
     'low', NULL, 1, 'uncovered: no place code is known of it', '{}'),
    ('market_registration.enterprises', 'M2', NULL, NULL, 'street_shop', NULL, 'G1', 'C1', 'uncovered',
     'low', NULL, 1, 'uncovered: no place code is known of it', '{}'),
    ('property_register.rentals', 'R1', 'K9', NULL, 'rental_housing', '4 Road', NULL, NULL, 'unknown', 'none', NULL, 1,
     'unknown: cannot be said without property_register.rentals', '{property_register.rentals}');
ALTER TABLE candidate.uninspected_premises ADD held_inputs text[] DEFAULT '{}';
"""
LAWFUL = {"uninspected_premises": "select document_no from landing.fire_supervision__inspections"}


def _change(change: str, record: str = "D1") -> str:
    return f"UPDATE candidate.uninspected_premises SET {change} WHERE record_key = '{record}'"


BREAKS = {
    "uninspected_premises": {
        "columns": "ALTER TABLE candidate.uninspected_premises ADD landlord text",
        "record_given": _change("record_key = NULL"),
        "record_once": _change("record_key = 'D2'"),
        "register_known": _change("register = 'tax_registry.taxpayers'"),
        "category_known": _change("category = 'mosque'"),
        "finding_known": _change("finding = 'perhaps'"),
        "confidence_known": _change("confidence = 'sure'"),
        "reason_given": _change("reason = ' '"),
        "unknown_has_no_confidence": _change("confidence = 'none'"),
        "nothing_claimed_without_input": _change("unknown_inputs = '{safety_inspection.premises}'", "D2"),
        "covered_by_a_code": _change("covered_by = NULL"),
        "address_is_never_sure": _change("confidence = 'high'", "M1"),
        "known_to_somebody": _change("known_to = 0"),
        "held_never_covered": _change("held_inputs = '{safety_inspection.premises}'"),
        "covering_code_is_open": _change("covered_by = 'A4'"),
        "grid_on_map": _change("grid_code = 'G9'"),
        "homes_without_a_name": _change("name = '王小明'", "R1"),
        "self_employed_without_name_and_place": _change("place = '5 Road'", "M2"),
        "no_identity_number": _change(f"place = 'of {CANARY}'"),
    }
}
