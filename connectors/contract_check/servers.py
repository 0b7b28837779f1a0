"""Rules for the servers of a contract: how a system is reached, and that no secret is written out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from connectors.contract import Server
from connectors.contract_file import ContractFile, Place
from connectors.contract_keys import SERVER_KEYS, SERVER_OF_ALL, server_misuse
from connectors.encodings import ENCODINGS
from connectors.interfaces import PROTOCOLS, SIGNERS

CRS = ("wgs84", "cgcs2000", "gcj02", "bd09")

_KNOWN = SERVER_OF_ALL.union(*SERVER_KEYS.values())
_SECRETS = {"password", "appSecret", "secret"}
_PASSWORD = re.compile(r"(?:[\w+.:-]*://)?+[^:/@\s]*:(?!\$\{[A-Z][A-Z0-9_]*\}@)[^@]+@")
"""`[scheme://]user:password@…` with a password that is no `${NAME}`."""
_PASSWORD_IN_QUERY = re.compile(
    r"(?:^|[?&;\s])[\w.-]*(?:password|passwd|passphrase|pwd|secret|token|api_?key)=(?!\$\{[A-Z][A-Z0-9_]*\}(?:[&;#\s]|$))[^&;#\s]",
    re.IGNORECASE,
)


def servers_of(file: ContractFile) -> dict[str, Server]:
    servers: dict[str, Server] = {}
    listed = file.document.get("servers")
    if not isinstance(listed, list) or not listed:
        file.problem(("servers",), "no server", "Add a server with its protocol and endpoint.")
        return servers
    for index, node in enumerate(listed):
        where: Place = ("servers", index)
        if not isinstance(node, dict) or not node.get("server"):
            file.problem(where, "a server without a name", "Add server: NAME.")
            continue
        before = len(file.problems)
        if str(node["server"]) in servers:
            file.problem(where, f"the server {node['server']} stands twice", "Rename one, or remove it.")
        properties = file.properties(node, where, _KNOWN)
        if "endpoint" not in properties and node.get("host"):
            properties["endpoint"] = str(node["host"])
        if properties.get("protocol") not in PROTOCOLS:
            file.problem(
                where,
                f"the protocol {properties.get('protocol')!r} is unknown",
                f"Use: {', '.join(PROTOCOLS)}.",
            )
        if not properties.get("endpoint"):
            file.problem(where, "no endpoint", "Add customProperties endpoint: ${NAME}, named in the environment.")
        if str(properties.get("encoding", "utf-8")).lower().replace("_", "-") not in ENCODINGS:
            reason = f"the encoding {properties['encoding']!r} is unknown"
            file.problem(where, reason, f"Use one of: {', '.join(ENCODINGS)}.")
        if not _is_timezone(properties.get("timezone", "Asia/Shanghai")):
            reason = f"the time zone {properties['timezone']!r} is unknown"
            file.problem(where, reason, "Use a name of the tz database, such as Asia/Shanghai.")
        if properties.get("crs", "wgs84") not in CRS:
            file.problem(where, f"the CRS {properties['crs']!r} is unknown", f"Use one of: {', '.join(CRS)}.")
        if properties.get("signer", "md5_rotating") not in SIGNERS:
            reason = f"the signer {properties['signer']!r} is unknown"
            file.problem(where, reason, f"Use one of: {', '.join(SIGNERS)}.")
        for secret in _SECRETS & properties.keys():
            if not re.fullmatch(r"\$\{[A-Z][A-Z0-9_]*\}", str(properties[secret])):
                file.problem(where, f"{secret} is written out", "Name an environment variable: ${NAME}.")
        for name, value in ({"host": node.get("host")} | properties).items():
            if any(_PASSWORD.match(text) or _PASSWORD_IN_QUERY.search(unquote(text)) for text in _leaves(value)):
                file.problem(where, f"{name} holds a password", "Name an environment variable for it: ${NAME}.")
                break
        if len(file.problems) == before:
            for reason, remedy in server_misuse(str(properties["protocol"]), properties):
                file.problem(where, reason, remedy)
        servers[str(node["server"])] = Server(str(node["server"]), properties)
    return servers


def _is_timezone(name: Any) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, TypeError, ValueError, OSError):  # unknown, no text, no name, a folder
        return False
    return True


def _leaves(value: Any) -> Iterator[str]:
    """All texts of a value, however deep."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
