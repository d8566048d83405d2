"""A read-only file system, as containers have it, where this machine lets us make one."""

import subprocess
from pathlib import Path

import pytest

ENTER_NAMESPACE = """
mount --make-rprivate / && mount -o remount,bind,ro / && mount -t tmpfs own "$1" || exit
[ "$2" = shared ] || mount -t tmpfs -o ro none /dev/shm || exit
shift 2
exec "$@"
"""


def read_only_prefix(writable: Path, *, shared: bool) -> list[str]:
    """Return what goes before a command that can write to *writable* only, or skip the test.

    And to /dev/shm, where that is *shared*.
    """
    enter = ["unshare", "--mount", "sh", "-c", ENTER_NAMESPACE, "sh", str(writable)]
    enter.append("shared" if shared else "alone")
    try:
        subprocess.run([*enter, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no mount can be made here: {getattr(error, 'stderr', error)!r}")
    return enter
