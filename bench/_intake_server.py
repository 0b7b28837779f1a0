"""The upstreams of `bench.intake`, in a process of their own: prepared bytes over HTTP and SFTP, as cheap as it gets.

`python -m bench._intake_server FOLDER` serves `FOLDER/json/<page>.json` and the directory `FOLDER/drop`, and writes
one line of JSON with the addresses when it is ready. It ends when its standard input is closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import socket
import sys
import threading
from pathlib import Path
from typing import Any

import asyncssh

_PAGE = re.compile(rb"pageNum=(\d+)")
_LENGTH = re.compile(rb"(?i)content-length: *(\d+)")


def serve(folder: Path) -> None:
    """Serve until nobody holds the other end of our input."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    threading.Thread(target=_accept, args=(listener, folder / "json"), daemon=True).start()
    password, key = secrets.token_urlsafe(12), asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    port = asyncio.run_coroutine_threadsafe(_sftp(folder / "drop", password, key), loop).result()
    told = {
        "BENCH_HTTP": f"http://127.0.0.1:{listener.getsockname()[1]}",
        "BENCH_SFTP": f"sftp://bench:{password}@127.0.0.1:{port}/",
        "BENCH_SFTP_KEY": key.export_public_key("openssh").decode().strip(),
    }
    print(json.dumps(told), flush=True)
    sys.stdin.read()


def _accept(listener: socket.socket, pages: Path) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection, pages), daemon=True).start()


def _answer(connection: socket.socket, pages: Path) -> None:
    """Requests one after the other; the page's number stands in the query or in the form."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with connection:
        while True:
            while b"\r\n\r\n" not in received:
                if not (data := connection.recv(65_536)):
                    return
                received += data
            head, _, received = received.partition(b"\r\n\r\n")
            length = _LENGTH.search(head)
            wanted = int(length[1]) if length else 0
            while len(received) < wanted:
                received += connection.recv(65_536)
            body, received = received[:wanted], received[wanted:]
            page = _PAGE.search(body) or _PAGE.search(head)
            with (pages / f"{int(page[1]) if page else 1}.json").open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                told = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
                connection.sendall(told.encode())
                connection.sendfile(file)


class _Account(asyncssh.SSHServer):  # type: ignore[misc]
    def __init__(self, password: str) -> None:
        self._password = password

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return secrets.compare_digest(password, self._password)


async def _sftp(drop: Path, password: str, key: asyncssh.SSHKey) -> int:
    def directory(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(drop).encode())

    acceptor = await asyncssh.create_server(
        lambda: _Account(password), "127.0.0.1", 0, server_host_keys=[key], sftp_factory=directory, config=None,
        encryption_algs=["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr"],
    )  # fmt: skip
    return int(acceptor.get_port())


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
