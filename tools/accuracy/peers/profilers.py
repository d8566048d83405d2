"""Profilers, each in a run of its own, and the line that it puts on top."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from tools.accuracy.case import Case
from tools.accuracy.environments import NotBuilt
from tools.accuracy.run import KEPT, place, prepared
from tools.accuracy.sidecar import NotStarted

PROFILERS = {"tracemalloc, top line": "tracemalloc", "memray, top leak": "memray"}
REQUESTS = 300
SECONDS = 90.0
SCRIPT = Path(__file__).with_name("profile_app.py")


def top_line(case: Case, method: str) -> str:
    """Return the line that *method* puts on top, '' where it names none; kept for the next time."""
    file = KEPT / "peers" / f"{place(case, method).stem}-{method}"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_profile(case, method), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def _profile(case: Case, method: str) -> str:
    extra = ("memray",) if method == "memray" and case.requirements is not None else ()
    try:
        with prepared(case, *extra) as (python, environ, scratch):
            asked = {
                "target": case.target,
                "method": method,
                "plan": case.plan["endpoint"],
                "requests": REQUESTS,
                "folder": str(scratch),
            }
            done = subprocess.run(
                [python, str(SCRIPT)],
                input=msgspec.json.encode(asked),
                cwd=case.folder,
                env=environ,
                capture_output=True,
                timeout=SECONDS,
                check=False,
            )
    except (NotBuilt, NotStarted, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines and not done.returncode else ""
