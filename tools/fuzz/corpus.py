"""The inputs that are kept in the tree: seeds, and whatever once broke a law."""

from __future__ import annotations

import hashlib
from pathlib import Path

CORPUS_PATH = Path(__file__).parents[2] / "tests" / "fuzz" / "corpus"


def corpus_files(target: str) -> list[Path]:
    """Return the inputs of *target*, by name."""
    return sorted(path for path in (CORPUS_PATH / target).glob("*") if path.is_file())


def save_crash(target: str, data: bytes) -> Path:
    """Keep *data*, which broke the law of *target*; return the file."""
    path = CORPUS_PATH / target / f"crash-{hashlib.sha256(data).hexdigest()[:8]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
