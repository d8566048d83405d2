"""The shop with one line of Bugsly."""

from shop import app  # type: ignore[import-not-found]

import bugsly

bugsly.init(app)
