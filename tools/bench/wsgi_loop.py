"""Calls the app of one variant in this process, again and again, and prints what a request costs.

`python -m tools.bench.wsgi_loop REQUESTS` prints one JSON object: microseconds of CPU per request,
all threads counted, as the median over chunks; and the memory gained over the bare interpreter.
"""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path
from typing import Any

REQUESTS_PER_CHUNK = 200
WARM_UP_REQUESTS = 2_000


def main() -> None:
    """Measure and print."""
    from tools.bench.app_variants import make_app

    app = make_app()
    requests = int(sys.argv[1])
    _serve_requests(app, WARM_UP_REQUESTS)
    chunks = []
    started_at = time.process_time()
    for _ in range(requests // REQUESTS_PER_CHUNK):
        started = time.process_time()
        _serve_requests(app, REQUESTS_PER_CHUNK)
        chunks.append((time.process_time() - started) / REQUESTS_PER_CHUNK * 1e6)
    whole = (time.process_time() - started_at) / requests * 1e6
    chunks.sort()
    print(json.dumps({"p50": chunks[len(chunks) // 2], "mean": whole, "rss": _rss()}))


def _serve_requests(app: Any, count: int) -> None:
    for number in range(count):
        body = app(_environ(number), _start_response)
        b"".join(body)
        close = getattr(body, "close", None)
        if close:
            close()


def _start_response(_status: str, _headers: list[tuple[str, str]], _exc_info: object = None) -> Any:
    return _write


def _write(_chunk: bytes) -> None:
    return None


def _environ(number: int) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": f"/items/{number}",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "HTTP_HOST": "127.0.0.1:8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(b""),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _rss() -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
