from collections.abc import Iterator

import pytest

from bugsly.integrations.wsgi import CURRENT_REQUEST
from bugsly.probes.errors import timed_texts
from bugsly.probes.errors.scope import SCOPE_OUTSIDE_REQUESTS


@pytest.fixture(autouse=True)
def _outside_of_any_request() -> Iterator[None]:
    """Start without the request and the breadcrumbs of another test."""
    call, scope = CURRENT_REQUEST.set(None), SCOPE_OUTSIDE_REQUESTS.set(None)
    yield
    CURRENT_REQUEST.reset(call)
    SCOPE_OUTSIDE_REQUESTS.reset(scope)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for texts as long as a busy machine may need."""
    monkeypatch.setattr(timed_texts, "MAX_WAIT_SECONDS", 10.0)
