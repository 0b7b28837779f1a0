# ruff: noqa: E501 (a case a line, as far as it goes)
"""Messages of queues and topics, and bodies of webhooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.errors import ContractViolation
from tests.corpus.calls import dumped
from tests.corpus.cases import Case, Ends, Read, Refused, Row, good_rows
from tests.corpus.values import spoilt_cases


def messages(rows: list[Row]) -> list[bytes]:
    """One message a row, absent fields left out."""
    return [dumped({name: value for name, value in row.items() if value is not None}) for row in rows]


def message_cases() -> list[Case]:
    sound, more = messages(good_rows()), good_rows(9)[-1]
    nine = dumped(more)

    def one_more(payload: bytes) -> Callable[[], list[bytes]]:
        return lambda: [*sound, payload]

    malformed = Read(7, ((None, "malformed_json"),))
    broken: list[tuple[str, Callable[[], list[bytes]], Ends]] = [
        ("empty", one_more(b""), malformed),
        ("text", one_more(b"hello"), malformed),
        ("a_number", one_more(b"7"), malformed),
        ("a_string", one_more(b'"x"'), malformed),
        ("null", one_more(b"null"), malformed),
        ("empty_object", one_more(b"{}"), Read(7, ((None, "id:missing_required"),))),
        ("only_empty_objects", lambda: [b"{}", b"{}"], Read(2, ((None, "id:missing_required"),) * 2)),
        ("empty_array", one_more(b"[]"), Read(6)),
        ("array_of_two", one_more(b"[" + nine + b"," + nine.replace(b"R0009", b"R0010") + b"]"), Read(8)),
        ("array_of_numbers", one_more(b"[1,2]"), Read(8, ((None, "malformed_json"),) * 2)),
        ("array_in_an_array", one_more(b"[[" + nine + b"]]"), Read(7, (("R0009", "malformed_json"),))),
        ("two_objects", one_more(nine + b"\n" + nine), Read(7, (("R0009", "malformed_json"),))),
        ("closing_the_page", one_more(b"{}],[{}"), malformed),
        ("comma_injected", one_more(nine + b"," + nine), Read(7, (("R0009", "malformed_json"),))),
        ("cut", one_more(nine[:-10]), Read(7, (("R0009", "malformed_json"),))),
        ("bytes_of_gbk", one_more(nine.replace("第9号".encode(), "第9号".encode("gbk"))),
         Read(7, (("R0009", "undecodable_text"),))),
        ("protobuf", one_more(b"\x08\x96\x01\xff\xfe"), Read(7, ((None, "undecodable_text"),))),
        ("mark_in_front", one_more(b"\xef\xbb\xbf" + nine), Read(7, (("R0009", "malformed_json"),))),
        ("half_a_surrogate", one_more(nine.replace("第9号".encode(), b"\\ud800")), Read(7, (("R0009", ""),))),
        ("not_a_number", one_more(nine.replace(b'"9.50"', b"NaN")), Read(7, (("R0009", "malformed_json"),))),
        ("nested_deeply", one_more(b"[" * 100_000 + b"]" * 100_000), malformed),
        ("value_nested_deeply", one_more(nine.replace('"第9号"'.encode(), b"[" * 900 + b"]" * 900)), Read(7)),
        ("key_twice", one_more(nine[:-1] + b',"bz":"again"}'), Read(7)),
        ("no_required_field", one_more(b'{"bh":"R0009"}'), Read(7, (("R0009", "name:missing_required"),))),
        ("fields_of_another_system", lambda: [b'{"deviceId":"1"}'] * 200,
         Refused(ContractViolation, "no longer sends", "mend the contract")),
        ("ten_thousand_fields", one_more(dumped(more | {f"c{n}": "x" for n in range(10_000)})),
         Read(7, (("R0009", "malformed_json"),))),
        ("integer_of_500_digits", one_more(nine.replace(b'"9.50"', b"9" * 500)),
         Read(7, (("R0009", "malformed_json"),))),
        ("oversized_message", lambda: [*sound, nine[:-1] + b" " * (2 << 20) + b"}"], Read(7, (("R0009", "malformed_json"),))),
        ("same_message_twice", one_more(sound[0]), Read(7)),
    ]  # fmt: skip
    # A message has a cap of its own, and of a larger one only the beginning is kept.
    cut: dict[str, Ends | None] = {"oversized": Read(6, ((None, "malformed_json"),))}
    return spoilt_cases("message", messages, but=cut) + [
        Case(f"message/{name}", "message", body, ends) for name, body, ends in broken
    ]


def webhook_cases() -> list[Case]:
    """Deliveries that are answered with an HTTP status and never stored. `ends` of the answer is in the options."""
    body = dumped(good_rows(1)[0])
    refused: list[tuple[str, Callable[[], bytes], int, str, dict[str, Any]]] = [
        ("empty", lambda: b"", 400, "no JSON", {}),
        ("text", lambda: b"hello", 400, "no JSON", {}),
        ("a_number", lambda: b"7", 400, "object or an array", {}),
        ("null", lambda: b"null", 400, "object or an array", {}),
        ("empty_array", lambda: b"[]", 400, "array of 1 to", {}),
        ("array_of_numbers", lambda: b"[1]", 400, "object or an array", {}),
        ("five_hundred_and_one", lambda: b"[" + b",".join([body] * 501) + b"]", 400, "array of 1 to 500", {}),
        ("nested_deeply", lambda: b"[" * 500_000 + b"]" * 500_000, 400, "no JSON", {}),
        ("bytes_of_gbk", lambda: body.replace("第1号".encode(), "第1号".encode("gbk")), 400, "no JSON", {}),
        ("two_megabytes", lambda: b"[" + b" " * (2 << 20) + b"]", 413, "more than", {}),
        ("wrong_signature", lambda: body, 401, "signature is wrong", {"X-Signature": "AAAA"}),
        ("signature_of_no_ascii", lambda: body, 401, "signature is wrong", {"X-Signature": "\xff"}),
        ("no_signature", lambda: body, 401, "signature is wrong", {"X-Signature": ""}),
        ("old", lambda: body, 401, "minutes off", {"X-Timestamp": "1500000000000"}),
        ("timestamp_of_words", lambda: body, 401, "X-Timestamp", {"X-Timestamp": "yesterday"}),
        ("nonce_of_a_path", lambda: body, 401, "X-Nonce", {"X-Nonce": "../../../../etc"}),
        ("unknown_hook", lambda: body, 404, "no such hook", {"path": "/hooks/police_911"}),
        ("hook_of_a_path", lambda: body, 404, "Not Found", {"path": "/hooks/..%2f..%2fetc"}),
    ]
    return [
        Case(f"webhook/{name}", "webhook", made, Refused(PermissionError, says), {"status": status, "headers": headers})
        for name, made, status, says, headers in refused
    ]
