"""Memory, descriptors and age of this process, as the kernel reports them."""

import mmap
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.support.protocol_values import MB

from bugsly.probes import process
from bugsly.probes.process import ProcessMemory, parse_status

KB = 1024
TOLERATED = 2 * MB
"""Bytes that the test itself may allocate between two readings."""

STATUS = b"""\
Name:\tgunicorn: worker
VmPeak:\t  900000 kB
VmHWM:\t  300000 kB
VmRSS:\t  250000 kB
RssAnon:\t  200000 kB
RssFile:\t   40000 kB
RssShmem:\t   10000 kB
VmSwap:\t    5000 kB
Threads:\t7
"""

pytestmark = pytest.mark.skipif(not process.IS_LINUX, reason="reads /proc")


def kernel_bytes(*names: str) -> int:
    """Return the memory of this process in bytes, read from the kernel without the probe."""
    lines = Path("/proc/self/status").read_text().splitlines()
    rows = {line.split(":")[0]: line.split()[1:2] for line in lines}
    return sum(int(rows[name][0]) * KB for name in names)


@pytest.mark.parametrize(
    ("text", "memory"),
    [
        (
            STATUS,
            ProcessMemory(
                anonymous=205_000 * KB,
                shared=50_000 * KB,
                swapped=5_000 * KB,
                peak=300_000 * KB,
                threads=7,
            ),
        ),
        (
            b"Name:\tpython\nVmRSS:\t250000 kB\nThreads:\t1\n",
            ProcessMemory(anonymous=250_000 * KB, shared=0, swapped=0, peak=0, threads=1),
        ),
    ],
    ids=["Linux", "gVisor"],
)
def test_the_status_of_a_process_is_read(text: bytes, memory: ProcessMemory) -> None:
    assert parse_status(text) == memory


@pytest.mark.parametrize(
    ("names", "field"),
    [
        (("RssAnon", "VmSwap"), "anonymous"),
        (("RssFile", "RssShmem"), "shared"),
        (("VmSwap",), "swapped"),
        (("VmHWM",), "peak"),
    ],
)
def test_memory_agrees_with_the_kernel(names: tuple[str, ...], field: str) -> None:
    before = kernel_bytes(*names)
    measured: int = getattr(process.read_memory(), field)
    after = kernel_bytes(*names)
    assert min(before, after) - TOLERATED <= measured <= max(before, after) + TOLERATED


def test_memory_that_is_filled_is_anonymous_and_peaks() -> None:
    before = process.read_memory()
    filled = bytearray(b"x" * 50 * MB)
    after = process.read_memory()
    assert after.anonymous - before.anonymous > len(filled) - TOLERATED
    assert after.peak >= after.anonymous


def test_memory_that_is_shared_is_not_anonymous() -> None:
    before = process.read_memory()
    with mmap.mmap(-1, 20 * MB) as shared:
        shared.write(b"x" * 20 * MB)
        after = process.read_memory()
    assert after.shared - before.shared > 20 * MB - TOLERATED


def test_the_proportional_size_lies_between_private_and_resident() -> None:
    proportional = process.read_pss()
    assert proportional is not None
    assert kernel_bytes("RssAnon") - TOLERATED < proportional < kernel_bytes("VmRSS") + TOLERATED


def test_threads_are_counted() -> None:
    end = threading.Event()
    before = process.read_memory().threads
    threads = [threading.Thread(target=end.wait) for _ in range(5)]
    for thread in threads:
        thread.start()
    during = process.read_memory().threads
    end.set()
    for thread in threads:
        thread.join()
    assert during - before == 5


def test_descriptors_are_counted() -> None:
    before = process.count_descriptors()
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(7)]
    during = process.count_descriptors()
    for descriptor in opened:
        os.close(descriptor)
    assert (during - before, process.count_descriptors()) == (7, before)
    assert before == len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208


PRINT_AGE = """\
from bugsly.probes import process
import os, sys
for _ in sys.stdin:
    print(process.age(), flush=True)
"""


def test_age_counts_from_the_start_of_the_process() -> None:
    tick = 1_000_000 // os.sysconf("SC_CLK_TCK")
    before = time.monotonic_ns()
    with subprocess.Popen(
        [sys.executable, "-c", PRINT_AGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        born = time.monotonic_ns()
        for _ in range(3):
            asked = time.monotonic_ns()
            age = ask_child(child)
            answered = time.monotonic_ns()
            assert (asked - born) // 1000 - tick <= age <= (answered - before) // 1000 + tick


def ask_child(child: "subprocess.Popen[str]") -> int:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write("\n")
    child.stdin.flush()
    return int(child.stdout.readline())


FORK = """\
import os, sys, time
from bugsly.probes import process
while process.age() < 300_000:
    pass
before = time.monotonic_ns()
pid = os.fork()
if pid == 0:
    print(process.age(), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
print((time.monotonic_ns() - before) // 1000)
"""


def test_the_age_of_a_fork_is_not_that_of_its_parent() -> None:
    ran = subprocess.run([sys.executable, "-c", FORK], check=True, capture_output=True, text=True)
    age, elapsed = map(int, ran.stdout.split())
    assert 0 <= age <= elapsed + 1_000_000 // os.sysconf("SC_CLK_TCK")


PRINT_MACHINE = [
    sys.executable,
    "-c",
    "from bugsly.probes import process; print(process.machine())",
]


def test_all_processes_of_a_machine_have_its_digits() -> None:
    said = subprocess.run(PRINT_MACHINE, check=True, capture_output=True, text=True).stdout.strip()
    assert said == process.machine() == process.machine()
    assert len(said) == 8


def test_another_container_is_another_machine() -> None:
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() != 0:
        pytest.skip("needs unshare(1) and root")
    command = [unshare, "--pid", "--fork", *PRINT_MACHINE]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if said.returncode:
        pytest.skip(f"no namespaces here: {said.stderr.strip()}")
    assert said.stdout.strip() != process.machine()
