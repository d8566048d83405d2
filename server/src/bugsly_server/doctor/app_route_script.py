"""Runs in the app's interpreter: imports the app as Gunicorn does, and writes down its routes.

It reads `MODULE:APP` and the file to write to from the command line. Nothing of Bugsly is there.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any


def describe_routes(target: str) -> dict[str, Any]:
    """Return the routes of an app, or why there are none."""
    try:
        from gunicorn.util import import_app
    except ImportError:
        return {"problem": "gunicorn"}
    try:
        app = import_app(target)
    except SystemExit as error:
        return {"problem": "exit", "detail": str(error.code)}
    except BaseException as error:  # noqa: BLE001 - an app may raise anything while it is imported
        return {"problem": "import", "detail": _last_line(error)}
    routes = getattr(app, "url_map", None)
    if routes is None:
        return {"routes": None}
    return {"routes": [[rule.rule, sorted(rule.methods or ())] for rule in routes.iter_rules()]}


def _last_line(error: BaseException) -> str:
    if type(error).__name__ == "AppImportError":
        return str(error).rstrip(".")
    lines = traceback.format_exception_only(type(error), error)
    return lines[-1].strip() if lines else type(error).__name__


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as file:  # noqa: PTH123 - as old code reads it
        json.dump(describe_routes(sys.argv[1]), file)
    os._exit(0)
