"""Starts the agent inside an interpreter launched by `bugsly run`.

Runs in whatever Python the app uses, so it keeps to syntax that old ones read. Python itself
catches and prints what goes wrong here; the app starts all the same.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def import_the_other_sitecustomize():
    """Run the sitecustomize that ours stands in front of, if there is one."""
    import importlib.machinery
    import importlib.util

    others = [path for path in sys.path if os.path.abspath(path or os.curdir) != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def import_bugsly():
    """Make `bugsly` importable from beside us, unless the app's environment has its own."""
    import importlib.util

    if importlib.util.find_spec("bugsly") is not None:
        return
    package = os.path.dirname(HERE)
    spec = importlib.util.spec_from_file_location(
        "bugsly", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["bugsly"] = module
    spec.loader.exec_module(module)


if sys.version_info < (3, 10):
    sys.stderr.write(
        "bugsly: Python %d.%d is older than 3.10 -> the app runs unwatched\n" % sys.version_info[:2]
    )
elif os.environ.get("BUGSLY_DSN"):
    import_bugsly()
    from bugsly.autostart import begin

    begin()

import_the_other_sitecustomize()
