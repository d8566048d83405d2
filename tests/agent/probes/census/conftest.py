import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _modules() -> Iterator[None]:
    """Remove from `sys.modules` what a test adds."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"app", "probe", "tool"}:
            del sys.modules[name]
