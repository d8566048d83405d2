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
    looking = SmallCensus(*(sys.modules[name] for name in order))
    for _ in range(3):
        sys.modules["probe.state"].probe_log.extend(range(20))
        looking.run_passes()
    assert looking.levels == {"probe.state.probe_log": 60}


def test_the_application_names_a_thing_before_a_library_does() -> None:
    library = module("tool", "registry = {}", LIBRARY_FILE)
    own = module("probe", "mine = tool.registry", tool=library)
    looking = SmallCensus(library, own)
    for _ in range(3):
        own.mine.update({len(own.mine) + number: 1 for number in range(20)})
        looking.run_passes()
    assert looking.levels == {"probe.mine": 60}


def test_a_package_that_is_installed_is_own_where_the_application_says_so() -> None:
    class App:
        import_name = ""

        def __init__(self) -> None:
            self.import_name = "probe.web"

    made = module("probe", "log = []", LIBRARY_FILE)
    looking = SmallCensus(made, served=[App()])
    for _ in range(3):
        made.log.extend(range(20))
        looking.run_passes()
    assert looking.levels == {"probe.log": 60}
    assert looking.holders["probe.log"].library == ""


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
def test_keys_that_may_be_of_people_or_sessions_are_not_told(key: object, text: str) -> None:
    looking = census_of_growth(module("probe", "by = {key: []}", key=key), "by[key].append(i)")
    (name,) = looking.levels
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
def test_a_library_is_found_beside_its_package(file: str, library: str, tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    installed(site, "marshmallow-2.16.2", "marshmallow/__init__.py")
    installed(site, "PyYAML-6.0", "_yaml/__init__.py", "yaml/__init__.py", "yaml/loader.py")
    installed(site, "six-1.16.0", "six.py")
    installed(site, "typing_extensions-4.9", "typing_extensions.py")
    installed(site, "google-auth-1.9", "google/auth/credentials.py")
    installed(site, "google-cloud-storage-2.1", "google/cloud/storage/blob.py")
    (site / "broken-1.0.dist-info").mkdir()
    assert DistributionFinder().distribution_of(str(site / file)) == library


def test_the_standard_library_is_one_too() -> None:
    import linecache

    assert DistributionFinder().distribution_of(linecache.__file__).startswith("python 3.")


def test_source_of_the_application_is_of_no_library() -> None:
    assert DistributionFinder().distribution_of("/srv/app/views.py") == ""


def test_an_application_and_a_module_called_app_are_not_confused() -> None:
    class App:
        def __init__(self) -> None:
            self.import_name = "app"
            self.seen: list[int] = []

    app = App()
    looking = SmallCensus(module("app", "log = []", served=app), served=[app])
    hidden = App()
    looking.served.append(hidden)
    for _ in range(3):
        for log in (sys.modules["app"].log, app.seen, hidden.seen):
            log.extend(range(20))
        looking.run_passes()
    assert looking.levels == {"app.log": 60, "app.served.seen": 60, "app:app2.seen": 60}


def test_what_each_thread_keeps_for_itself_is_found() -> None:
    source = "import threading\nclass Mine(threading.local): pass\nmine = Mine()"
    made = module("probe", source)
    made.mine.kept = []
    looking = SmallCensus(made)
    for _ in range(3):
        made.mine.kept.extend(range(20))
        thread = threading.Thread(target=looking.run_passes)
        thread.start()
        thread.join()
    assert looking.levels == {"probe.mine.<thread 0>.kept": 60}
