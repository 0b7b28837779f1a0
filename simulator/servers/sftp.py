"""The SFTP server on which offices drop their files: one account and one directory per system.

Faults: dead, reset, timeout, slow_drip, bad_signature (the password is refused), truncated (the files are cut in
half until the fault is cleared) and mixed_encoding (a `share` of the lines of CSV files is in another encoding).
Faults of the data are applied to the frame before the file is written.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import asyncssh

from simulator.faults import Faults
from simulator.servers.loop import ServerLoop


class SftpServer:
    """Serves `directory/served/<system>`; `put` keeps the originals in `directory/sent/<system>`.

    Files of an earlier start are served again. Passwords and the host key are new at every start.
    """

    def __init__(self, directory: Path, faults: Faults, systems: Iterable[str], port: int = 0) -> None:
        self.directory = directory
        self.faults = faults
        self.port = port
        self.passwords = {system: secrets.token_urlsafe(18) for system in systems}
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = ServerLoop("sftp-server")
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._lock = threading.Lock()
        self._spoilt: dict[str, dict[str, Any]] = {system: self._spoiling(system) for system in self.passwords}

    def start(self) -> None:
        for system in self.passwords:
            for stage in ("sent", "served"):
                (self.directory / stage / system).mkdir(parents=True, exist_ok=True)
            self._serve_all(system)
        self._loop.start()
        self._acceptor = self._loop.run(self._listen())
        self.port = self._acceptor.get_port()
        self.faults.subscribe(self._faults_changed)

    def stop(self) -> None:
        if self._acceptor is not None:
            self._loop.run(self._close(self._acceptor))
            self._acceptor = None
        self._loop.stop()

    def environment(self) -> dict[str, str]:
        """Endpoint and host key of every system, by the names that their contracts use."""
        key = self.host_key.export_public_key("openssh").decode().strip()
        named: dict[str, str] = {}
        for system, password in self.passwords.items():
            named[f"{system.upper()}_SFTP"] = f"sftp://{system}:{password}@127.0.0.1:{self.port}/"
            named[f"{system.upper()}_SFTP_HOST_KEY"] = key
        return named

    def put(self, system: str, filename: str, content: bytes) -> None:
        """Drop a file as the office would; the same content again changes nothing."""
        with self._lock:
            sent = self.directory / "sent" / system / filename
            if sent.exists() and sent.read_bytes() == content:
                return
            partial = sent.with_name(filename + ".part")
            partial.write_bytes(content)
            os.replace(partial, sent)
            self._serve(system, sent)

    def remove(self, system: str, filename: str) -> None:
        """Take a file away as an office tidying up would."""
        with self._lock:
            for stage in ("sent", "served"):
                (self.directory / stage / system / filename).unlink(missing_ok=True)

    def files(self, system: str) -> list[str]:
        return sorted(path.name for path in (self.directory / "sent" / system).iterdir())

    def _serve_all(self, system: str) -> None:
        for sent in sorted((self.directory / "sent" / system).iterdir()):
            if not sent.name.endswith(".part"):
                self._serve(system, sent)

    def _serve(self, system: str, sent: Path) -> None:
        served = self.directory / "served" / system / sent.name
        partial = served.with_name(sent.name + ".part")
        partial.unlink(missing_ok=True)
        if self._spoilt[system]:
            partial.write_bytes(_spoil(sent.name, sent.read_bytes(), self._spoilt[system]))
        else:
            os.link(sent, partial)
        os.replace(partial, served)
        partial.unlink(missing_ok=True)  # replacing a link by a link to the same file leaves both

    def _faults_changed(self) -> None:
        with self._lock:
            for system in self.passwords:
                spoiling = self._spoiling(system)
                if spoiling != self._spoilt[system]:
                    self._spoilt[system] = spoiling
                    self._serve_all(system)

    def _spoiling(self, system: str) -> dict[str, Any]:
        """The active faults that change the files themselves."""
        active = self.faults.active(system)
        return {fault: active[fault] for fault in ("truncated", "mixed_encoding") if fault in active}

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: _Account(self),
            "127.0.0.1",
            self.port,
            server_host_keys=[self.host_key],
            sftp_factory=lambda channel: _Directory(channel, self),
            allow_scp=False,
            agent_forwarding=False,
            config=None,
        )

    async def _close(self, acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        await acceptor.wait_closed()


def _spoil(name: str, content: bytes, faults: dict[str, Any]) -> bytes:
    if "truncated" in faults:
        return content[: len(content) // 2]
    if not name.endswith(".csv"):
        return content
    own, other = ("utf-8", "gb18030") if _is_utf8(content) else ("gb18030", "utf-8")
    every = max(1, round(1 / float(faults["mixed_encoding"].get("share", 0.1))))
    lines = content.split(b"\n")
    for number in range(every, len(lines), every):
        lines[number] = lines[number].decode(own, "replace").encode(other)
    return b"\n".join(lines)


def _is_utf8(content: bytes) -> bool:
    """Whether it is UTF-8 but for the bytes FF FF, which are in no encoding and stand where a view planted them."""
    try:
        content.replace(b"\xff\xff", b"").decode()
    except UnicodeDecodeError:
        return False
    return True


class _Account(asyncssh.SSHServer):  # type: ignore[misc]
    """Password accounts; a dead system's connection is dropped when its user is known."""

    def __init__(self, server: SftpServer) -> None:
        self._server = server
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        if "dead" in self._server.faults.active(username) and self._connection is not None:
            self._connection.abort()
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        if "bad_signature" in self._server.faults.active(username):
            return False
        expected = self._server.passwords.get(username)
        return expected is not None and secrets.compare_digest(expected.encode(), password.encode())


class _Directory(asyncssh.SFTPServer):  # type: ignore[misc]
    """The account's own directory; reading goes through the faults of the wire."""

    def __init__(self, channel: Any, server: SftpServer) -> None:
        self._system = str(channel.get_connection().get_extra_info("username"))
        self._connection = channel.get_connection()
        self._faults = server.faults
        super().__init__(channel, chroot=str(server.directory / "served" / self._system).encode())

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        if self._faults.take(self._system, "reset"):
            self._connection.abort()
        for fault in ("timeout", "slow_drip"):
            params = self._faults.take(self._system, fault)
            if params is not None:
                await asyncio.sleep(float(params.get("seconds", 120)))
        data: bytes = super().read(file_obj, offset, size)
        return data
