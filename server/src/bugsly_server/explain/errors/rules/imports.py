"""Explains modules that are missing, and modules that import each other."""

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
                "reason": "It is one of your own modules: misspelt, not part of the deployment, or"
                " its folder lacks an `__init__.py`.",
                "advice": "Check that the file exists where it failed.",
            }
        )
    distribution = DISTRIBUTIONS.get(top_module)
    name = f"`{distribution}`" if distribution else f"the package that provides `{top_module}`"
    return RuleMatch(
        phrases={
            "reason": "It is not installed in the environment that runs the app; it probably is on your"
            " machine.",
            "advice": f"Add {name} to the requirements of the deployment, and check that the"
            " app is started with the Python of that environment.",
        },
    )


RULES = (
    ErrorRule(
        slug="import-circular",
        exception_types=("ImportError",),
        pattern=r"^cannot import name '(?P<name>\w+)' from partially initialized module"
        r" '(?P<module>[\w.]+)'",
        title="`{module}` has a circular import",
        why="`{module}` imports something that imports `{module}` again, before `{name}` is defined"
        " in it. In Flask it is usually `app` or `db`.",
        fix="Move what both need (`db`, `login`) into a module of its own, without the app; or import"
        " `{name}` inside the function that uses it, instead of at {at}.",
        unless="one of your files has the name of a library and hides it.",
        confidence=0.97,
    ),
    ErrorRule(
        slug="import-name",
        exception_types=("ImportError",),
        pattern=r"^cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
        title="`{module}` has no `{name}` to import",
        what="{line} found no `{name}` in `{module}`.",
        why="It is misspelt, or the installed version of `{module}` does not have it (yet or any more).",
        fix="Compare the version that is installed where it failed with the one you tested, and pin"
        " it; or correct the name at {at}.",
        unless="one of your files is called `{module}` and hides the library.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="import-library-missing",
        exception_types=("ImportError", "OSError"),
        pattern=r"^(?P<library>lib[\w.+-]+\.so[\w.]{0,60}): cannot open shared object file",
        title="The system library {library} is missing",
        why="The Python package is installed, but a C library that it needs is not. Slim images often lack it.",
        fix="Install the system package that holds {library} in the image.",
        unless="it is installed elsewhere: then add that folder to `LD_LIBRARY_PATH`.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="import-missing",
        exception_types=("ModuleNotFoundError",),
        pattern=r"^No module named '(?P<module>[\w.]+)'",
        title="The module `{module}` cannot be found",
        why="{reason}",
        fix="{advice} It is imported at {at}.",
        unless="it is installed, but for another Python, or one of your files hides it.",
        confidence=0.94,
        examine=name_distribution,
    ),
)
