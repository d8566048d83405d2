"""Holds a real server to its own OpenAPI description, with Schemathesis."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.fuzz.http.fuzzed_server import FuzzedServer, fuzzed_server

ROOT = Path(__file__).parents[2]
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance", "unsupported_method"),
)
"""Not among them: that invalid values are refused. Requests that are no number count as 0."""
PHASES = ("examples", "coverage", "fuzzing", "stateful")


def check_api(
    server: FuzzedServer, phases: Sequence[str], max_examples: int, seed: int
) -> subprocess.CompletedProcess[str]:
    """Send *server* requests by what it says of itself; return what Schemathesis says of it."""
    url, access = f"http://{server.access.host}", server.access
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--no-color"]
    command += ["-H", f"Authorization: Bearer {access.token}"]
    command += ["-H", f"X-Sentry-Auth: Sentry sentry_key={access.key}"]
    command += ["--checks", ",".join(CHECKS), "--phases", ",".join(phases)]
    command += ["--max-examples", str(max_examples), "--seed", str(seed)]
    environ = {"SCHEMATHESIS_HOOKS": "tools.fuzz.openapi_hooks", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command,
        cwd=server.log.parent,  # where it keeps what it found
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def main() -> int:
    """Check a new server, and print what was found; return 1 where it breaks its word."""
    parser = argparse.ArgumentParser(prog="make fuzz-api ARGS=")
    parser.add_argument("--max-examples", type=int, default=200, help="of each operation")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="bugsly-fuzz-") as folder,
        fuzzed_server(Path(folder)) as server,
    ):
        checked = check_api(server, PHASES, chosen.max_examples, chosen.seed)
        tracebacks = server.tracebacks()
    print(checked.stdout, checked.stderr, f"tracebacks in the log: {dict(tracebacks)}", sep="\n")
    return 1 if checked.returncode or tracebacks else 0


if __name__ == "__main__":
    sys.exit(main())
