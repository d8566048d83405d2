"""Starts the agent inside an interpreter launched by `bugsly run`.

Runs in whatever Python the app uses, so it keeps to syntax that old ones read. Python itself
catches and prints what goes wrong here; the app starts all the same.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def start():
    """Watch the app of this interpreter, or say in one line why not."""
    if sys.version_info < (3, 10):
        sys.stderr.write(
            "bugsly: Python %d.%d is older than 3.10 -> the app runs unwatched\n"
            % sys.version_info[:2]
        )
    elif os.environ.get("BUGSLY_DSN"):
        import_bugsly()
        from bugsly.autostart import begin

        begin()


def import_bugsly():
    """Make `bugsly` importable from beside us, unless the app's environment has its own.

    A mere folder of that name somewhere on the path, as of a checkout, is none.
    """
    from importlib.machinery import PathFinder

    installed = PathFinder.find_spec("bugsly")
    if installed is not None and installed.origin is not None:
        return
    from importlib.util import module_from_spec, spec_from_file_location

    package = os.path.dirname(HERE)
    spec = spec_from_file_location(
        "bugsly", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    module = module_from_spec(spec)
    sys.modules["bugsly"] = module
    spec.loader.exec_module(module)


def give_way():
    """Run the sitecustomize that ours stands in front of, if there is one."""
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or os.curdir) != HERE]
    ours = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = ours


try:
    start()
finally:
    give_way()
