"""Modules that are not there, and those that wait for each other."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene

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


def absent(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Name the distribution to install, and tell a module of the app's own from a library."""
    root = found["module"].partition(".")[0]
    own = {frame.module.partition(".")[0] for frame in scene.thrown.frames if frame.in_app}
    if root in own - {""}:
        return Reading(
            phrases={
                "reason": "It is a module of your own: misspelt, not part of what was deployed, or"
                " its folder lacks an `__init__.py`.",
                "advice": "See that the file is there where it failed.",
            }
        )
    known = DISTRIBUTIONS.get(root)
    name = f"`{known}`" if known else f"the package that brings `{root}`"
    return Reading(
        phrases={
            "reason": "It is not installed in the environment that runs the app; on your machine it"
            " probably is.",
            "advice": f"Add {name} to the requirements that are deployed, and see that the"
            " app is started with the Python of that environment.",
        },
    )


RULES = (
    Rule(
        slug="import-circular",
        types=("ImportError",),
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
    Rule(
        slug="import-name",
        types=("ImportError",),
        pattern=r"^cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
        title="`{module}` has no `{name}` to import",
        what="{line} found no `{name}` in `{module}`.",
        why="It is misspelt, or the installed version of `{module}` no longer or not yet has it.",
        fix="Compare the version that is installed where it failed with the one you tested, and pin"
        " it; or mend the name at {at}.",
        unless="a file of yours is called `{module}` and hides the library.",
        confidence=0.9,
    ),
    Rule(
        slug="import-library-missing",
        types=("ImportError", "OSError"),
        pattern=r"^(?P<library>lib[\w.+-]+\.so[\w.]*): cannot open shared object file",
        title="The system library {library} is missing",
        why="The Python package is there, a C library that it needs is not, as in slim images.",
        fix="Install the system package that holds {library} in the image.",
        unless="it is installed elsewhere: then `LD_LIBRARY_PATH` lacks that folder.",
        confidence=0.96,
    ),
    Rule(
        slug="import-missing",
        types=("ModuleNotFoundError",),
        pattern=r"^No module named '(?P<module>[\w.]+)'",
        title="The module `{module}` is not there",
        why="{reason}",
        fix="{advice} It is imported at {at}.",
        unless="it is installed: then for another Python, or a file of yours hides it.",
        confidence=0.94,
        read=absent,
    ),
)
