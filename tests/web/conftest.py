"""A site for every test of a page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.site import Site
from tests.support.site import site as open_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture
def visited(site: Site) -> Site:
    """Return the site with its owner logged in."""
    site.log_in()
    return site
