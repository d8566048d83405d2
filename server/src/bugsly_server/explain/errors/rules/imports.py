"""Modules that are not there, and those that wait for each other."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

DISTRIBUTIONS = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "flask_sqlalchemy": "Flask-SQLAlchemy",
    "jwt": "PyJWT",
    "MySQLdb": "mysqlclient",
    "PIL": "Pillow",
    "psycopg2": "psycopg2-binary",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}


def name_distribution(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name the distribution to install, and tell a module of the app's own from a library."""
    top_module = matched["module"].partition(".")[0]
    app_modules = {
        frame.module.partition(".")[0] for frame in raised.exception.frames if frame.in_app
    }
    if top_module in app_modules - {""}:
        return RuleMatch(
            phrases={
                "reason": "It is a module of your own: misspelt, not part of what was deployed, or"
                " its folder lacks an `__init__.py`.",
                "advice": "See that the file is there where it failed.",
            }
        )
    distribution = DISTRIBUTIONS.get(top_module)
    name = f"`{distribution}`" if distribution else f"the package that brings `{top_module}`"
    return RuleMatch(
        phrases={
            "reason": "It is not installed in the environment that runs the app; on your machine it"
            " probably is.",
            "advice": f"Add {name} to the requirements that are deployed, and see that the"
            " app is started with the Python of that environment.",
        },
    )


RULES = (
    ErrorRule(
        slug="import-circular",
        exception_types=("ImportError",),
        pattern=r"^cannot import name '(?P<name>\w+)' from partially initialized module"
        r" '(?P<module>[\w.]+)'",
        title="`{module}` is imported in a circle",
        why="`{module}` imports something that imports `{module}` again, before `{name}` is defined"
        " in it. In Flask it is mostly `app` or `db`.",
        fix="Move what both need (`db`, `login`) into a module of its own, without app; or import"
        " `{name}` inside the function that uses it, instead of at {at}.",
        unless="a file of yours is called as a library and hides it.",
        confidence=0.97,
    ),
    ErrorRule(
        slug="import-name",
        exception_types=("ImportError",),
        pattern=r"^cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
        title="`{module}` has no `{name}` to import",
        what="{line} found no `{name}` in `{module}`.",
        why="It is misspelt, or the installed version of `{module}` no longer or not yet has it.",
        fix="Compare the version that is installed where it failed with the one you tested, and pin"
        " it; or mend the name at {at}.",
        unless="a file of yours is called `{module}` and hides the library.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="import-library-missing",
        exception_types=("ImportError", "OSError"),
        pattern=r"^(?P<library>lib[\w.+-]+\.so[\w.]*): cannot open shared object file",
        title="The system library {library} is missing",
        why="The Python package is there, a C library that it needs is not, as in slim images.",
        fix="Install the system package that holds {library} in the image.",
        unless="it is installed elsewhere: then `LD_LIBRARY_PATH` lacks that folder.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="import-missing",
        exception_types=("ModuleNotFoundError",),
        pattern=r"^No module named '(?P<module>[\w.]+)'",
        title="The module `{module}` is not there",
        why="{reason}",
        fix="{advice} It is imported at {at}.",
        unless="it is installed: then for another Python, or a file of yours hides it.",
        confidence=0.94,
        examine=name_distribution,
    ),
)
