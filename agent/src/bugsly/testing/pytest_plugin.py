"""Offers `no_leak` to pytest: as a fixture, and as a marker that repeats a whole test."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = "no_leak(calls=200, max_bytes_per_call=0): fail if calls of this test leave objects behind"


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def no_leak() -> Callable[..., Any]:
    """Return `bugsly.testing.no_leak`."""
    from bugsly.testing.client_check import no_leak as check

    return check


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Call a test with the marker over and over, with the same fixtures."""
    __tracebackhide__ = True
    marker = pyfuncitem.get_closest_marker("no_leak")
    if marker is None:
        return None
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        pytest.fail("the marker no_leak calls no coroutine: await the fixture no_leak in the test")
    from bugsly.testing.growth_check import call_without_leak

    names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 - as pytest's own plugins do
    given = {name: pyfuncitem.funcargs[name] for name in names}
    call_without_leak(lambda: pyfuncitem.obj(**given), **_options(marker))
    return True


def _options(marker: pytest.Mark) -> dict[str, Any]:
    """Return what the marker says; `requests` and `max_bytes_per_request` mean the same."""
    words = {"requests": "calls", "max_bytes_per_request": "max_bytes_per_call"}
    options = {words.get(name, name): value for name, value in marker.kwargs.items()}
    unknown = options.keys() - {"calls", "max_bytes_per_call"}
    if unknown or marker.args:
        pytest.fail(f"the marker no_leak takes calls and max_bytes_per_call, not {marker}")
    return options
