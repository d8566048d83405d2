"""Installs the peers in an environment of their own, and runs one of them there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.secret_corpus.cases import SecretCase

ROOT = Path(__file__).parents[2]
ENVIRONMENT_FOLDER = ROOT / ".venv-secrets"
VERSIONS = {"sentry-sdk": "2.75.0", "sentry-relay": "0.10.1", "detect-secrets": "1.5.0"}


def run_peer(name: str, cases: Sequence[SecretCase]) -> list[tuple[Any, bool]]:
    """Return what the peer called *name* left of each case, and whether it took something out."""
    given = json.dumps([(case.carrier, case.text) for case in cases])
    completed = subprocess.run(
        [_peer_python(), "-m", "tools.secret_scrubbing.peer_scrubbers", name],
        input=given,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [(left, changed) for left, changed in json.loads(completed.stdout)]


def _peer_python() -> str:
    """Return the Python that has the peers, installed if need be."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    python = ENVIRONMENT_FOLDER / "bin" / "python"
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", str(ENVIRONMENT_FOLDER)], check=True)
        packages = [f"{name}=={version}" for name, version in VERSIONS.items()]
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", str(python), *packages], check=True
        )
    return str(python)
