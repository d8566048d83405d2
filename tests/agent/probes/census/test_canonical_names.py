"""The names of containers, and the libraries they belong to."""

import sys
import threading
from pathlib import Path

import pytest
from tests.support.small_census import LIBRARY_FILE, SmallCensus, census_of_growth, module

from bugsly.probes.census.distributions import DistributionFinder

STATE = "probe_log: list[int] = []\n"
USER = "from probe.state import probe_log\n"


def on_disk(folder: Path, name: str, source: str) -> None:
    file = folder / f"{name.replace('.', '_')}.py"
    file.write_text(source)
    module(name, source, str(file))


@pytest.mark.parametrize("order", [("probe.state", "probe.views"), ("probe.views", "probe.state")])
def test_a_list_is_named_by_the_module_that_defines_it(
    order: tuple[str, str], tmp_path: Path
) -> None:
    on_disk(tmp_path, "probe.state", STATE)
    on_disk(tmp_path, "probe.views", USER)
    small_census = SmallCensus(*(sys.modules[name] for name in order))
    for _ in range(3):
        sys.modules["probe.state"].probe_log.extend(range(20))
        small_census.run_passes()
    assert small_census.levels == {"probe.state.probe_log": 60}


def test_a_container_is_named_by_the_application_rather_than_a_library() -> None:
    library = module("tool", "registry = {}", LIBRARY_FILE)
    own = module("probe", "mine = tool.registry", tool=library)
    small_census = SmallCensus(library, own)
    for _ in range(3):
        own.mine.update({len(own.mine) + number: 1 for number in range(20)})
        small_census.run_passes()
    assert small_census.levels == {"probe.mine": 60}


def test_an_installed_package_is_the_applications_if_the_application_was_made_in_it() -> None:
    class App:
        import_name = ""

        def __init__(self) -> None:
            self.import_name = "probe.web"

    made = module("probe", "log = []", LIBRARY_FILE)
    small_census = SmallCensus(made, served=[App()])
    for _ in range(3):
        made.log.extend(range(20))
        small_census.run_passes()
    assert small_census.levels == {"probe.log": 60}
    assert small_census.holders["probe.log"].library == ""


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("orders", "probe.by['orders']"),
        ("app.ItemSchema", "probe.by['app.ItemSchema']"),
        (7, "probe.by[7]"),
        (None, "probe.by[None]"),
        ("ann@example.com", "probe.by[<str> "),
        ("9f86d081884c7d65", "probe.by[<str> "),
        ("x" * 50, "probe.by[<str> "),
        (123456789, "probe.by[<int> "),
    ],
)
def test_keys_that_may_identify_people_or_sessions_are_not_shown(key: object, text: str) -> None:
    small_census = census_of_growth(module("probe", "by = {key: []}", key=key), "by[key].append(i)")
    (name,) = small_census.levels
    assert name.startswith(text)


def installed(site: Path, distribution: str, *files: str) -> None:
    info = site / f"{distribution}.dist-info"
    info.mkdir(parents=True)
    (info / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))


@pytest.mark.parametrize(
    ("file", "library"),
    [
        ("marshmallow/class_registry.py", "marshmallow 2.16.2"),
        ("yaml/loader.py", "PyYAML 6.0"),
        ("six.py", "six 1.16.0"),
        ("typing_extensions.py", "typing_extensions 4.9"),
        ("unheard/of.py", "unheard"),
        ("google/cloud/storage/blob.py", "google-cloud-storage 2.1"),
        ("google/auth/credentials.py", "google-auth 1.9"),
    ],
)
def test_a_library_is_found_next_to_its_package(file: str, library: str, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    installed(site, "marshmallow-2.16.2", "marshmallow/__init__.py")
    installed(site, "PyYAML-6.0", "_yaml/__init__.py", "yaml/__init__.py", "yaml/loader.py")
    installed(site, "six-1.16.0", "six.py")
    installed(site, "typing_extensions-4.9", "typing_extensions.py")
    installed(site, "google-auth-1.9", "google/auth/credentials.py")
    installed(site, "google-cloud-storage-2.1", "google/cloud/storage/blob.py")
    (site / "broken-1.0.dist-info").mkdir()
    assert DistributionFinder().distribution_of(str(site / file)) == library


def test_the_standard_library_is_a_library() -> None:
    import linecache

    assert DistributionFinder().distribution_of(linecache.__file__).startswith("python 3.")


def test_a_file_of_the_application_has_no_library() -> None:
    assert DistributionFinder().distribution_of("/srv/app/views.py") == ""


def test_an_application_and_a_module_called_app_are_not_confused() -> None:
    class App:
        def __init__(self) -> None:
            self.import_name = "app"
            self.seen: list[int] = []

    app = App()
    small_census = SmallCensus(module("app", "log = []", served=app), served=[app])
    hidden = App()
    small_census.served.append(hidden)
    for _ in range(3):
        for log in (sys.modules["app"].log, app.seen, hidden.seen):
            log.extend(range(20))
        small_census.run_passes()
    assert small_census.levels == {"app.log": 60, "app.served.seen": 60, "app:app2.seen": 60}


def test_thread_locals_are_found() -> None:
    source = "import threading\nclass Mine(threading.local): pass\nmine = Mine()"
    made = module("probe", source)
    made.mine.kept = []
    small_census = SmallCensus(made)
    for _ in range(3):
        made.mine.kept.extend(range(20))
        thread = threading.Thread(target=small_census.run_passes)
        thread.start()
        thread.join()
    assert small_census.levels == {"probe.mine.<thread 0>.kept": 60}
