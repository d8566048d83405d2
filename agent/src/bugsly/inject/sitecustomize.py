"""Starts the agent inside an interpreter launched by `bugsly run`.

It runs in whatever Python the app uses, so it keeps to syntax that old versions parse. Python
catches and prints what fails here; the app starts all the same.
"""

import os
import sys

INJECT_FOLDER = os.path.dirname(os.path.abspath(__file__))


def start_agent():
    """Watch the app of this interpreter, or print one line that says why not."""
    if sys.version_info < (3, 10):
        sys.stderr.write(
            "bugsly: Python %d.%d is older than 3.10 -> the app runs unwatched\n"
            % sys.version_info[:2]
        )
    elif os.environ.get("BUGSLY_DSN"):
        import_bugsly()
        from bugsly.autostart import install_import_hooks

        install_import_hooks()


def import_bugsly():
    """Make `bugsly` importable from the folder above, unless the app's environment has its own.

    A folder of that name on the path, such as a checkout, does not count.
    """
    from importlib.machinery import PathFinder

    installed = PathFinder.find_spec("bugsly")
    if installed is not None and installed.origin is not None:
        return
    from importlib.util import module_from_spec, spec_from_file_location

    package = os.path.dirname(INJECT_FOLDER)
    spec = spec_from_file_location(
        "bugsly", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    module = module_from_spec(spec)
    sys.modules["bugsly"] = module
    spec.loader.exec_module(module)


def run_shadowed_sitecustomize():
    """Run the sitecustomize that ours shadows, if there is one."""
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or os.curdir) != INJECT_FOLDER]
    own_module = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = own_module


try:
    start_agent()
finally:
    run_shadowed_sitecustomize()
