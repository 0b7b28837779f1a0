"""Which staging views speak of residents, enterprises, premises and events.

What may be read into a resident's record is what came for delivering welfare, the purpose that the record serves.
Others name people too and are no sources here: elder-care sensors and the health code, tenants and landlords (housing
management), holders of certificates (the counter where they stand), the governance brigade's own people. Of the other
kinds what may be read is what came for serving enterprises, for the safety of premises or for handling events; nobody's
name who runs, let, called or reported is read from any.
"""

from __future__ import annotations

from typing import Literal

from resolution.source import Source

Kind = Literal["residents", "enterprises", "premises", "events"]

_PERSON = {"resident_id_no": "resident_id", "name": "name"}

RESIDENTS = (
    Source("household_registry", "residents", "person_no",
           {**_PERSON, "birth_date": "birth_date", "sex": "sex", "phone": "phone", "address": "address",
            "community": "community_code"}),
    Source("migrant_registry", "registrations", "registration_no",
           {**_PERSON, "birth_date": "birth_date", "sex": "sex", "phone": "phone", "address": "address"}),
    Source("pension", "pensioners", "pension_no", {**_PERSON, "phone": "phone", "community": "community_code"}),
    Source("disability_certificate", "certificates", "certificate_no",
           {"resident_id_no": "left(certificate_no, 18)", "name": "name", "phone": "phone", "address": "address"}),
    Source("minimum_living", "members", "family_no || '|' || member_no", _PERSON),
    Source("death_register", "deaths", "notice_no", _PERSON),
    Source("welfare_payment", "payments", "payment_no", _PERSON),
    Source("welfare_payment", "applications", "application_no", _PERSON),
    # A telephone on the list of children is the guardian's, and their community a name where others give its code.
    Source("children_in_need", "children", "child_no", _PERSON),
    Source("elderly_service", "elders", "elder_no",
           {**_PERSON, "phone": "phone", "address": "address", "community": "community_code"}),
    Source("payee_account", "accounts", "resident_id || '|' || account_no", _PERSON),
)  # fmt: skip

DECISIVE = {
    ("death_register", "deaths"): "true",
    ("household_registry", "residents"): "state <> 'normal'",
    ("welfare_payment", "payments"): "state <> 'returned'",
}
"""(system, stream) → SQL of which records of it decide about a benefit by themselves, each a death, a removal or what
somebody receives: whose such a record is a steward is asked where a name alone says so."""

_FIRM = {"number": "credit_code", "name": "enterprise_name"}

ENTERPRISES = (
    Source("market_registration", "enterprises", "registration_no",
           {"number": "credit_code", "name": "name", "address": "address", "phone": "phone"}),
    Source("tax_registry", "taxpayers", "taxpayer_no",
           {"number": "taxpayer_no", "name": "name", "address": "address"}),
    Source("safety_inspection", "premises", "premises_code",
           {"number": "credit_code", "name": "name", "address": "address", "phone": "contact_phone"}),
    Source("enterprise_visit", "visits", "visit_no", {**_FIRM, "phone": "contact_phone"}),
    Source("enterprise_demand", "demands", "demand_no", {**_FIRM, "phone": "contact_phone"}),
    Source("lease_register", "leases", "lease_no",
           {"number": "credit_code", "name": "tenant_name", "address": "building_name || room",
            "phone": "contact_phone"}),
    Source("construction_site", "sites", "permit_no", {"number": "credit_code", "name": "builder_name"}),
    Source("hazmat_enterprise", "licences", "licence_no", {**_FIRM, "address": "office_address"}),
    # A person who was punished is no enterprise, and no name of a person is read here.
    Source("administrative_penalty", "penalties", "decision_no", {"number": "credit_code", "name": "party_name"},
           where="party_kind <> 'person'"),
)  # fmt: skip

_SPOT = {"longitude": "longitude", "latitude": "latitude"}

