"""Applies a diff as a person would: with patch."""

import shutil
import subprocess
from pathlib import Path

from tests.support.prerequisites import skip_unless_ci


def apply_patch(text: str, diff: str, folder: Path) -> str:
    """Return *text* after *diff*, which has to fit exactly."""
    if shutil.which("patch") is None:
        skip_unless_ci("patch is not installed → apt-get install patch")
    file = folder / "views.py"
    file.write_text(text)
    subprocess.run(
        ["patch", "--fuzz=0", "--no-backup-if-mismatch", str(file)],
        input=f"{diff}\n".encode(),
        check=True,
        capture_output=True,
    )
    return file.read_text()
