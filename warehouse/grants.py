"""Who may do what: the one table of roles and privileges, applied and compared by `warehouse.access`."""

from __future__ import annotations

from dataclasses import dataclass

OWNER, LOADER, BUILDER, PUBLISHER = (f"townhub_{name}" for name in ("owner", "loader", "builder", "publisher"))
AUDITOR = "townhub_auditor"
"""Looks from a published value down to the rows behind it, and keeps correction tickets; never sees isolated data."""
RELEASER = "townhub_releaser"
"""Writes what apps see. No connection wears it: it owns the functions that publish, and they alone run as it."""
PRODUCTS: dict[str, tuple[str, ...]] = {
    "safety": ("premises_risk", "grid_risk", "inspection_plan", "hazard_closure", "uninspected_premises"),
    "welfare": ("welfare_match", "welfare_reconciliation"),
    "enforcement": ("event", "event_hotspot", "dispute", "repair", "community_flow"),
    "economy": ("enterprise_profile", "lease_expiry", "building_economy", "business_environment"),
    "control": ("elder_care_alarm",),
    "party": ("party_organisation",),
    "service": ("service_point", "deliberation"),
    "overview": ("town_indicator", "topic", "case_study"),
}
"""app → the products that it may read: those of its family, for the one purpose that the app has."""
APPS = tuple(PRODUCTS)
_RELEASED = tuple(f"released.{product}" for products in PRODUCTS.values() for product in products)
ROLES = (OWNER, LOADER, BUILDER, PUBLISHER, RELEASER, AUDITOR, *(f"townhub_app_{app}" for app in APPS))


@dataclass(frozen=True)
class Grant:
    """Privileges of a role on objects `schema.name`; the name `*` is every table of the schema, also future ones."""

    role: str
    kind: str  # schema, table or function
    privileges: str
    objects: tuple[str, ...]


def _read(role: str, *objects: str) -> Grant:
    return Grant(role, "table", "SELECT", objects)


