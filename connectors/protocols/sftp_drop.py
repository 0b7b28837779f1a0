"""The drop directory of an SFTP server: list it, fetch from it, trust only the pinned host key.

The connection is made when first needed and again when it was lost; a download carries on at the byte where it
broke. Every error says whether waiting helps (`Retriable`) or a person must act (`Permanent`).
"""

from __future__ import annotations

import fnmatch
import hashlib
import random
import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

import asyncssh
from asyncssh.constants import FILEXFER_TYPE_REGULAR

from connectors.contract import Server
from connectors.errors import ContractViolation, IntakeError, Permanent, Retriable
from connectors.protocols.async_thread import AsyncThread

T = TypeVar("T")

CONNECT_SECONDS: Final = 15.0
STEP_SECONDS = 60.0
"""A listing or one block of a file must not take longer."""
DEADLINE_SECONDS = 1_800.0
"""Nor one file altogether."""
ATTEMPTS: Final = 4
BLOCK_BYTES: Final = 4 << 20
MAX_FILE_BYTES: Final = 4 << 30

_SAFE_NAME: Final = re.compile(r"[^/\\\x00-\x1f.][^/\\\x00-\x1f]{0,199}")
_UNFINISHED: Final = (".tmp", ".part", ".filepart", ".writing")


@dataclass(frozen=True)
class Entry:
    """A regular file of the drop directory; `mtime` in epoch seconds as the server tells it."""

    name: str
    size: int
    mtime: int


class Drop:
    """The directory of `endpoint` (`sftp://user:password@host:port/dir`), spoken to through `thread`'s loop.

    With `probing` nothing is tried twice until the server has answered.
    """

    def __init__(self, server: Server, thread: AsyncThread, *, probing: bool = False) -> None:
        parts = urlsplit(server.endpoint)
        if parts.scheme != "sftp" or not parts.hostname or not parts.username:
            raise Permanent(
                f"the endpoint of server {server.name} is no SFTP address", "Write sftp://user:password@host:port/dir"
            )
        self.host, self.port = parts.hostname, parts.port or 22
        self._user, self._password = unquote(parts.username), unquote(parts.password or "")
        self._directory = unquote(parts.path).rstrip("/") or "/"
        self._key = _pinned_key(server)
        self._thread = thread
        self._attempts = 1 if probing else ATTEMPTS
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._thread.run(self._abort(self._connection), CONNECT_SECONDS)
            self._connection = self._sftp = None

    def entries(self, pattern: str) -> list[Entry]:
        """Finished regular files whose names match `pattern`, by name. Links and unfinished files are left out."""
        names = self._insist(self._list)
        found = []
        for item in names:
            name = str(item.filename)
            if not fnmatch.fnmatchcase(name, pattern) or name.endswith(_UNFINISHED) or not _SAFE_NAME.fullmatch(name):
                continue
            if item.attrs.type == FILEXFER_TYPE_REGULAR:
                found.append(_entry(name, item.attrs))
        return sorted(found, key=lambda entry: entry.name)

    def fetch(self, entry: Entry, target: Path) -> str:
        """Download into `target` and give the SHA-256 (hex).

        Raises Retriable when the file is still being written, ContractViolation when it is larger than the cap.
        """
        if entry.size > MAX_FILE_BYTES:
            raise ContractViolation(
                f"{entry.name} has {entry.size} bytes, more than {MAX_FILE_BYTES}", "Ask the owner what it is"
            )
        digest, deadline = hashlib.sha256(), time.monotonic() + DEADLINE_SECONDS
        with target.open("wb") as file:
            while file.tell() < entry.size:
                if time.monotonic() > deadline:
                    raise Retriable(f"{entry.name} did not come within {DEADLINE_SECONDS:.0f} s", "Tried again later")
                offset = file.tell()
                size = min(BLOCK_BYTES, entry.size - offset)
                block = self._insist(lambda: self._read(entry.name, offset, size))  # noqa: B023 - used at once
                if not block:
                    break
                file.write(block)
                digest.update(block)
            received = file.tell()
        now = self._insist(lambda: self._stat(entry.name))
        if received != entry.size or now != entry:
            raise Retriable(f"{entry.name} changed while it was read", "It is still being written; tried again later")
        return digest.hexdigest()

    async def _abort(self, connection: asyncssh.SSHClientConnection) -> None:
        connection.abort()

    async def _list(self) -> Any:
        return await (await self._client()).readdir(self._directory)

    async def _read(self, name: str, offset: int, size: int) -> bytes:
        async with (await self._client()).open(self._path(name), "rb") as file:
            # What `read` would put together in a buffer that grows, and copy once more.
            parts = [part async for part in await file.read_parallel(size, offset)]
            return b"".join(data for _, data in sorted(parts))

    async def _stat(self, name: str) -> Entry:
        return _entry(name, await (await self._client()).lstat(self._path(name)))

    def _path(self, name: str) -> str:
        return f"{self._directory.rstrip('/')}/{name}"

    async def _client(self) -> asyncssh.SFTPClient:
        if self._sftp is None:
            self._connection = await asyncssh.connect(
                self.host,
                self.port,
                username=self._user,
                password=self._password,
                known_hosts=([self._key], [], []),
                preferred_auth="password,keyboard-interactive",
                client_keys=None,
                agent_path=None,
                config=None,
                connect_timeout=CONNECT_SECONDS,
                login_timeout=CONNECT_SECONDS,
                keepalive_interval=15,
            )
            self._sftp = await self._connection.start_sftp_client()
        return self._sftp

    def _insist(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work`, reconnecting after a loss, a bounded number of times with growing, jittered pauses."""
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._thread.run(work(), STEP_SECONDS)
            except (asyncssh.Error, asyncssh.SFTPError, OSError) as error:
                self.close()
                failure = self._explain(error)
                if isinstance(failure, Permanent) or attempt >= self._attempts:
                    raise failure from error
                time.sleep(0.2 * 2**attempt * random.uniform(0.5, 1))
            else:
                self._attempts = ATTEMPTS
                return answer

    def _explain(self, error: Exception) -> IntakeError:
        where = f"{self.host}:{self.port}"
        match error:
            case asyncssh.HostKeyNotVerifiable() | asyncssh.KeyExchangeFailed():
                return Permanent(
                    f"{where} does not have the pinned host key",
                    "Ask the owner on another way whether the key was changed; only then set hostKey anew",
                )
            case asyncssh.PermissionDenied():
                return Permanent(f"{where} refuses user or password", "Ask the owner for valid credentials")
            case asyncssh.SFTPNoSuchFile() | asyncssh.SFTPNoSuchPath() | asyncssh.SFTPPermissionDenied():
                return Permanent(f"{where} gives no access to {self._directory}", "Check the directory with the owner")
            case TimeoutError():
                return Retriable(f"{where} does not answer in time", "Tried again later")
            case _:
                return Retriable(f"the connection to {where} failed ({type(error).__name__})", "Tried again later")


def _entry(name: str, attrs: asyncssh.SFTPAttrs) -> Entry:
    return Entry(name, int(attrs.size or 0), int(attrs.mtime or 0))


def _pinned_key(server: Server) -> asyncssh.SSHKey:
    line = str(server.get("hostKey") or "")
    try:
        return asyncssh.import_public_key(line)
    except (asyncssh.KeyImportError, ValueError) as error:
        raise Permanent(
            f"server {server.name} has no valid pinned host key",
            "Set hostKey to the server's OpenSSH public key line (ssh-keyscan HOST, compared with the owner's)",
        ) from error
