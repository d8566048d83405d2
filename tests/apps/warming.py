"""An application that answers a request of its own while it is loaded."""

from shop import app  # type: ignore[import-not-found]

import bugsly

bugsly.init(app)
app.test_client().get("/items/1").close()
