"""Why a value or a record was not taken as it came: the closed list of reason codes.

A quarantined row carries `column:reason` for each thing wrong with it. The texts are shown to data engineers
beside the remedy; they never hold the value itself.
"""

from __future__ import annotations

REASONS: dict[str, tuple[str, str]] = {
    # code: (what it means, what to do)
    "missing_required": ("a required value is missing", "ask the owner to fill it, or make the column optional"),
    "not_a_number": ("the value is no number", "ask the owner, or change the column's type in the contract"),
    "not_a_date": ("the value is no date or time", "ask the owner, or state the format in the contract"),
    "impossible_date": ("the date does not exist or cannot be true", "ask the owner to correct the date"),
    "not_a_boolean": ("the value is neither true nor false", "ask the owner, or map it with codes"),
    "not_an_amount": ("the value is no sum of money in whole fen", "ask the owner, or check the unit"),
    "out_of_range": ("the value is outside the contract's minimum and maximum", "ask the owner"),
    "unknown_code": ("the code is not in the contract's list", "add the code to the contract, then replay"),
    "invalid_resident_id": ("the identity number fails GB 11643", "ask the owner to correct the number"),
    "invalid_credit_code": ("the credit code fails GB 32100", "ask the owner to correct the code"),
    "invalid_taxpayer_no": ("the number is neither a credit code nor a legacy tax number", "ask the owner"),
    "invalid_phone": ("the value is no telephone number", "ask the owner"),
    "invalid_name": ("the value cannot be a name", "ask the owner"),
    "invalid_certificate_no": ("the certificate number does not hold a valid identity number", "ask the owner"),
    "invalid_account_no": ("the value is no bank account number", "ask the owner for the number as text"),
    "invalid_property_unit": ("the code fails GB/T 37346-2019", "ask the owner to correct the code"),
    "invalid_device_id": ("the device number fails GB/T 28181", "ask the owner"),
    "invalid_warning_id": ("the identifier of a warning has not its 31 characters", "ask the owner"),
    "invalid_polygon": ("the geometry is no valid polygon", "ask the owner for a closed, simple polygon"),
    "lost_precision": ("a long number went through a floating-point cell and lost digits", "export it as text"),
    "zero_coordinates": ("the point is 0,0: no position", "ask the owner to locate it"),
    "swapped_coordinates": ("longitude and latitude were exchanged", "corrected here; tell the owner"),
    "outside_region": ("the point lies outside the region under the declared CRS", "check the CRS with the owner"),
    "half_coordinates": ("only one of longitude and latitude is given", "ask the owner"),
    "future_cursor": ("the time of change lies in the future", "ask the owner to correct the clock"),
    "undecodable_text": ("bytes that are not in the declared encoding, or text lost before it came", "ask for UTF-8"),
    "nul_character": ("the value holds U+0000", "ask the owner to export clean text"),
    "oversized_field": ("the value is larger than a field may be", "ask the owner what it is"),
    "nested_value": ("an object or a list where the contract describes one value; of a system that refuses fields only "
                     "its length is kept", "ask the owner for a plain value, or describe its fields in the contract"),
    "separator_in_key": ("a part of a key of several columns holds |, which joins them: two records could become one",
                         "ask the owner to number the record without |"),
    "ragged_line": ("the line has more or fewer fields than the header", "ask the owner to quote the fields"),
    "malformed_json": ("the message is no JSON object", "ask the owner"),
    "malformed_xml": ("the element cannot be read", "ask the owner"),
    "conflicting_duplicate": ("two records of one pull share a key, not a content, and nothing says which is newer",
                              "ask the owner for a time of change or a wider key"),
}  # fmt: skip


def explain(code: str) -> str:
    """`column:reason` or `reason` in words, with what to do."""
    column, _, reason = code.rpartition(":")
    meaning, remedy = REASONS.get(reason, ("unknown reason", "see connectors.reasons"))
    return f"{column + ': ' if column else ''}{meaning}; {remedy}"
