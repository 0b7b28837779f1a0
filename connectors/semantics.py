"""The standards a column can obey: the vocabulary of `semanticType` in a contract.

Light on purpose (no frame library): contracts are read by commands that must answer at once. What each
standard does to a column is in `connectors.rules`; here is only what the contract needs to know about it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Semantic:
    """One standard: the logical types it fits, and whether the value as received is kept beside ours."""

    logical_types: frozenset[str]
    keeps_raw: bool
    source: str


def _semantic(logical_types: str, keeps_raw: bool, source: str) -> Semantic:
    return Semantic(frozenset(logical_types.split()), keeps_raw, source)


SEMANTICS: dict[str, Semantic] = {
    "cn.resident_id": _semantic("string", True, "GB 11643-1999"),
    "cn.credit_code": _semantic("string", True, "GB 32100-2015, GB 11714"),
    "cn.taxpayer_no": _semantic("string", True, "GB 32100-2015; 15- and 20-digit legacy numbers"),
    "cn.phone": _semantic("string", True, "national numbering plan"),
    "cn.person_name": _semantic("string", True, "GB 18030-2022 text, unified middle dots"),
    "cn.sex": _semantic("string", True, "GB/T 2261.1"),
    "cn.ethnic_group": _semantic("string", True, "GB/T 3304"),
    "cn.family_relation": _semantic("string", True, "GB/T 4761-2008"),
    "cn.disability_certificate": _semantic("string", True, "GB 11643 id + class + level"),
    "cn.disability_class": _semantic("string", True, "disability classes 1-7"),
    "cn.disability_level": _semantic("string", True, "disability levels 1-4"),
    "cn.bank_account": _semantic("string", True, "8-32 digits; GB/T 16711 for cards"),
    "cn.property_unit": _semantic("string", True, "GB/T 37346-2019"),
    "cn.gb28181_device_id": _semantic("string", True, "GB/T 28181"),
    "cn.warning_id": _semantic("string", True, "public warnings, 31 characters"),
    "cn.police_incident_type": _semantic("string", False, "raw code, mapped by a dated table"),
    "cn.fire_incident_type": _semantic("string", False, "GA/T 974 code or text, mapped by a dated table"),
    "cn.address": _semantic("string", False, "full-width and number forms unified; spelling kept"),
    "cn.amount": _semantic("number", True, "yuan with two decimals, from the declared unit"),
    "cn.month": _semantic("string", True, "ISO 8601 year and month"),
    "geo.longitude": _semantic("number", True, "WGS-84 degrees, from the server's CRS"),
    "geo.latitude": _semantic("number", True, "WGS-84 degrees, from the server's CRS"),
    "geo.gcj02.longitude": _semantic("number", True, "WGS-84 degrees, from GCJ-02"),
    "geo.gcj02.latitude": _semantic("number", True, "WGS-84 degrees, from GCJ-02"),
    "geo.bd09.longitude": _semantic("number", True, "WGS-84 degrees, from BD-09"),
    "geo.bd09.latitude": _semantic("number", True, "WGS-84 degrees, from BD-09"),
    "geo.wgs84.longitude": _semantic("number", True, "WGS-84 degrees"),
    "geo.wgs84.latitude": _semantic("number", True, "WGS-84 degrees"),
    "geo.polygon": _semantic("string", False, "GeoJSON geometry, RFC 7946"),
}