GRANTS: tuple[Grant, ...] = (
    Grant(LOADER, "schema", "USAGE", ("control", "quarantine", "inbox")),
    Grant(LOADER, "schema", "USAGE, CREATE", ("landing", "isolated")),
    Grant(LOADER, "table", "SELECT, INSERT, UPDATE, DELETE", ("landing.*", "isolated.*")),
    _read(LOADER, "control.input_status"),
    Grant(
        LOADER,
        "table",
        "SELECT, INSERT, UPDATE",
        ("control.load", "control.stream", "control.hold", "control.run"),
    ),
    Grant(LOADER, "table", "SELECT, INSERT, UPDATE, DELETE", ("control.cursor",)),
    Grant(LOADER, "table", "SELECT, INSERT, DELETE", ("control.lookup_answer", "control.received")),
    Grant(LOADER, "table", "SELECT, INSERT, UPDATE", ("control.defect",)),
    Grant(
        LOADER, "table", "SELECT, INSERT, UPDATE, DELETE", ("quarantine.row", "quarantine.addition")
    ),  # DELETE: retention
    Grant(LOADER, "table", "SELECT, INSERT, DELETE", ("inbox.message",)),
    _read(LOADER, "control.correction_status"),
    # DELETE: retention
    Grant(
        LOADER,
        "table",
        "SELECT, DELETE",
        ("control.correction", "control.build_state", "control.changed_record", "control.changed_key"),
    ),
    Grant(
        LOADER,
        "function",
        "EXECUTE",
        (
            "control.audit_append",
            "control.kept_records",
            "control.past_records",
            "control.void_records",
            "control.forget_records",
        ),
    ),
    # Retention: whole releases by their age, and rows of residents of whom nothing is held.
    Grant(
        LOADER,
        "function",
        "EXECUTE",
        ("control.purge_released", "control.residents_of_before", "control.erase_released"),
    ),
    _read(LOADER, "control.product"),
    Grant(BUILDER, "schema", "USAGE", ("control", "landing", "resolution", "released")),
    Grant(BUILDER, "schema", "USAGE, CREATE", ("staging", "core", "candidate")),
    _read(
        BUILDER,
        "landing.*",
        "control.stream",
        "control.load",
        "control.cursor",
        "control.defect",
        "control.hold",
    ),
    _read(BUILDER, "control.input_status", "control.input_as_built", "control.held_rows"),
    _read(BUILDER, "control.release", "control.release_pointer", "control.release_move"),
    Grant(BUILDER, "table", "SELECT, INSERT, UPDATE", ("control.run", "control.contract_check")),
    Grant(BUILDER, "table", "SELECT, INSERT, DELETE", ("control.build_input", "control.build_run")),
    Grant(
        BUILDER,
        "table",
        "SELECT, INSERT, UPDATE, DELETE",
        ("control.build_state", "control.changed_record", "control.changed_key"),
    ),
    Grant(BUILDER, "table", "SELECT, INSERT", ("control.candidate", "control.verdict", "resolution.event")),
    # What must be green is not for those to decide whose work is judged.
    _read(BUILDER, "control.product", "control.required_check"),
    _read(BUILDER, "resolution.open_review"),
    Grant(
        BUILDER,
        "table",
        "SELECT, INSERT, UPDATE",
        ("resolution.run", "resolution.entity", "resolution.membership"),
    ),
    Grant(
        BUILDER,
        "table",
        "SELECT, INSERT, UPDATE, DELETE, TRUNCATE",
        (
            "resolution.resident_record",
            "resolution.resident_block",
            "resolution.resident_count",
            "resolution.event_record",
            "resolution.event_town",
        ),
    ),
    Grant(BUILDER, "table", "SELECT, INSERT, UPDATE", ("resolution.decision", "resolution.review")),
    Grant(
        BUILDER,
        "function",
        "EXECUTE",
        (
            *("control.audit_append", "control.row_values", "control.row_source", "control.product_hash"),
            *("control.refuse_purged", "control.product_sums", "control.summing", "control.sums_hash"),
        ),
    ),
    Grant(
        BUILDER,
        "function",
        "EXECUTE",
        ("control.content_hash", "control.candidate_hash", "control.candidate_hashes", "control.serving_hash"),
    ),
    Grant(BUILDER, "function", "EXECUTE", ("control.register_candidate", "control.obstacles", "control.publish")),
    Grant(BUILDER, "function", "EXECUTE", ("control.release_hash",)),
    Grant(BUILDER, "function", "EXECUTE", ("control.empty_resident_state", "control.index_resident_state")),
    Grant(PUBLISHER, "schema", "USAGE", ("control",)),
    _read(
        PUBLISHER,
        "control.product",
        "control.required_check",
        "control.candidate",
        "control.verdict",
        "control.release",
        "control.release_pointer",
        "control.release_move",
    ),
    Grant(
        PUBLISHER,
        "function",
        "EXECUTE",
        tuple(
            f"control.{name}"
            for name in (
                *("publish", "rollback", "resume", "obstacles", "audit_append"),
                *("release_hash", "serving_hash", "rows_at", "release_at", "as_shown"),
            )
        ),
    ),
    Grant(RELEASER, "schema", "USAGE", ("control", "candidate", "released")),
    _read(
        RELEASER,
        "candidate.*",
        "control.product",
        "control.required_check",
        "control.candidate",
        "control.verdict",
    ),
    Grant(RELEASER, "table", "SELECT, INSERT, UPDATE", ("control.release", "control.release_pointer")),
    Grant(RELEASER, "table", "SELECT, INSERT", ("control.release_move",)),
    Grant(RELEASER, "table", "SELECT, INSERT, UPDATE, DELETE", _RELEASED),  # DELETE: retention
    # Whose history is to go: of residents none of whose records is left.
    Grant(RELEASER, "schema", "USAGE", ("resolution",)),
    _read(RELEASER, "resolution.run", "resolution.entity", "resolution.membership"),
    Grant(
        RELEASER,
        "function",
        "EXECUTE",
        tuple(
            f"control.{name}"
            for name in (
                *("audit_append", "row_values", "row_source", "product_hash", "content_hash", "candidate_hash"),
                *("candidate_hashes", "obstacles", "move_pointer", "apply_product", "refuse_changed"),
                *("refuse_purged", "products_of_residents", "refuse_repeated"),
                *("product_sums", "release_sums", "summing", "sums_of", "sums_hash", "family_hash"),
            )
        ),
    ),
    Grant(AUDITOR, "schema", "USAGE", ("control", "landing", "quarantine", "resolution", "core")),
    _read(AUDITOR, "landing.*", "core.*", "quarantine.row_of_register", "quarantine.addition_of_register"),
    _read(
        AUDITOR, *(f"control.{name}" for name in ("stream", "load", "input_status", "product", "candidate", "verdict"))
    ),
    _read(
        AUDITOR, *(f"control.{name}" for name in ("release", "release_pointer", "release_move", "correction_status"))
    ),
    _read(AUDITOR, *(f"resolution.{name}" for name in ("run", "entity", "membership", "event", "decision", "review"))),
    Grant(AUDITOR, "table", "SELECT, INSERT", ("control.correction", "control.correction_step")),
    Grant(AUDITOR, "function", "EXECUTE", ("control.audit_append", "control.released_rows")),
    *(Grant(f"townhub_app_{app}", "schema", "USAGE", ("serving",)) for app in APPS),
    *(_read(f"townhub_app_{app}", "serving.release_info") for app in APPS),
    _read("townhub_app_overview", "serving.input_info"),
    *(
        _read(f"townhub_app_{app}", *(f"serving.{product}" for product in products))
        for app, products in PRODUCTS.items()
    ),
    # Whom a record belongs to: residents for the purpose that dim_resident serves, and for no other.
    _read("townhub_app_welfare", "serving.resident_crosswalk", "serving.resident_key"),
    *(_read(f"townhub_app_{app}", "serving.enterprise_crosswalk") for app in ("safety", "economy")),
    *(_read(f"townhub_app_{app}", "serving.enterprise_key") for app in ("safety", "economy")),
)

# Whose new tables in a schema are granted at once (`*` above): the roles that create them there.
CREATORS = {"landing": (OWNER, LOADER), "isolated": (OWNER, LOADER), "core": (BUILDER,), "candidate": (BUILDER,)}

# Functions that act with more rights than their caller has, as the role that alone may write what they write.
RELEASER_FUNCTIONS = (
    "publish", "rollback", "resume", "release_hash", "serving_hash", "rows_at", "release_at", "as_shown",
    "released_rows", "purge_released", "residents_of_before", "erase_released",
)  # fmt: skip

# Tables that even the owner of the schema does not write, so that a slip with the owner's role cannot either.
APPEND_ONLY = ("control.audit",)
RELEASER_ONLY = ("control.release", "control.release_pointer", "control.release_move", *_RELEASED)
