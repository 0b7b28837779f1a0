"""The folder on loopback: its pages and nothing else, under this machine's name, for reading."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pictures import serve
from warehouse.ports import HOST


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "index.html").write_text("<title>all</title>", encoding="utf-8")
    (folder / ".hidden.html").write_text("no", encoding="utf-8")
    (folder / "notes.txt").write_text("no", encoding="utf-8")
    (tmp_path / "beside.html").write_text("no", encoding="utf-8")
    serving = serve.server(folder, 0)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield serving.server_address[1]
    serving.shutdown()
    serving.server_close()


def _ask(port: int, path: str, method: str = "GET", host: str | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    connection.request(method, path, headers={"Host": host or f"127.0.0.1:{port}"})
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


def test_the_index_is_served_with_a_policy_that_forbids_everything_else(port: int) -> None:
    for path in ("/", "/index.html", "/index.html?x=1"):
        status, headers, body = _ask(port, path)
        assert (status, body) == (200, b"<title>all</title>")
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "script-src" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path", ["/.hidden.html", "/notes.txt", "/../beside.html", "/%2e%2e/beside.html", "/sub/", "/missing.html"]
)
def test_nothing_else_is(port: int, path: str) -> None:
    assert _ask(port, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(port: int, method: str) -> None:
    assert _ask(port, "/index.html", method)[0] == 501


def test_another_site_s_name_is_refused(port: int) -> None:
    assert _ask(port, "/", host=f"evil.example:{port}")[0] == 421
    assert _ask(port, "/", host=f"localhost:{port}")[0] == 200
