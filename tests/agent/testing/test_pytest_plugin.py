"""The plugin in a pytest of its own: fixture, marker, and several processes."""

import subprocess
import sys
from pathlib import Path

TESTS = """\
import pytest

kept, plain = [], []


class Client:
    def get(self, path):
        kept.append([path])


def test_fixture(no_leak):
    no_leak(Client(), "/orders", requests=45)


@pytest.mark.no_leak(calls=45)
def test_marker(tmp_path):
    kept.append([tmp_path])


@pytest.mark.no_leak(requests=45, max_bytes_per_request=100_000)
def test_allowed():
    kept.append([1])


@pytest.mark.no_leak(45)
def test_marker_with_an_unknown_word():
    pass
"""


def test_it_fails_what_grows_and_names_the_holder_also_with_xdist(tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--strict-markers", "-p", "no:randomly"]
    run = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert "3 failed, 1 passed" in run.stdout, run.stdout + run.stderr
    assert run.stdout.count("test_shop.kept grows by") >= 2
    assert "the marker no_leak takes calls and max_bytes_per_call" in run.stdout
    assert "growth_check.py" not in run.stdout
