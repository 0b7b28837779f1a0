# ruff: noqa: E501 (the sketch and the mistakes in it stand as a contract is written: a column a line)
"""Contract files read strictly: every mistake at once, each with its line and its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.contract import Contract
from connectors.contract_check import check_file
from connectors.contract_file import ContractError, Problem
from connectors.contract_folder import broken_contracts, load_contract, load_contracts
from connectors.errors import Permanent
from connectors.variables import resolve_server, resolve_value

SKETCH = """\
apiVersion: v3.2.0
kind: DataContract
id: police_110
name: 110联动平台
version: 1.0.0
status: active
domain: safety
description:
  purpose: Police dispatch incidents, for handling events and for the safety of premises and grids.
  limitations: The caller's number serves only to recognise repeated reports of one incident.
team: {name: 区公安分局指挥中心}
customProperties:
  - {property: legalBasis, value: zj-public-data-2022}
  - {property: purposes, value: [event_handling, premises_safety]}
servers:
  - server: exchange
    type: mysql
    host: ${POLICE_110_HOST}
    customProperties:
      - {property: protocol, value: exchange_db}
      - {property: acknowledge, value: {column: clbz, waiting: "0", taken: "1"}}
      - {property: timezone, value: Asia/Shanghai}
slaProperties:
  - {property: frequency, value: 1, unit: minute}
  - {property: latency, value: 5, unit: minute}
  - {property: retention, value: 3, unit: year}
schema:
  - name: incidents
    physicalName: t_jq
    dataGranularityDescription: one row per dispatch; a later state of it is a new version of the same row
    customProperties:
      - {property: load, value: changes}        # changes | snapshot | messages
      - {property: cursor, value: updated_at}
    properties:
      - {name: incident_no, physicalName: jjdbh, logicalType: string, primaryKey: true, required: true, classification: L2}
      - {name: reported_at, physicalName: bjsj, logicalType: timestamp, required: true, classification: L2}
      - {name: category, physicalName: bjlb, logicalType: string, semanticType: cn.police_incident_type, classification: L2}
      - {name: address, physicalName: afdz, logicalType: string, semanticType: cn.address, classification: L3}
      - {name: longitude, physicalName: zbx, logicalType: number, semanticType: geo.gcj02.longitude, classification: L3}
      - {name: latitude, physicalName: zby, logicalType: number, semanticType: geo.gcj02.latitude, classification: L3}
      - {name: caller_phone, physicalName: bjdh, logicalType: string, semanticType: cn.phone, classification: L4, tags: [sensitive]}
      - {name: state, physicalName: zt, logicalType: string, required: true, classification: L1, enum: [{value: received}, {value: dispatched}, {value: closed}]}
      - {name: updated_at, physicalName: gxsj, logicalType: timestamp, required: true, classification: L1}
