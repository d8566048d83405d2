"""Where peers live and what they talk to: an environment of their own, and a sink."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT_FOLDER = ROOT / ".venv-bench"


def peer_python() -> Path:
    """Return the Python that has every peer, made from the lock file if need be."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    subprocess.run(
        [uv, "sync", "--frozen", "--quiet", "--no-dev", "--group", "bench"],
        cwd=ROOT,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT_FOLDER)},
        check=True,
    )
    return ENVIRONMENT_FOLDER / "bin" / "python"


class _QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """Say nothing of workers that were ended in the middle of a sentence."""


class _SinkHandler(http.server.BaseHTTPRequestHandler):
    """Answers everything with 200 and keeps nothing."""

    protocol_version = "HTTP/1.1"

    def _accept_anything(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()
        self.rfile.read(length)
        body = b'{"id":"","rate_by_service":{}}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET = _accept_anything  # noqa: N815 - http.server's names

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def running_sink() -> Iterator[str]:
    """Give the address of a server that takes anything."""
    server = _QuietServer(("127.0.0.1", 0), _SinkHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
