"""The folder of pictures on loopback, for reading: `python -m pictures.serve FOLDER PORT` (part of `townhub up`)."""

from __future__ import annotations

import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pictures.drawing import INDEX
from warehouse.ports import HOST

HEADERS = {
    # A page may use its own styles and pictures, and nothing else: no script, no form, nothing of elsewhere.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
SHOWN = (".html", ".svg", ".json")


class Handler(SimpleHTTPRequestHandler):
    """Reads files of one folder: no listing, nothing hidden, and only under the name of this machine."""

    def send_head(self):  # type: ignore[no-untyped-def]  # as the standard library has it
        name = self.path.partition("?")[0].lstrip("/") or INDEX
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        if host not in (HOST, "localhost"):  # another site's name that was pointed here
            return self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        if "/" in name or name.startswith(".") or not name.endswith(SHOWN):
            return self.send_error(HTTPStatus.NOT_FOUND)
        self.path = f"/{name}"
        return super().send_head()

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()


def server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of the folder on loopback, not yet serving."""
    return ThreadingHTTPServer((HOST, port), partial(Handler, directory=str(folder)))


if __name__ == "__main__":
    server(Path(sys.argv[1]), int(sys.argv[2])).serve_forever()
