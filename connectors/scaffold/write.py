"""The draft as a contract file: YAML in the shape of the others, with a comment wherever a person must decide.

`FILL IN` marks what is never guessed (owner, legal basis, purposes, a datum that the points do not show): the file
is refused until it is there. `CONFIRM` marks a guess; whoever has confirmed it deletes the comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from connectors.scaffold.draft import Draft, Drafted
from connectors.scaffold.samples import Sample
from connectors.yaml_text import flow, quoted, scalar

FILL_IN: Final = "# FILL IN:"
CONFIRM: Final = "# CONFIRM:"

_SERVERS: Final = {"sftp": "drop", "gateway": "gateway", "exchange_db": "exchange"}


def contract_text(system: str, stream: str, sample: Sample, draft: Draft) -> str:
    """The contract file of a new system."""
    return "\n".join(
        (*_head(system, sample, draft), *_servers(system, sample, draft), *_stream(stream, sample, draft), "")
    )


def _head(system: str, sample: Sample, draft: Draft) -> Iterator[str]:
    yield f"# Made by `townhub systems add` from a sample of {sample.frame.height:,} rows; delete each comment as you"
    yield "# settle it. FILL IN: only a person can say it, and the file is refused until it is said. CONFIRM: a guess."
    yield "apiVersion: v3.2.0"
    yield "kind: DataContract"
    yield f"id: {system}"
    yield f"name: {system}  {FILL_IN} the system's official Chinese name"
    yield "version: 1.0.0"
    yield "status: active"
    yield f"domain: general  {CONFIRM} population, welfare, safety, enforcement, economy, geography, service, party?"
    yield "description:"
    yield f'  purpose: ""  {FILL_IN} what the data are taken in for, in one sentence'
    yield f'  limitations: ""  {FILL_IN} what they do not say, and what they must never serve'
    yield f'team: {{name: ""}}  {FILL_IN} the department that owns the data'
    yield "customProperties:"
    yield f'  - {{property: legalBasis, value: ""}}  {FILL_IN} the law or order that permits taking them in'
    yield f"  - {{property: purposes, value: []}}  {FILL_IN} what they may serve, such as [event_handling]"
    refused = [item for item in draft.left_out if item.refused]
    if refused:
        yield f"  {CONFIRM} never taken in; the sample shows them, and more may come"
        yield "  - property: refused"
        yield "    value:"
        for item in refused:
            yield f"      - {flow({'field': item.physical_name, 'reason': item.left_out})}"


def _servers(system: str, sample: Sample, draft: Draft) -> Iterator[str]:
    prefix = f"${{{system.upper()}"
    guessed = f"  {CONFIRM} how it is reached" if sample.protocol == "gateway" else ""
    yield "servers:"
    yield f"  - server: {_SERVERS[sample.protocol]}"
    yield "    type: custom"
    yield "    customProperties:"
    yield f"      - {{property: protocol, value: {sample.protocol}}}{guessed}"
    match sample.protocol:
        case "sftp":
            yield f'      - {{property: endpoint, value: "{prefix}_SFTP}}"}}'
            yield f'      - {{property: hostKey, value: "{prefix}_SFTP_HOST_KEY}}"}}'
        case "gateway":
            yield f'      - {{property: endpoint, value: "{prefix}_URL}}"}}'
            yield f'      - {{property: appKey, value: "{prefix}_APP_KEY}}"}}'
            yield f'      - {{property: appSecret, value: "{prefix}_APP_SECRET}}"}}'
        case _:
            yield f'      - {{property: endpoint, value: "{prefix}_URL}}"}}'
    handover = next((item for item in draft.left_out if item.hint == "handover"), None)
    if handover is not None:
        flag = flow({"column": handover.physical_name, "waiting": "0", "taken": "1"})
        yield f"      {CONFIRM} may the hub mark rows as taken? Then uncomment, with the flag's own values"
        yield f"      # - {{property: acknowledge, value: {flag}}}"
    for name, value in sample.server.items():
        yield f"      - {{property: {name}, value: {scalar(value)}}}"
    if draft.crs is not None:
        mark = CONFIRM if draft.crs else FILL_IN
        yield f"      - {{property: crs, value: {scalar(draft.crs)}}}  {mark} {draft.crs_remark}"
    yield f"      - {{property: timezone, value: Asia/Shanghai}}{_zone_remark(draft)}"
    yield "slaProperties:"
    yield f"  - {{property: frequency, value: 1, unit: day}}  {CONFIRM} how often it is asked"
    yield f"  - {{property: latency, value: 2, unit: day}}  {CONFIRM} how old it may be before it counts as missing"
    yield f"  - {{property: retention, value: 1, unit: year}}  {CONFIRM} how long the law lets us keep it"


def _zone_remark(draft: Draft) -> str:
    timed = any(column.guess.logical_type == "timestamp" and not column.guess.format for column in draft.columns)
    return f"  {CONFIRM} the zone of its times; devices often write UTC" if timed else ""


def _stream(name: str, sample: Sample, draft: Draft) -> Iterator[str]:
    physical = f"  {CONFIRM} the names that its files will have" if sample.protocol == "sftp" else ""
    yield "schema:"
    yield f"  - name: {name}"
    yield f"    physicalName: {quoted(sample.physical_name)}{physical}"
    yield f"    dataGranularityDescription: one row per record  {CONFIRM} one row per what?"
    for remark in sample.remarks:
        yield f"    {CONFIRM} {remark}"
    yield "    customProperties:"
    whole = "each sending is the whole of it and what is absent is gone; else changes"
    asked = "rows are asked for by their time of change; else snapshot"
    yield f"      - {{property: load, value: {draft.load}}}  {CONFIRM} {asked if draft.cursor else whole}"
    if draft.cursor:
        yield f"      - {{property: cursor, value: {draft.cursor}}}  {CONFIRM} it moves with every change of a row"
    else:
        yield f"      - {{property: maxDeleteShare, value: 0.2}}  {CONFIRM} how much may be gone at once"
    source = dict(sample.source)
    if sample.protocol == "gateway":
        source = {"interface": f"DIR/{name}", "pageSize": 1000}
        yield f"      - {{property: source, value: {flow(source)}}}  {CONFIRM} dir/id in the gateway's catalogue"
    elif source:
        renamed = f"  {CONFIRM} add finished: renamed, if a file gets its name when it is whole"
        yield f"      - {{property: source, value: {flow(source)}}}{renamed if sample.protocol == 'sftp' else ''}"
    yield "    properties:"
    yield f"      {CONFIRM} every classification (L1 open … L4 most sensitive) and every name of ours"
    if draft.key_remark:
        yield f"      {CONFIRM} the primary key: {draft.key_remark}"
    else:
        yield f"      {FILL_IN} primaryKey: true at what tells one record from another; the sample does not show it"
    for column in draft.columns:
        yield f"      - {_column(column)}{_remarks(column)}"
    for item in (item for item in draft.left_out if not item.refused):
        yield f"      # Left out: {_comment(item.physical_name)}. {item.left_out.capitalize()}."


def _column(column: Drafted) -> str:
    item = column.guess
    entry: dict[str, Any] = {
        "name": column.name,
        "physicalName": item.physical_name,
        "logicalType": item.logical_type,
    }
    if column.key:
        entry["primaryKey"] = True
    if column.required:
        entry["required"] = True
    if item.semantic_type:
        entry["semanticType"] = item.semantic_type
    if item.format:
        entry["logicalTypeOptions"] = {"format": item.format}
    entry["classification"] = column.classification
    if column.sensitive:
        entry["tags"] = ["sensitive"]
    custom: list[dict[str, Any]] = []
    if item.codes:
        custom.append({"property": "codes", "value": item.codes})
    if item.unit:
        custom.append({"property": "unit", "value": item.unit})
    can_fail = item.codes or item.logical_type != "string" or (item.semantic_type not in (None, "cn.address"))
    if can_fail and not column.required:
        custom.append({"property": "onInvalid", "value": "withhold"})
    if custom:
        entry["customProperties"] = custom
    return flow(entry)


def _remarks(column: Drafted) -> str:
    item = column.guess
    remarks = list(item.remarks)
    if not item.heading.listed:
        remarks.insert(0, "what is it in English?")
    return f"  {CONFIRM} {'; '.join(map(_comment, remarks))}" if remarks else ""


def _comment(text: str) -> str:
    return " ".join(text.split())
