"""What holds for every test."""

import os

os.environ["BUGSLY_STRICT"] = "1"
os.environ.pop("BUGSLY_DSN", None)
