"""Rules for a column of a contract: its name and type, class, standard, codes, unit and purposes."""

from __future__ import annotations

import sys
from typing import Any

from connectors.contract import Column, Refusal
from connectors.contract_check.refused import check_refused
from connectors.contract_file import ContractFile, Place
from connectors.contract_keys import AMOUNT_UNITS, IDENTIFIER, texts
from connectors.semantics import SEMANTICS

CLASSIFICATIONS = ("L1", "L2", "L3", "L4")

_PROPERTIES = {"codes", "onInvalid", "unit", "purposes"}


def column_of(
    file: ContractFile, node: dict[str, Any], where: Place, permitted: tuple[str, ...], refusals: tuple[Refusal, ...]
) -> Column:
    custom = file.properties(node, where, _PROPERTIES)
    name, logical = str(node.get("name", "")), str(node.get("logicalType", ""))
    if not IDENTIFIER.match(name) or name.endswith("_raw"):
        file.problem(where, f"{name!r} is no column name", "Use a-z, 0-9 and _, not ending in _raw.")
    if logical not in {"string", "integer", "number", "date", "timestamp", "boolean"}:
        file.problem(where, f"logicalType {logical!r} cannot be landed", "Use string, integer, number, date, …")
    check_refused(file, refusals, "field", str(node.get("physicalName") or name), where)
    if node.get("classification") not in CLASSIFICATIONS:
        file.problem(where, f"{name} is not classified", f"Add classification: {' | '.join(CLASSIFICATIONS)}.")
    semantic = node.get("semanticType")
    if semantic is not None and semantic not in SEMANTICS:
        file.problem(where, f"the standard {semantic!r} is unknown", f"Use one of: {', '.join(SEMANTICS)}.")
    elif semantic is not None and logical not in SEMANTICS[semantic].logical_types:
        file.problem(
            where,
            f"{semantic} does not fit logicalType {logical}",
            f"Use {' or '.join(sorted(SEMANTICS[semantic].logical_types))}.",
        )
    if custom.get("onInvalid", "quarantine") not in ("quarantine", "withhold"):
        file.problem(where, "onInvalid is unknown", "Use quarantine or withhold.")
    if custom.get("onInvalid") == "withhold" and (node.get("required") or node.get("primaryKey")):
        file.problem(where, f"{name} is required and cannot be withheld", "Drop one of the two.")
    if "unit" in custom and (semantic != "cn.amount" or custom["unit"] not in AMOUNT_UNITS):
        reason = f"the unit {custom['unit']!r} of {name} is not enforced"
        file.problem(where, reason, f"Only cn.amount has one: {', '.join(AMOUNT_UNITS)}.")
    options = node.get("logicalTypeOptions") or {}
    for bound in ("minimum", "maximum"):
        # One comparison for all: .nan, .inf and a number too long for a float bound nothing.
        limit = options.get(bound)
        if isinstance(limit, int | float) and not abs(limit) <= sys.float_info.max:
            file.problem(where, f"the {bound} of {name} is no finite number", "Give a number, or drop it.")
    enum = [str(item["value"]) for item in node.get("enum") or [] if "value" in item]
    codes = custom.get("codes") or ({value: value for value in enum} if enum else None)
    if codes is not None and not isinstance(codes, dict):
        file.problem(where, f"the codes of {name} are no mapping", "Write codes: {theirs: ours}.")
        codes = None
    purposes = texts(custom.get("purposes"))
    if "purposes" in custom and not purposes:
        file.problem(where, f"the purposes of {name} are no list", "Name those that it may serve, or drop it.")
    wider = [purpose for purpose in purposes if purpose not in permitted and "any" not in permitted]
    if wider and permitted:
        reason = f"{name} may serve {', '.join(wider)}, which the contract does not permit"
        file.problem(where, reason, f"Name some of: {', '.join(permitted)}.")
    return Column(
        name=name,
        physical_name=str(node.get("physicalName") or name),
        logical_type=logical,
        classification=str(node.get("classification")),
        primary_key=bool(node.get("primaryKey")),
        required=bool(node.get("required") or node.get("primaryKey")),
        sensitive="sensitive" in (node.get("tags") or []),
        semantic_type=semantic,
        codes={str(raw): str(ours) for raw, ours in codes.items()} if codes else None,
        on_invalid=str(custom.get("onInvalid", "quarantine")),
        unit=custom.get("unit"),
        format=options.get("format"),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        purposes=purposes,
        description=node.get("description"),
    )