# Where people were told that something is for the safety of premises: no register of persons or of taxes.
PREMISES = (
    Source("safety_inspection", "premises", "record_key",
           {"code": "premises_code", "name": "name", "category": "category", "address": "address", **_SPOT}),
    Source("smoke_sensor", "installations", "record_key",
           {"code": "premises_code", "name": "unit_name", "address": "address", **_SPOT}),
    Source("fire_supervision", "inspections", "record_key", {"name": "unit_name", "address": "address"}),
    Source("construction_site", "sites", "record_key",
           {"name": "project_name", "category": "'construction_site'", "address": "address", **_SPOT}),
    Source("hazmat_enterprise", "licences", "record_key", {"name": "enterprise_name", "address": "storage_address"}),
    Source("property_register", "rentals", "record_key", {"category": "'rental_housing'", "address": "location"}),
    Source("safety_patrol", "patrols", "record_key", {"name": "premises_name", "address": "address"},
           where="premises_name is not null"),
)  # fmt: skip

_TOLD = {"at": "reported_at", "state": "state", "address": "address"}

# Channels of events. Who called or reported is read from none of them. Their keys are said by columns that the landing
# tables have too, for a run by changes asks these what landed. `metres` is how far the place on the map may be
# from the event: that of the thing itself where nothing is said.
EVENTS = (
    Source("police_110", "incidents", "incident_no", {**_TOLD, **_SPOT, "category": "category"}),
    Source("fire_119", "incidents", "incident_no", {**_TOLD, **_SPOT, "category": "disaster_type"}),
    Source("four_platform", "events", "event_no || '|' || unit_code",
           {**_TOLD, **_SPOT, "number": "event_no", "category": "category", "text": "description",
            "grid_code": "grid_code"}),
    Source("hotline_12345", "orders", "order_no", {**_TOLD, "category": "category", "text": "content"}),
    Source("snapshot_report", "reports", "report_id",
           {**_SPOT, "at": "reported_at", "state": "state", "category": "category", "text": "content"}),
    Source("grid_app", "reports", "report_id",
           {**_TOLD, **_SPOT, "category": "category", "text": "content", "grid_code": "grid_code",
            "metres": "greatest(accuracy_metres, 17)"}),
    # City management has a map and a grid of its own, which nobody here can convert.
    Source("city_management", "cases", "task_no", {**_TOLD, "category": "sub_class", "text": "description"}),
    Source("city_eye", "alarms", "alarm_id",
           {**_SPOT, "at": "alarmed_at", "state": "state", "category": "kind", "grid_code": "grid_code",
            "device": "point_code", "metres": "40"}),
    # A patrol that found nothing is no event.
    Source("safety_patrol", "patrols", "patrol_no",
           {**_SPOT, "at": "patrolled_at", "state": "state", "address": "address", "category": "hazard_kind",
            "text": "description", "grid_code": "grid_code"},
           where="found = 'hazard'"),
    Source("high_altitude_video", "alarms", "alarm_id",
           {**_SPOT, "at": "alarmed_at", "state": "verdict", "category": "algorithm", "device": "device_id",
            "bearing": "bearing", "metres": "90"}),
    Source("drone_patrol", "findings", "finding_no",
           {**_SPOT, "at": "found_at", "state": "verdict", "category": "kind", "metres": "16"}),
)  # fmt: skip

REGISTER = Source("standard_address", "addresses", "record_key",
                  {"address_code": "address_code", "full_address": "full_address", **_SPOT})  # fmt: skip
"""The town's register of doors, which speaks of no entity itself."""
REFERENCES: dict[str, tuple[Source, ...]] = {"premises": (REGISTER,), "events": (REGISTER,)}
"""kind → what else decides which of its records belong together."""
SOURCES: dict[str, tuple[Source, ...]] = {
    "residents": RESIDENTS, "enterprises": ENTERPRISES, "premises": PREMISES, "events": EVENTS,
}  # fmt: skip
