"""A small town of which every upstream system tells something: rows made from the contracts, that belong together."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from resolution.sources import entity_kind
from resolution.things import SOURCES

if TYPE_CHECKING:
    from connectors.contract import Column, Stream
    from tests.warehouse.conftest import DbtTown

ROWS = 12
"""Of every stream: enough for the sums that leave out fewer than ten."""
COMMUNITY, GRID, BUILDING, ESTATE = "330199103001", "330199103001001", "LY1", "锦绣花园"
_SQUARE = {"type": "Polygon", "coordinates": [[[120.0, 30.0], [121.0, 30.0], [121.0, 31.0], [120.0, 30.0]]]}
_GOOD = ("open", "running", "normal", "valid", "active", "served", "paid", "in_force", "building", "received",
         "reported")  # fmt: skip
"""States in which things count; of a stream that has none of them the first stands."""
_PLACES: dict[str, Any] = {
    "community_code": COMMUNITY, "grid_code": GRID, "geometry": json.dumps(_SQUARE), "longitude": 120.9,
    "latitude": 30.1, "estate": ESTATE, "building_name": "锦绣大厦",
}  # fmt: skip
_ENDS = ("valid_to", "ends_on", "due_on", "planned_end", "expires_at", "due_at")
_OPEN = ("closed_at", "closed_on", "corrected_on", "deregistered_on", "ended_at", "ended_on", "feedback_at",
         "fixed_at", "handled_at", "moved_out", "previous_id", "reinspected_by", "removed_on", "replied_at",
         "solved_on")  # fmt: skip


def land(town: DbtTown) -> None:
    """Land and link everything; every stream is fresh."""
    for contract in town.contracts.values():
        for stream in contract.streams.values() if contract.enabled else ():
            town.land(contract.id, stream.name, *_rows(stream))
    for name, sources in SOURCES.items():
        if name == "events":  # each report is an incident of its own
            continue
        for source in sources:
            stream = town.contracts[source.system].streams[source.stream]
            kind = entity_kind(name)
            for number, row in enumerate(_rows(stream)):
                if source.system == "death_register" and number < ROWS - 1:
                    continue  # one of the residents has died
                key = "|".join(str(row[column.name]) for column in stream.primary_key)
                # Building sites are premises that no place code covers; everything else of one number is one thing.
                place = "SITE" if (kind, source.system) == ("premises", "construction_site") else kind[:2].upper()
                town.link(kind, f"{place}{number}", (source.system, source.stream, key))
    town.load_everything()


def _rows(stream: Stream) -> list[dict[str, Any]]:
    own = f"{stream.system}.{stream.name}"
    if own == "tax_analysis.collections":
        return [_row(stream, 0, period=f"{2024 + (4 + n) // 12}-{(4 + n) % 12 + 1:02d}") for n in range(25)]
    if own == "smart_community.hourly_counts":
        return [_row(stream, 0, hour=f"2026-06-29 {hour:02d}:00:00+08") for hour in range(24)]
    if own in ("grid_map.communities", "grid_map.grids"):
        return [_row(stream, 0)]
    return [_row(stream, number) for number in range(ROWS)]


def _row(stream: Stream, number: int, **more: Any) -> dict[str, Any]:
    row = {column.name: _value(stream, column, number) for column in stream.columns}
    return {**row, **_EXCEPT.get(f"{stream.system}.{stream.name}", {}), **more}


def _value(stream: Stream, column: Column, number: int) -> Any:
    name = column.name
    if name in _PLACES:
        return _PLACES[name]
    if name in _OPEN:
        return None
    if column.codes:
        codes = list(dict.fromkeys(column.codes.values()))
        return next((code for code in _GOOD if code in codes), codes[0])
    if column.logical_type == "string":
        return _NAMED.get(name, f"{name[:3].upper()}{number}") if name not in _KEYS else f"{_KEYS[name]}{number}"
    if column.logical_type == "boolean":
        return False
    if column.logical_type == "date":
        if name == "birth_date":
            return date(1940, 1, 1 + number)
        if name in _ENDS:
            return date(2026, 12, 31)
        return date(2026, 1 + number % 6, 10) if column.primary_key else date(2026, 5, 10)
    if column.logical_type == "timestamp":
        day = 30 if name == "hour" or stream.name in ("readings", "messages") else 10 + number
        month = 6 if day == 30 else 5
        return f"2026-{month:02d}-{day} {8 + number:02d}:00:00+08" if name not in _ENDS else "2026-12-31 08:00:00+08"
    return number if column.primary_key else 7


_KEYS = {
    "premises_code": "A", "person_no": "N", "credit_code": "9133010000000000", "taxpayer_no": "9133010000000000",
    "inspection_no": "J", "address_code": "D", "organisation_code": "DZZ", "topic_no": "XS",
    "device_id": "8699990100000", "device_no": "K", "permit_no": "SG", "filing_no": "FD", "building_code": "LY",
    "flight_no": "HX", "point_code": "FW",
}  # fmt: skip
"""What other streams refer to by these names."""
_NAMED = {
    "month": "2026-05", "period": "2026", "content": "楼上漏水", "category": "火灾", "agency": "应急管理局",
    "level": "1", "class": "1", "opening_hours": "8:00-17:00", "provider": "市公安局", "definition": "常住",
    "topic": "停车", "kind": "火灾", "version": "1", "floor_labels": "B1-9F", "room": "301", "address": "文一路1号",
    "full_address": "文一路1号",
    "disaster_type": "fire", "parameter": "ammonia_nitrogen", "name": "某某", "enterprise_name": "恒信",
}  # fmt: skip
_EXCEPT: dict[str, dict[str, Any]] = {
    "grid_map.communities": {"valid_from": "2021-09-01", "valid_to": None},
    "grid_map.grids": {"valid_from": "2021-09-01", "valid_to": None},
    "city_brain.indicators": {"stated_on": date(2026, 6, 29)},
    "public_opinion.items": {"published_at": "2026-06-29 10:00:00+08", "topic": "停车"},
    "death_register.deaths": {"resident_id": None},
    "welfare_payment.payments": {"policy_code": "P08", "paid_on": date(2026, 4, 27)},
    "safety_inspection.premises": {"category": "hazmat_producer", "opened_on": date(2020, 1, 1)},
    "safety_inspection.inspections": {"inspected_at": "2026-06-25 10:00:00+08"},
    "construction_site.sites": {"planned_end": date(2026, 5, 31)},
    "construction_site.dust_readings": {"measured_on": date(2026, 6, 25)},
    "safety_patrol.patrols": {"found": "hazard", "state": "open"},
    "smart_community.devices": {"installed_on": date(2026, 1, 1)},
    "elder_door_sensor.devices": {"installed_on": date(2026, 1, 1)},
    "building_economy.quarters": {"year": 2026, "quarter": "1", "let_sqm": 5},
}
