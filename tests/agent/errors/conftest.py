from collections.abc import Iterator

import pytest

from bugsly.integrations.wsgi import CURRENT
from bugsly.probes.errors.scope import OUTSIDE


@pytest.fixture(autouse=True)
def _outside_of_any_request() -> Iterator[None]:
    """Begin without a request that another test left open, and without its breadcrumbs."""
    call, scope = CURRENT.set(None), OUTSIDE.set(None)
    yield
    CURRENT.reset(call)
    OUTSIDE.reset(scope)