"""


def write(folder: Path, text: str, name: str = "police_110.odcs.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str) -> list[Problem]:
    contract, found = check_file(write(folder, text))
    assert (contract is None) == bool(found)
    return found


def changed(old: str, new: str) -> str:
    assert SKETCH.count(old) == 1, f"{old!r} must stand once in the sketch"
    return SKETCH.replace(old, new)


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


def test_the_sketch_is_accepted(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path, SKETCH))
    assert isinstance(contract, Contract)
    assert (contract.id, contract.owner, contract.legal_basis) == (
        "police_110",
        "区公安分局指挥中心",
        "zj-public-data-2022",
    )
    assert (contract.cadence_seconds, contract.freshness_seconds, contract.retention_days) == (60, 300, 1095)
    stream = contract.streams["incidents"]
    assert stream.cursor is not None and stream.cursor.name == "updated_at"
    assert [column.name for column in stream.primary_key] == ["incident_no"]
    assert stream.column("state").codes == {"received": "received", "dispatched": "dispatched", "closed": "closed"}
    assert stream.column("caller_phone").sensitive and stream.column("caller_phone").keeps_raw
    assert (stream.landing_schema, stream.landing_table) == ("landing", "police_110__incidents")
    server = contract.server_of(stream)
    assert (server.protocol, server.endpoint, server.timezone.key) == (
        "exchange_db",
        "${POLICE_110_HOST}",
        "Asia/Shanghai",
    )
    assert contract.purposes_of(stream.column("state")) == ("event_handling", "premises_safety")


PURPOSES = "  - {property: purposes, value: [event_handling, premises_safety]}\n"


def refusing(*entries: str) -> str:
    return f"{PURPOSES}  - property: refused\n    value:\n" + "".join(f"      - {entry}\n" for entry in entries)


ACKNOWLEDGE = '- {property: acknowledge, value: {column: clbz, waiting: "0", taken: "1"}}'
CURSOR = "- {property: cursor, value: updated_at}"
AGES = f"{CURSOR}\n      - {{property: expires, value: updated_at}}\n      "
MISTAKES = [
    # what the sketch says, what it says instead, where the problem is found, reason, remedy
    (ACKNOWLEDGE, "- {property: password, value: hunter2}", "server: exchange", "password is written out", "environment"),
    (ACKNOWLEDGE, "- {property: pasword, value: x}", "pasword", "'pasword' is not understood", "password"),
    ("value: exchange_db", "value: telepathy", "server: exchange", "protocol 'telepathy' is unknown", "exchange_db"),
    (ACKNOWLEDGE, "- {property: crs, value: mars}", "server: exchange", "CRS 'mars' is unknown", "gcj02"),
    ("  - {property: legalBasis, value: zj-public-data-2022}\n", "", "apiVersion", "no legal basis", "legalBasis"),
    ("value: [event_handling, premises_safety]", "value: []", "apiVersion", "no permitted purposes", "at least one"),
    ("property: cursor", "property: cursr", "cursr", "'cursr' is not understood", "cursor"),
    ("team: {name: 区公安分局指挥中心}\n", "", "apiVersion", "no owner", "owning department"),
    ("  - {property: retention, value: 3, unit: year}\n", "", "frequency", "retention is missing", "retention"),
    ("{property: latency, value: 5, unit: minute}", "{property: latency, value: 5, unit: fortnight}", "frequency",
     "latency is no length of time", "minute"),
    ("id: police_110", "id: 110-police", "id: 110", "'110-police' is no identifier", "a-z"),
    ("value: changes}", "value: some}", "name: incidents", "load 'some' is unknown", "changes | snapshot | messages"),
    ("property: cursor, value: updated_at", "property: cursor, value: category", "name: incidents",
     "cursor category is no timestamp column", "timestamp"),
    ("property: cursor, value: updated_at", "property: cursor, value: changed_at", "name: incidents",
     "cursor changed_at is no timestamp column", "timestamp"),
    ("name: updated_at, physicalName: gxsj, logicalType: timestamp, required: true",
     "name: updated_at, physicalName: gxsj, logicalType: timestamp", "name: incidents",
     "cursor updated_at may be missing", "required: true"),
    ("primaryKey: true, ", "", "name: incidents", "no primary key", "Mark it"),
    ("logicalType: string, required: true, classification: L1", "logicalType: string, required: true", "name: state",
     "state is not classified", "L1 | L2 | L3 | L4"),
    ("physicalName: zt, logicalType: string", "physicalName: zt, logicalType: object", "name: state",
     "logicalType 'object' cannot be landed", "string"),
    ("semanticType: cn.phone", "semanticType: cn.telephone", "name: caller_phone", "'cn.telephone' is unknown", "cn.phone"),
    ("zbx, logicalType: number", "zbx, logicalType: string", "name: longitude",
     "geo.gcj02.longitude does not fit logicalType string", "number"),
    ("name: latitude, ", "name: longitude, ", "name: incidents", "the name longitude stands twice", "once"),
    (PURPOSES, refusing("{field: BJDH, reason: who called is nobody's business}"), "name: caller_phone",
     "bjdh must never be taken in: who called is nobody's business", "Take it out"),
    (PURPOSES, refusing("{object: T_JQ, reason: plates}"), "name: incidents", "t_jq must never be taken in: plates", "Take it"),
    (PURPOSES, PURPOSES + "  - {property: refused, value: xm}\n", "property: refused", "refused is no list", "field"),
    (PURPOSES, refusing("{field: xm}"), "field: xm", "does not say what is refused and why", "reason: TEXT"),
    (PURPOSES, refusing("{field: xm, object: t, reason: x}"), "field: xm", "does not say what is refused", "reason: TEXT"),
    (PURPOSES, refusing("{field: xm, reason: x}", "{field: XM, reason: y}"), "field: XM", "XM is refused twice", "Keep one"),
    ("physicalName: zby", "physicalName: zbx", "name: incidents", "the physical_name zbx stands twice", "once"),
    ("name: category", "name: category_raw", "category_raw", "'category_raw' is no column name", "_raw"),
    ("name: category", "name: Category", "Category", "'Category' is no column name", "a-z"),
    ("tags: [sensitive]}", "tags: [sensitive], customProperties: [{property: onInvalid, value: ignore}]}",
     "name: caller_phone", "onInvalid is unknown", "quarantine or withhold"),
    ("logicalType: string, required: true, classification: L1",
     "logicalType: string, required: true, classification: L1, customProperties: [{property: onInvalid, value: withhold}]",
     "name: state", "state is required and cannot be withheld", "Drop one"),
    ("      - {property: timezone, value: Asia/Shanghai}", "      - {property: timezone, value: Asia/Hangzhou}",
     "server: exchange", "the time zone 'Asia/Hangzhou' is unknown", "Asia/Shanghai"),
    (ACKNOWLEDGE, "- {property: encoding, value: gbk2}", "server: exchange", "the encoding 'gbk2' is unknown", "gb18030"),
    ("    host: ${POLICE_110_HOST}\n", "", "server: exchange", "no endpoint", "${NAME}"),
    ("cursor, value: updated_at}\n", "cursor, value: updated_at}\n      - {property: source, value: jq}\n",
     "name: incidents", "source is no mapping", "{name: value}"),
    ("tags: [sensitive]}", "tags: [sensitive], customProperties: [{property: codes, value: [a]}]}",
     "name: caller_phone", "codes of caller_phone are no mapping", "{theirs: ours}"),
    ("tags: [sensitive]}", "tags: [sensitive], customProperties: [{property: purposes, value: event_handling}]}",
     "name: caller_phone", "purposes of caller_phone are no list", "Name those"),
    ("tags: [sensitive]}", "tags: [sensitive], customProperties: [{property: purposes, value: [welfare_delivery]}]}",
     "name: caller_phone", "may serve welfare_delivery, which the contract does not permit", "event_handling"),
    ("name: 110联动平台\n", "name: 110联动平台\nname: 119平台\n", "name: 119", "stands twice in one mapping", "Keep one"),
    ("- {property: legalBasis", "- {property: catalogueNumber, value: one}\n  - {property: legalBasis", "apiVersion",
     "catalogueNumber is no number", "from 1"),
    ("  purpose: Police dispatch incidents, for handling events and for the safety of premises and grids.\n", "",
     "limitations", "says not what the data are taken in for", "one sentence"),
    ("apiVersion: v3.2.0", "apiVersion: v9.9.9", "apiVersion", "v9.9.9", "Open Data Contract Standard"),
    (ACKNOWLEDGE, "- {property: signer, value: rot13}", "server: exchange", "signer 'rot13' is unknown", "hmac_sm3"),
    (CURSOR, f"{CURSOR}\n      - {{property: quietDays, value: 0}}", "name: incidents", "quietDays 0 is no number", "3650"),
    (CURSOR, f"{AGES}- {{property: standsWhile, value: open}}", "name: incidents", "is no list of mappings", "[{column"),
    (CURSOR, f"{AGES}- {{property: standsWhile, value: [{{colour: red}}]}}", "name: incidents", "is no property", "Name a"),
    (CURSOR, f"{AGES}- {{property: standsWhile, value: [{{address: x}}]}}", "name: incidents", "neither codes", "null"),
    (CURSOR, f"{CURSOR}\n      - {{property: standsWhile, value: [{{address: null}}]}}", "name: incidents",
     "nothing of it ages", "Add expires"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "place", "reason", "remedy"), MISTAKES, ids=[m[3][:40] for m in MISTAKES])
def test_a_mistake_is_refused_with_its_line_and_remedy(
    tmp_path: Path, old: str, new: str, place: str, reason: str, remedy: str
) -> None:
    text = changed(old, new)
    found = problems(tmp_path, text)
    assert len(found) == 1, [str(problem) for problem in found]
    assert reason in found[0].reason
    assert remedy in found[0].remedy
    assert found[0].line == line_of(text, place), str(found[0])
    assert str(found[0]).startswith(f"police_110.odcs.yaml:{found[0].line}: ")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = SKETCH
    for old, new, *_ in (MISTAKES[0], MISTAKES[4], MISTAKES[16], MISTAKES[18], MISTAKES[20]):
        text = text.replace(old, new)
    reasons = " ".join(problem.reason for problem in problems(tmp_path, text))
    for reason in ("written out", "no legal basis", "not classified", "is unknown", "stands twice"):
        assert reason in reasons


def test_a_mistake_against_the_standard_does_not_hide_those_against_our_rules(tmp_path: Path) -> None:
    text = SKETCH.replace("v3.2.0", "v9.9.9").replace("value: exchange_db", "value: telepathy")
    reasons = " ".join(problem.reason for problem in problems(tmp_path, text))
    assert "v9.9.9" in reasons and "telepathy" in reasons


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("id: a\nname: b: c\n", 2, "mapping values are not allowed"),
        ("- a\n- b\n", 1, "is not a mapping"),
        ("", 1, "is not a mapping"),
        ("just words", 1, "is not a mapping"),
    ],
)
def test_what_is_no_contract_at_all(tmp_path: Path, text: str, line: int, reason: str) -> None:
    found = problems(tmp_path, text)
    assert [(problem.line, reason in problem.reason) for problem in found] == [(line, True)]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "x.odcs.yaml"
    broken.write_bytes("id: 名".encode("gbk"))
    assert "cannot be read" in check_file(broken)[1][0].reason
    assert "cannot be read" in check_file(tmp_path / "none.odcs.yaml")[1][0].reason


@pytest.mark.parametrize(
    "text",
    [
        SKETCH.replace("servers:", "servers: 3\nx-servers:"),
        SKETCH.replace("    properties:", "    x-properties:"),
        SKETCH.replace("schema:", "x-schema:"),
        SKETCH.replace("slaProperties:", "x-slaProperties:"),
        SKETCH.replace(
            "customProperties:\n  - {property: legalBasis", "customProperties:\n  - 7\n  - {property: legalBasis"
        ),
        SKETCH.replace("team: {name: 区公安分局指挥中心}", "team: 7"),
        SKETCH.replace("description:\n", "description: 7\nx-description:\n"),
        SKETCH.replace("schema:\n  - name", "schema:\n  - 7\n  - name"),
        SKETCH.replace("    properties:\n", "    properties:\n      - 7\n"),
        SKETCH.replace("slaProperties:\n", "slaProperties:\n  - 7\n"),
        SKETCH.replace("enum: [{value: received}", "enum: [7, {value: received}"),
    ],
)
def test_any_shape_gives_problems_and_never_an_exception(tmp_path: Path, text: str) -> None:
    assert text != SKETCH
    assert problems(tmp_path, text)


@pytest.mark.parametrize("target", ["nowhere.yaml", "link.odcs.yaml"], ids=["dangling", "loop"])
def test_a_link_to_no_file_stops_its_own_system_alone(tmp_path: Path, target: str) -> None:
    write(tmp_path, SKETCH)
    (tmp_path / "link.odcs.yaml").symlink_to(target)
    assert list(load_contracts(tmp_path)) == ["police_110"]
    (broken,) = broken_contracts(tmp_path)
    assert broken.system == "link" and "cannot be read" in str(broken)


def test_a_bad_file_stops_its_own_system_alone(tmp_path: Path) -> None:
    write(tmp_path, SKETCH)
    bad = write(
        tmp_path,
        changed("value: exchange_db", "value: telepathy").replace("id: police_110", "id: second"),
        "second.odcs.yaml",
    )
    write(tmp_path, "no: [yaml", "third.odcs.yaml")
    assert list(load_contracts(tmp_path)) == ["police_110"]
    second, third = broken_contracts(tmp_path)
    assert (second.system, second.path, third.system) == ("second", bad, "third")
    assert "telepathy" in str(second) and "third.odcs.yaml:" in str(third)
    assert all(problem.line and problem.remedy for each in (second, third) for problem in each.problems)
    write(tmp_path, SKETCH.replace("id: police_110", "id: second"), "second.odcs.yaml")
    (tmp_path / "third.odcs.yaml").unlink()
    assert set(load_contracts(tmp_path, whole=True)) == {"police_110", "second"}, "mended, it is read at once"


@pytest.mark.parametrize(
    ("old", "again", "place"),
    [
        (PURPOSES, "  - {property: purposes, value: [any]}\n", "purposes, value: [any]"),
        (PURPOSES, refusing("{field: xm, reason: x}")[len(PURPOSES) :] * 2, "field: xm"),
        (
            "      - {property: protocol, value: exchange_db}\n",
            "      - {property: protocol, value: mqtt}\n",
            "value: mqtt",
        ),
        (
            "      - {property: cursor, value: updated_at}\n",
            "      - {property: cursor, value: reported_at}\n",
            "value: reported_at",
        ),
        (
            "tags: [sensitive]",
            ", customProperties: [{property: onInvalid, value: withhold}, {property: onInvalid, value: quarantine}]",
            "name: caller_phone",
        ),
        (
            "  - {property: latency, value: 5, unit: minute}\n",
            "  - {property: latency, value: 9, unit: day}\n",
            "value: 9",
        ),
    ],
    ids=["root", "refused", "server", "stream", "column", "service level"],
)
def test_a_property_that_stands_twice_is_refused(tmp_path: Path, old: str, again: str, place: str) -> None:
    text = changed(old, old + again)
    (found,) = (problem for problem in problems(tmp_path, text) if "stands twice" in problem.reason)
    assert found.line >= line_of(text, place) and "Keep one" in found.remedy, str(found)


def test_a_server_that_stands_twice_is_refused(tmp_path: Path) -> None:
    listed = SKETCH[SKETCH.index("  - server: exchange") : SKETCH.index("slaProperties:")]
    (found,) = problems(tmp_path, SKETCH.replace(listed, listed * 2))
    assert "the server exchange stands twice" in found.reason and "Rename one" in found.remedy


BOMB = "".join(f"a{level + 1}: &a{level + 1} [{', '.join([f'*a{level}'] * 9)}]\n" for level in range(9))
HOSTILE = {
    "inf": (changed("frequency, value: 1,", "frequency, value: .inf,"), "frequency is no length of time"),
    "nan": (changed("frequency, value: 1,", "frequency, value: .nan,"), "frequency is no length of time"),
    "huge": (changed("retention, value: 3,", "retention, value: 1.0e+308,"), "retention is no length of time"),
    **{
        f"{bound} {value}"[:20]: (
            changed(
                "zbx, logicalType: number,", f"zbx, logicalType: number, logicalTypeOptions: {{{bound}: {value}}},"
            ),
            f"the {bound} of longitude is no finite number",
        )
        for bound, value in (("minimum", ".nan"), ("maximum", ".inf"), ("minimum", "-.inf"), ("maximum", 10**400))
    },
    "endless digits": (
        changed("retention, value: 3,", f"retention, value: {10**400},"),
        "retention is no length of time",
    ),
    "enum": (changed("[{value: received},", "[{description: a},"), '"value" is a required property'),
    "holds itself": (SKETCH + "a: &a [*a]\n", "the reference *a"),
    "bomb": (SKETCH + "a0: &a0 [x]\n" + BOMB, "the reference *a0"),
    "deep": (SKETCH + "a: " + "[" * 3000 + "]" * 3000 + "\n", "nested too deeply"),
    "so deep that libyaml dies": (SKETCH + "a: " + "[" * 100_000 + "]" * 100_000 + "\n", "nested too deeply"),
    "no such day": (changed("version: 1.0.0", "version: 2026-02-30"), "cannot be judged"),
    "a date as key": (SKETCH + "2026-02-03: a\n", "cannot be judged"),
    "server's property": (changed("value: exchange_db", "value: [exchange_db]"), "cannot be judged"),
    "server's properties": (changed(ACKNOWLEDGE, "- 7"), "cannot be judged"),
}


@pytest.mark.parametrize(("text", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_what_no_rule_foresees_stops_its_own_system_alone(tmp_path: Path, text: str, reason: str) -> None:
    assert reason in " ".join(problem.reason for problem in problems(tmp_path, text))
    write(tmp_path, SKETCH.replace("id: police_110", "id: second"), "second.odcs.yaml")
    assert list(load_contracts(tmp_path)) == ["second"]
    (broken,) = broken_contracts(tmp_path)
    assert broken.system == "police_110"
    assert all(problem.line and problem.remedy for problem in broken.problems)


def test_where_all_are_needed_all_mistakes_of_all_files_are_told(tmp_path: Path) -> None:
    write(tmp_path, changed("value: exchange_db", "value: telepathy"))
    write(tmp_path, changed("team: {name: 区公安分局指挥中心}\n", ""), "second.odcs.yaml")
    with pytest.raises(ContractError) as caught:
        load_contracts(tmp_path, whole=True)
    assert {problem.file.name for problem in caught.value.problems} == {"police_110.odcs.yaml", "second.odcs.yaml"}
    assert "telepathy" in str(caught.value) and "no owner" in str(caught.value)


def test_of_one_id_in_two_files_neither_is_loaded(tmp_path: Path) -> None:
    write(tmp_path, SKETCH)
    write(tmp_path, SKETCH, "zweite.odcs.yaml")
    assert load_contracts(tmp_path) == {}
    first, second = broken_contracts(tmp_path)
    assert "the id police_110 stands in two files, zweite.odcs.yaml being the other" in str(first)
    assert "the id police_110 stands in two files, police_110.odcs.yaml being the other" in str(second)


def test_one_number_in_two_files_is_refused(tmp_path: Path) -> None:
    first = changed("- {property: legalBasis", "- {property: catalogueNumber, value: 1}\n  - {property: legalBasis")
    contract = load_contract(write(tmp_path, first))
    assert contract.number == 1
    write(tmp_path, first.replace("id: police_110", "id: police_111"), "second.odcs.yaml")
    one, two = broken_contracts(tmp_path)
    assert "the number 1 stands in second.odcs.yaml too" in str(one)
    assert "the number 1 stands in police_110.odcs.yaml too" in str(two)
    assert load_contracts(tmp_path) == {}, "which of them has the number is for a person to say"


@pytest.mark.parametrize("given", ["fire-119", "fire.119", "Fire", "fire 119", "'fire", "[fire]"])
def test_a_broken_file_is_not_named_by_half_an_id(tmp_path: Path, given: str) -> None:
    write(tmp_path, f"id: {given}\nno: [yaml", "fire_119.odcs.yaml")
    assert [broken.system for broken in broken_contracts(tmp_path)] == ["fire_119"]


@pytest.mark.parametrize("given", ["fire_119", "'fire_119'", '"fire_119"  # theirs', "fire_119   "])
def test_a_broken_file_is_named_by_its_own_id(tmp_path: Path, given: str) -> None:
    write(tmp_path, f"id: {given}\nno: [yaml", "x.odcs.yaml")
    assert [broken.system for broken in broken_contracts(tmp_path)] == ["fire_119"]


@pytest.mark.parametrize("copy", ["kopie.odcs.yaml", "zweite.odcs.yaml"])
def test_of_a_good_file_and_a_broken_copy_neither_is_loaded(tmp_path: Path, copy: str) -> None:
    good = write(tmp_path, SKETCH)
    write(tmp_path, changed("value: exchange_db", "value: telepathy"), copy)
    assert load_contracts(tmp_path) == {}
    assert {broken.system for broken in broken_contracts(tmp_path)} == {"police_110"}
    told = {broken.path: str(broken) for broken in broken_contracts(tmp_path)}
    assert f"stands in two files, {copy} being the other" in told[good] and "telepathy" in told[tmp_path / copy]


@pytest.mark.parametrize("name", ["host", "endpoint", "allowedHosts"])
@pytest.mark.parametrize("address", ["mysql://root:secret@h/db", "jdbc:mysql://root:secret@h/db", "root:secret@h"])
def test_a_password_in_a_servers_address_is_refused(tmp_path: Path, name: str, address: str) -> None:
    if name == "host":
        text = changed("host: ${POLICE_110_HOST}", f'host: "{address}"')
    else:
        value = f'["{address}"]' if name == "allowedHosts" else f'"{address}"'
        text = changed(ACKNOWLEDGE, f"- {{property: {name}, value: {value}}}")
    (found,) = problems(tmp_path, text)
    assert f"{name} holds a password" in found.reason and "${NAME}" in found.remedy
    assert found.line == line_of(text, "server: exchange") and "secret" not in str(found)


@pytest.mark.parametrize(
    "query",
    ["?password=hunter2", "?a=b&PWD=hunter2", "?access_token=hunter2", ";p%61ssword=hunter2", " password=hunter2"],
)
def test_a_password_in_the_query_of_an_address_is_refused(tmp_path: Path, query: str) -> None:
    (found,) = problems(tmp_path, changed("host: ${POLICE_110_HOST}", f'host: "mysql://root@h/db{query}"'))
    assert "host holds a password" in found.reason and "hunter2" not in str(found)
    named = query.replace("hunter2", "${POLICE_110_PASSWORD}")
    assert (
        problems(tmp_path, changed("host: ${POLICE_110_HOST}", f'host: "mysql://root@h/db{named}&charset=utf8"')) == []
    )


@pytest.mark.parametrize(
    "address",
    ["mysql://root:${POLICE_110_PASSWORD}@h/db", "mysql://${ME}:${IT}@h:3306/db", "mysql://root@h/db", "h:3306", "root:@h"],
)  # fmt: skip
def test_an_address_without_a_password_is_accepted(tmp_path: Path, address: str) -> None:
    assert problems(tmp_path, changed("host: ${POLICE_110_HOST}", f'host: "{address}"')) == []


def test_the_environment_gives_addresses_and_a_missing_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = load_contract(write(tmp_path, SKETCH)).servers["exchange"]
    monkeypatch.delenv("POLICE_110_HOST", raising=False)
    with pytest.raises(Permanent, match="POLICE_110_HOST is not set"):
        resolve_server(server)
    monkeypatch.setenv("POLICE_110_HOST", "127.0.0.1")
    assert resolve_server(server).endpoint == "127.0.0.1"
    assert resolve_value({"a": ["x${POLICE_110_HOST}y", 3]}) == {"a": ["x127.0.0.1y", 3]}
