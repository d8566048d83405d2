"""Which addresses the walker in C can record."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.prerequisites import skip_unless_ci
from tests.support.python_versions import AGENT_SOURCES

WALKER = AGENT_SOURCES.parent / "walker"
CHECK = Path(__file__).with_name("address_set_check.c")
HIGH_ADDRESS = 75
"""The exit status that `bugsly.heap.snapshot` explains in a sentence."""


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the compiled check; `make sanitize` compiles it with its own flags."""
    compiler = os.environ.get("CC", "cc")
    if not shutil.which(compiler):
        skip_unless_ci("a C compiler is not installed → apt-get install gcc libc6-dev")
    made = tmp_path_factory.mktemp("check") / "address_set_check"
    flags = ["-std=c11", "-D_GNU_SOURCE", f"-I{WALKER}", *shlex.split(os.environ.get("CFLAGS", ""))]
    subprocess.run([compiler, *flags, "-o", made, CHECK, WALKER / "pages.c"], check=True)
    return made


@pytest.mark.parametrize("address", [0x10, 0x7F12_3456_7890, (1 << 48) - 32])
def test_an_address_of_48_bits_is_recorded(check: Path, address: int) -> None:
    assert subprocess.run([check, hex(address)], check=False).returncode == 0


@pytest.mark.parametrize("address", [1 << 48, (1 << 57) - 16, (1 << 64) - 16])
def test_a_higher_address_ends_the_child_with_its_own_status(check: Path, address: int) -> None:
    assert subprocess.run([check, hex(address)], check=False).returncode == HIGH_ADDRESS
