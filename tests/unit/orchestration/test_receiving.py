"""The webhook receiver's port: the home's own, below the ephemeral range, and nobody else is taken for the receiver."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from connectors.errors import Permanent
from orchestration import receiving
from warehouse import ports


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOWNHUB_HOME", str(tmp_path))
    return tmp_path


class _Stranger(BaseHTTPRequestHandler):
    """Says of itself what a receiver says, but cannot know ours."""

    said = b"{}"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.said)))
        self.end_headers()
        self.wfile.write(self.said)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def stranger(port: int, said: bytes) -> Iterator[None]:
    handler = type("Stranger", (_Stranger,), {"said": said})
    with HTTPServer((ports.HOST, port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_who_comes_second_finds_the_receiver_of_this_home(home: Path) -> None:
    with receiving.listening() as first, receiving.listening() as second:
        assert (first, second) == (True, False)
    with receiving.listening() as again:
        assert again


@pytest.mark.parametrize("said", [b"<html>", b"{}", b'{"receiver": ""}', b'{"receiver": "of another home"}', b"[]"])
def test_a_stranger_on_the_port_is_told_with_a_remedy(home: Path, said: bytes) -> None:
    taken = receiving.port()
    with (
        stranger(taken, said),
        pytest.raises(Permanent, match=rf"port {taken} .*another program.*End that program.*receiver\.json"),
        receiving.listening(),
    ):
        pass
    assert receiving.port() == taken, "the systems that push were told this one"


def test_first_uses_at_once_choose_one_port_below_the_ephemeral_range(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(remedy: str) -> int:
        time.sleep(0.05)  # all have found no file before the first one writes it
        return ports.free_port(remedy)

    monkeypatch.setattr(receiving, "free_port", slowly)
    with ThreadPoolExecutor(8) as threads:
        chosen = set(threads.map(lambda _: receiving.port(), range(8)))
    assert chosen == {receiving.port()}
    assert ports.LOWEST <= receiving.port() <= ports.HIGHEST


@pytest.mark.parametrize("kept", ["", "[]", "{", '{"port": "x"}', '{"port": null, "identity": "a"}'])
def test_a_damaged_file_is_written_anew(home: Path, kept: str) -> None:
    (home / "receiver.json").write_text(kept, encoding="utf-8")
    assert receiving.port() == json.loads((home / "receiver.json").read_text())["port"]


def test_a_home_from_before_keeps_its_port(home: Path) -> None:
    (home / "receiver.json").write_text('{"port": 45678}', encoding="utf-8")
    assert receiving.url() == "http://127.0.0.1:45678"
    assert json.loads((home / "receiver.json").read_text())["identity"]
