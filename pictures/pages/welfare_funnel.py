"""民生兑现: from who is due a benefit to who receives it, policy by policy, without small numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pictures import bars, marks
from pictures.content import Cell, Content, Picture, Table, nothing_yet
from pictures.marks import Mark
from pictures.reading import Moment
from pictures.suppression import FEW, LIMIT, conceal, shown

QUERY = """
SELECT jsonb_build_object(
    'releases', (SELECT jsonb_agg(r) FROM serving.release_info r WHERE family = 'welfare'),
    'claims', (SELECT jsonb_agg(c) FROM (
        SELECT policy_code, outcome, finding, count(*) AS n FROM serving.welfare_match GROUP BY 1, 2, 3) c)
)"""

POLICIES = {
    "P01": "最低生活保障 minimum living",
    "P02": "低保边缘 near-minimum",
    "P03": "特困供养 destitute",
    "P04": "临时救助 temporary relief",
    "P05": "医疗救助 medical relief",
    "P06": "残疾人生活补贴 disabled: living",
    "P07": "残疾人护理补贴 disabled: care",
    "P08": "高龄津贴 old age",
    "P09": "养老服务补贴 elderly care",
    "P10": "企退春节慰问 festival gift",
    "P11": "企退困难补助 retired: relief",
    "P12": "孤儿困境儿童 children in need",
}
ELIGIBLE = (
    Mark("as_due", "已享受", "eligible and receiving", marks.GOOD, marks.WHITE, letter="✓"),
    Mark("unclaimed", "应享未享", "eligible, does not receive: to be reached", marks.WARN, marks.BLACK, "stripes", "!"),
    Mark("undecided", "领取情况未知", "eligible, not known whether receiving", marks.GREY, marks.BLACK, "cross", "?"),
)


def compose(document: Mapping[str, Any], moment: Moment) -> Content:
    claims = document.get("claims") or []
    if not claims:
        return nothing_yet("who is due which benefit")
    counts: dict[str, dict[tuple[str, str], int]] = {}
    for row in claims:
        counts.setdefault(row["policy_code"], {})[(row["outcome"], row["finding"])] = row["n"]
    rows, cells = [], []
    unclaimed = 0
    for policy in sorted(counts):
        parts, whole = eligible(counts[policy])
        name = POLICIES.get(policy, policy)
        # A hidden number adds nothing to the sum of the headline, so that the sum does not give it away.
        unclaimed += parts["unclaimed"] if isinstance(parts["unclaimed"], int) else 0
        note = f"{whole:,} due" if isinstance(whole, int) else "sum not shown"
        rows.append(bars.Row(f"{policy} {name}", [(mark, parts[mark.key]) for mark in ELIGIBLE], note))
        cells.append(_cells(f"{policy} {name}", parts, whole, counts[policy]))
    columns = (
        "政策 policy", "应享 eligible", "已享受 receiving", "应享未享 unclaimed", "领取未知 receipt unknown",
        "待联系 candidates to contact", "未知 cannot be decided", "待核 receiving, not found eligible",
    )  # fmt: skip
    headline = (
        f"At least {unclaimed:,} claims of people who are due a benefit are not paid: they can be reached unasked."
    )
    return Content(
        headline=headline,
        figures=[
            bars.stacked(
                rows, ELIGIBLE, f"Eligible claims by policy. {headline}", caption="应享与已享 Of those who are eligible"
            )
        ],
        tables=[Table("各项政策 The policies", columns, cells, frozenset(columns[1:]))],
        notes=[
            f"One to {LIMIT - 1} people are shown as <{LIMIT}, and then the sum of what they are part of is not shown "
            "either: it would give them away. The narrow part of a bar for them always has the same width.",
            "Candidates are likely by the registers and have to be asked; unknown lacks evidence and is no refusal.",
            "Receiving without being found eligible is for a person to look at: no benefit is ever stopped by this.",
            "The list of the twelve policies is a proposal and its amounts are illustrative; a person may stand under "
            "several policies, so that the policies are not added up.",
        ],
        rows=len(claims),
    )


def eligible(counts: Mapping[tuple[str, str], int]) -> tuple[dict[str, int | FEW], int | FEW]:
    """Of one policy: who is eligible, by whether they receive; and all of them. An unheard-of finding is undecided."""
    parts = {mark.key: 0 for mark in ELIGIBLE}
    for (outcome, finding), number in counts.items():
        if outcome == "eligible":
            parts[finding if finding in parts else "undecided"] += number
    return conceal(parts)


def _cells(
    name: str, parts: Mapping[str, int | FEW], whole: int | FEW, counts: Mapping[tuple[str, str], int]
) -> tuple[Cell, ...]:
    def those(outcome: str) -> int | FEW:
        return shown(sum(number for (found, _), number in counts.items() if found == outcome))

    return (
        name, whole, parts["as_due"], parts["unclaimed"], parts["undecided"], those("candidate"), those("unknown"),
        shown(counts.get(("not_eligible", "receiving_not_found_eligible"), 0)),
    )  # fmt: skip


PICTURE = Picture(
    name="welfare_funnel",
    chinese="民生兑现",
    english="Welfare funnel",
    purpose="Who is due a benefit and who receives it, as numbers. For 镇民政办, to reach those who do not ask.",
    app="welfare",
    families=("welfare",),
    query=QUERY,
    compose=compose,
)
