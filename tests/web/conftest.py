"""Sites for the tests of pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.site_harness import SiteHarness
from tests.support.site_harness import site_harness as open_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteHarness]:
    with open_site(tmp_path) as opened:
        yield opened


@pytest.fixture
def visited(site: SiteHarness) -> SiteHarness:
    """Return the site with its owner logged in."""
    site.log_in()
    return site
