"""What a pass ends with: the one JSON document for scripts, and tables for people."""

from __future__ import annotations

from typing import Any

from orchestration import output
from orchestration.report import STEPS, PassReport

COUNTS = ("landed", "unchanged", "quarantined", "tombstoned")
QUERIES = (
    ("safety", "select colour, count(*) from serving.premises_risk group by 1 order by 2 desc"),
    (
        "safety",
        "select grid_code, colour, red_count, reason from serving.grid_risk order by shrunk_score desc limit 5",
    ),
    ("welfare", "select policy_code, finding, count(*) from serving.welfare_match group by 1, 2 order by 1, 2"),
)


def document(report: PassReport) -> dict[str, Any]:
    """The JSON object of `townhub demo --json` and `townhub run --json` (design.md, "Stable interface")."""
    from warehouse import connection, release

    systems: dict[str, dict[str, Any]] = {}
    for (system, stream), outcome in sorted(report.streams.items()):
        systems.setdefault(system, {})[stream] = outcome.as_json()
    with connection.connect("publisher") as conn:
        required = conn.execute("SELECT family, check_name FROM control.required_check").fetchall()
        current = {family: release.current_release(conn, family) for family in release.families(conn)}
        content_hash = release.serving_hash(conn)
    return {
        "systems": systems,
        "totals": {name: sum(getattr(o, name) for o in report.streams.values()) for name in COUNTS},
        "verdicts": verdict_counts(report.verdicts, [(str(family), str(check)) for family, check in required]),
        "releases": {
            family: {
                "release_id": None if found is None else found.release_id,
                "published": report.published.get(family, False),
                "content_hash": None if found is None else found.content_hash,
            }
            for family, found in current.items()
        },
        "content_hash": content_hash,
        "seconds": {step: round(report.seconds.get(step, 0.0), 3) for step in (*STEPS, "orchestration", "total")},
        "busy_seconds": {step: round(seconds, 3) for step, seconds in sorted(report.busy.items())},
        "failures": report.failures,
    }


def verdict_counts(verdicts: dict[str, dict[str, str]], required: list[tuple[str, str]]) -> dict[str, int]:
    """How many verdicts are green or red (a crashed check is red), and how many required ones are missing."""
    states = [state for checks in verdicts.values() for state in checks.values()]
    missing = sum(1 for family, check in required if check not in verdicts.get(family, {}))
    green = states.count("green")
    return {"green": green, "red": len(states) - green, "missing": missing}


def print_tables(found: dict[str, Any]) -> None:
    """The summary for people, on stdout."""
    rows = [
        [system, stream, *(counts[name] for name in COUNTS), counts["state"]]
        for system, streams in found["systems"].items()
        for stream, counts in streams.items()
    ]
    rows.append(["all", "", *(found["totals"][name] for name in COUNTS), ""])
    output.table(["system", "stream", *COUNTS, "state"], rows, title="taken in")
    verdicts = found["verdicts"]
    releases = [
        [family, release["release_id"], release["published"], (release["content_hash"] or "")[:16]]
        for family, release in found["releases"].items()
    ]
    output.table(["family", "release", "new", "content"], releases, title="published")
    print(f"gates: {verdicts['green']} green, {verdicts['red']} red, {verdicts['missing']} missing")
    seconds = ", ".join(f"{step} {value:.1f}" for step, value in found["seconds"].items() if value >= 0.05)
    print(f"seconds: {seconds}")
    for failure in found["failures"]:
        print(f"failed: {failure}")
