"""How many memory envelopes a second the server acknowledges, and digests, and what it weighs."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO

from bugsly.protocol.envelope import build_envelope
from bugsly.protocol.evidence import HolderCount
from bugsly.protocol.memory import Sample, SampledTraffic, WorkerInfo, encode_report, encode_sample
from tools.bench.processes import await_port, free_port, rss, running_server, wrk
from tools.bench.section import Section

WORKERS = 500
ENDPOINTS = 8
HOLDERS = 10
SECONDS = 15
CONNECTIONS = 32
MAX_BODIES_PER_SECOND = 3_000
"""Bodies that are made: one sent twice would be skipped as a repetition."""
WRK_SCRIPT = """
local bodies = {}
local file = io.open("FILE", "rb")
while true do
  local size = file:read(8)
  if not size then break end
  bodies[#bodies + 1] = file:read(tonumber(size))
end
local index = 0
wrk.method = "POST"
wrk.headers["Content-Encoding"] = "gzip"
wrk.headers["X-Sentry-Auth"] = "Sentry sentry_key=KEY"
request = function()
  index = index % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[index])
end
"""


def measure(quick: bool) -> Section:  # noqa: FBT001 - every section takes it
    """Load the real server with wrk, then wait until the spool is empty."""
    runs = [
        measure_server(5 if quick else SECONDS, _write_memory_bodies)
        for _ in range(1 if quick else 3)
    ]
    section = Section(
        title="The server, under load",
        how=f"`bugsly serve` on an empty folder and wrk with {CONNECTIONS} connections on the same two cores: gzipped envelopes of"
        f" one sample each from {WORKERS} workers with {ENDPOINTS} endpoints and {HOLDERS} holders. *Acknowledged* means synced to disk; *digested*"
        " counts from the first request to the moment the spool is empty. Medians of the runs.",
        columns=("", "value"),
    )
    for name, unit in FIGURE_UNITS.items():
        values = [run[name] for run in runs]
        section.rows.append((name, f"{statistics.median(values):,.0f} {unit}"))
    return section


FIGURE_UNITS = {
    "acknowledged": "envelopes/s",
    "digested": "envelopes/s",
    "latency, p99": "ms",
    "memory, idle": "MB RSS",
    "memory, under load": "MB RSS",
    "refused or lost": "envelopes",
}


def measure_server(
    seconds: int, write: Callable[[Path, int], None], **environ: str
) -> dict[str, float]:
    """Load a server for *seconds* with the bodies that *write* makes; return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        script = write_script(Path(folder), _project_key(folder), seconds, write)
        port = free_port()
        with running_server(folder, port, **environ) as process:
            await_port(port)
            time.sleep(3)
            idle = rss(process.pid)
            started_at = time.monotonic()
            done = run_wrk(script, port, seconds)
            loaded = rss(process.pid)
            _await_empty_spool(Path(folder))
            digest_seconds = time.monotonic() - started_at
    return load_figures(done, seconds, digest_seconds, idle, loaded)


def write_script(folder: Path, key: str, seconds: int, write: Callable[[Path, int], None]) -> Path:
    """Return the file that tells wrk to post for *seconds* what *write* makes."""
    bodies, script = folder / "bodies", folder / "post.lua"
    write(bodies, seconds * MAX_BODIES_PER_SECOND)
    script.write_text(WRK_SCRIPT.replace("FILE", str(bodies)).replace("KEY", key))
    return script


def load_figures(
    output: str, seconds: int, digest_seconds: float, idle: float, loaded: float
) -> dict[str, float]:
    """Return what wrk's *output* says, and how much of it was digested a second."""
    requests = int(re.search(r"(\d+) requests in", output)[1])  # type: ignore[index]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    refused = int(bad[1]) if bad else 0
    latency = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
    factor = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    return {
        "acknowledged": (requests - refused) / seconds,
        "digested": (requests - refused) / digest_seconds,
        "latency, p99": float(latency[1]) * factor[latency[2]] if latency else 0.0,
        "memory, idle": idle / 1e6,
        "memory, under load": loaded / 1e6,
        "refused or lost": refused,
    }


def run_wrk(script: Path, port: int, seconds: int) -> str:
    """Post by *script* for *seconds*; return what wrk prints."""
    url = f"http://127.0.0.1:{port}/api/1/envelope/"
    command = [
        wrk(),
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}",
        "--latency",
        "-s",
        str(script),
        url,
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _await_empty_spool(folder: Path) -> None:
    """Return when everything that was acknowledged is digested."""
    spool = sqlite3.connect(f"file:{folder / 'spool.db'}?mode=ro", uri=True)
    while spool.execute("SELECT count(*) FROM entry").fetchone()[0]:
        time.sleep(0.05)
    spool.close()


def _project_key(folder: str) -> str:
    command = [sys.executable, "-m", "bugsly", "dsn", "app", "--data-dir", folder]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return printed.split("://")[1].split("@")[0]


def _write_memory_bodies(path: Path, count: int) -> None:
    """Write *count* gzipped envelopes, each behind its length in eight digits."""
    ids = [uuid.uuid4().hex for _ in range(WORKERS)]
    with path.open("wb") as file:
        for index in range(count):
            number, worker = divmod(index, WORKERS)
            write_body(file, _memory_envelope(ids[worker], worker, number + 1))


def write_body(file: IO[bytes], body: bytes) -> None:
    """Write *body* packed, behind its length in eight digits."""
    packed = gzip.compress(body, 5)
    file.write(b"%08d" % len(packed) + packed)


def _memory_envelope(worker_id: str, index: int, number: int) -> bytes:
    age = number * 10_000_000
    worker = WorkerInfo(
        id=worker_id, pid=1000 + index, host=f"web-{index // 8}", machine=f"{index // 8:08x}",
        age=age + 2_000, server="gunicorn 27.0.1 gthread", parent=900, number=index,
        release="2026.11.1", environment="production", python="3.11.7",
    )  # fmt: skip
    traffic = tuple(
        SampledTraffic(
            endpoint=f"GET /things/<int:id>/{part}", requests=9, micros=9_000, sent=9_000
        )
        for part in range(ENDPOINTS)
    )
    levels = tuple(
        HolderCount(holder=f"things.cache_{part}.entries", count=number * 9)
        for part in range(HOLDERS)
    )
    sample = Sample(
        number=number, age=age, anonymous=60_000_000 + number * 1_000, shared=9_000_000,
        peak=70_000_000, descriptors=20, threads=6, requests=number * 9 * ENDPOINTS,
        used=2_000_000_000, limit=8_000_000_000, traffic=traffic,
        in_use=50_000_000, held=55_000_000, levels=levels,
    )  # fmt: skip
    payload = encode_report(worker, [encode_sample(sample)], [], {})
    return build_envelope({}, [("memory", payload)])


if __name__ == "__main__":
    print(json.dumps(measure_server(5, _write_memory_bodies), indent=2))
