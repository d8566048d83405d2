"""Profilers, each in a run of its own, and the line that it puts on top."""

from __future__ import annotations

import subprocess
from pathlib import Path

import msgspec

from tools.accuracy.case_catalog import AccuracyCase
from tools.accuracy.doctor_run import RESULTS_FOLDER, prepared_environment, result_path
from tools.accuracy.environments import EnvironmentNotBuilt
from tools.accuracy.sidecar import SidecarNotStarted

PROFILERS = {"tracemalloc, top line": "tracemalloc", "memray, top leak": "memray"}
PROFILED_REQUESTS = 300
PROFILE_TIMEOUT_SECONDS = 90.0
SCRIPT = Path(__file__).with_name("profile_app.py")


def top_line(case: AccuracyCase, method: str) -> str:
    """Return the line that *method* puts on top, '' where it names none; kept for the next time."""
    file = RESULTS_FOLDER / "peers" / f"{result_path(case, method).stem}-{method}"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_run_profiler(case, method), encoding="utf-8")
    return file.read_text(encoding="utf-8")


def _run_profiler(case: AccuracyCase, method: str) -> str:
    extra = ("memray",) if method == "memray" and case.requirements is not None else ()
    try:
        with prepared_environment(case, *extra) as (python, environ, scratch):
            profile_request = {
                "target": case.target,
                "method": method,
                "plan": case.plan["endpoint"],
                "requests": PROFILED_REQUESTS,
                "folder": str(scratch),
            }
            done = subprocess.run(
                [python, str(SCRIPT)],
                input=msgspec.json.encode(profile_request),
                cwd=case.folder,
                env=environ,
                capture_output=True,
                timeout=PROFILE_TIMEOUT_SECONDS,
                check=False,
            )
    except (EnvironmentNotBuilt, SidecarNotStarted, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines and not done.returncode else ""
