import subprocess

import pytest
from tests.support.python_versions import AGENT_SOURCES, SUPPORTED_VERSIONS, python_interpreter

IMPORT_ALL = """\
import pkgutil, sys
import bugsly
named = [found.name for found in pkgutil.walk_packages(bugsly.__path__, "bugsly.")]
for name in named:
    if not name.startswith(("bugsly.inject", "bugsly.testing.pytest_plugin")):
        __import__(name)
loaded = {name.partition(".")[0] for name in sys.modules}
strangers = loaded - sys.stdlib_module_names - {"__main__", "bugsly"}
print(len(named), sorted(strangers))
"""
LIGHT = """\
import sys, threading
before = set(sys.modules)
import bugsly
print(sorted(name for name in set(sys.modules) - before if not name.startswith("bugsly")))
print(threading.active_count())
"""


def run(interpreter: str, code: str) -> list[str]:
    ran = subprocess.run(
        [interpreter, "-S", "-W", "error", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(AGENT_SOURCES)},
    )
    return ran.stdout.splitlines()


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_every_module_imports_with_nothing_but_the_standard_library(version: str) -> None:
    (line,) = run(python_interpreter(version), IMPORT_ALL)
    count, _, strangers = line.partition(" ")
    assert int(count) > 15
    assert strangers == "[]"


@pytest.mark.parametrize("version", SUPPORTED_VERSIONS)
def test_importing_bugsly_loads_nothing_and_starts_nothing(version: str) -> None:
    loaded, threads = run(python_interpreter(version), LIGHT)
    assert loaded == "['__future__']"
    assert threads == "1"
