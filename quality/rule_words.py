"""The rules behind a released row in their own words: what the dated seeds say of its policy, points and gates.

A seed is read as it stands now; `version` beside each rule tells whether that is the version of the row.
"""

from __future__ import annotations

from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

Rows = list[dict[str, Any]]

POINT_RULES: dict[str, tuple[str, ...]] = {
    "category": ("category",),
    "failed_drill": ("failed_drill",),
    "finding_share": ("finding_share",),
    "fire_findings": ("fire_finding",),
    "fire_incidents": ("fire_incident", "alarm"),
    "on_time_fixes": ("on_time_fix",),
    "open_hazards": ("open_hazard",),
    "patrol_findings": ("patrol_finding",),
    "penalties": ("penalty",),
    "staleness": ("staleness",),
}
"""rule of a point → subjects of core.risk_weights that it is reckoned by"""
COLOUR_RULES = ("cadence", "colour")
"""by what points become a colour, whatever they were given for"""

_IN_FORCE = "valid_from <= %(day)s AND valid_to >= %(day)s"

_POLICY: LiteralString = f"""
SELECT policy_code AS rule, name AS item, NULL::numeric AS value, cadence AS unit, rule_version AS version,
    note AS words
FROM core.policy_rules WHERE policy_code = %(policy)s AND {_IN_FORCE}
"""
_PARAMETERS: LiteralString = f"""
SELECT subject || '.' || item AS rule,
    CASE WHEN (band_from, band_to) <> (0, 0) THEN band_from || ' to ' || band_to END AS item,
    value::numeric AS value, unit, version, note AS words
FROM core.policy_parameters AS p WHERE subject = %(policy)s AND {_IN_FORCE} ORDER BY p.item, band_from
"""
_WEIGHTS: LiteralString = f"""
SELECT subject AS rule, item, value::numeric AS value, unit, version, note AS words FROM core.risk_weights
WHERE {_IN_FORCE} AND subject = ANY (%(codes)s) AND (subject <> 'category' OR item = %(category)s)
ORDER BY subject, item
"""
_GATES: LiteralString = f"""
SELECT gate_code AS rule, hazard_pattern AS item, NULL::numeric AS value, 'gate' AS unit, version, note AS words
FROM core.risk_gates WHERE gate_code = ANY (%(gates)s) AND {_IN_FORCE} ORDER BY gate_code, hazard_pattern
"""


def of_row(conn: psycopg.Connection, row: dict[str, Any], day: date) -> Rows:
    """rule, item, value, unit, version, words of every dated rule that a row names, as in force on its day."""
    points = [str(each["rule"]) for each in row.get("points") or [] if isinstance(each, dict) and "rule" in each]
    codes = [code for rule in points for code in POINT_RULES.get(rule, ())]
    found: Rows = []
    if row.get("policy_code"):
        found += _ask(conn, "policy_rules", _POLICY, day, policy=row["policy_code"])
        found += _ask(conn, "policy_parameters", _PARAMETERS, day, policy=row["policy_code"])
    if "points" in row:
        found += _ask(conn, "risk_weights", _WEIGHTS, day, codes=[*codes, *COLOUR_RULES], category=row.get("category"))
    if row.get("gates"):
        found += _ask(conn, "risk_gates", _GATES, day, gates=list(row["gates"]))
    return found


def _ask(conn: psycopg.Connection, seed: str, query: LiteralString, day: date, **named: Any) -> Rows:
    exists = conn.execute("SELECT to_regclass(%s) IS NOT NULL", [f"core.{seed}"]).fetchone()
    if exists is None or not exists[0]:
        return []  # nothing was built yet
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, {"day": day, **named}).fetchall()
