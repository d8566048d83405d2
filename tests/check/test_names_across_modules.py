"""Names are followed through imports: relative, renamed, re-exported, and in circles."""

from pathlib import Path

import pytest
from tests.support.checked_code import FLASK, check_in, places

VIEW = "\n@app.get('/x/<key>')\ndef x(key):\n    "
EMPTY = ""


def test_a_helper_in_another_module_of_the_package(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": EMPTY,
        "shop/views.py": f"from .audit import note\n{FLASK}{VIEW}note(key)",
        "shop/audit.py": "seen = {}\ndef note(key):\n    seen[key] = 1",
    }
    assert places(tmp_path, files) == ["BG101 shop/audit.py:3"]


def test_a_helper_two_folders_up_and_re_exported(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": EMPTY,
        "shop/web/__init__.py": EMPTY,
        "shop/web/views.py": f"from ..tools import remember as keep\n{FLASK}{VIEW}keep(key)",
        "shop/tools/__init__.py": "from shop.tools.memory import remember",
        "shop/tools/memory.py": "seen = []\ndef remember(key):\n    seen.append(key)",
    }
    assert places(tmp_path, files) == ["BG101 shop/tools/memory.py:3"]


def test_a_container_of_another_module(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": EMPTY,
        "shop/state.py": "seen = []",
        "shop/views.py": f"from shop import state\n{FLASK}{VIEW}state.seen.append(key)",
    }
    result = check_in(tmp_path, files)
    assert [finding.rewrite for finding in result.findings] == [None], "its file is another one"


@pytest.mark.parametrize(
    "jobs",
    [
        "from shop.views import seen\ndef flush():\n    seen.clear()",
        "from .views import seen as old\ndef flush():\n    old.clear()",
        "from shop import views\ndef flush():\n    views.seen.clear()",
        "import shop.views as pages\ndef flush():\n    pages.seen.clear()",
        "import shop.views\ndef flush():\n    shop.views.seen.clear()",
    ],
)
def test_a_container_that_another_module_empties_is_bounded(jobs: str, tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": EMPTY,
        "shop/views.py": f"{FLASK}seen = []{VIEW}seen.append(key)",
        "shop/jobs.py": jobs,
    }
    assert places(tmp_path, files) == []


def test_a_container_that_another_module_reads_keeps_its_type(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": EMPTY,
        "shop/views.py": f"{FLASK}seen = []{VIEW}seen.append(key)",
        "shop/report.py": "from shop.views import seen\nprint(seen[-10:])",
    }
    result = check_in(tmp_path, files)
    assert [(one.code, one.rewrite) for one in result.findings] == [("BG101", None)]


def test_an_engine_of_another_module(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": EMPTY,
        "shop/db.py": "from sqlalchemy import create_engine\nengine = create_engine('sqlite://')",
        "shop/views.py": f"from shop.db import engine as db\n{FLASK}{VIEW}"
        "connection = db.connect()\n    return connection.execute(key).scalar()",
    }
    assert places(tmp_path, files) == ["BG201 shop/views.py:8"]


def test_apps_of_one_name_in_several_folders_are_told_apart(tmp_path: Path) -> None:
    state = "seen = []\ndef note(key):\n    seen.append(key)"
    files = {
        "a/state.py": state.replace("seen = []", "seen = [1]"),
        "a/app.py": f"from state import note\n{FLASK}{VIEW}note(key)",
        "b/state.py": state,
        "b/app.py": f"from state import note\n{FLASK}{VIEW}note(key)",
        "c/state.py": state,
        "c/app.py": f"import state\n{FLASK}{VIEW}return key",
    }
    assert places(tmp_path, files) == ["BG101 a/state.py:3", "BG101 b/state.py:3"]


def test_a_package_without_an_init_file(tmp_path: Path) -> None:
    files = {
        "shop/views.py": f"from shop.audit import note\n{FLASK}{VIEW}note(key)",
        "shop/audit.py": "seen = {}\ndef note(key):\n    seen[key] = 1",
    }
    assert places(tmp_path, files) == ["BG101 shop/audit.py:3"]


def test_imports_and_assignments_in_circles_end(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "from shop.a import x as x",
        "shop/a.py": f"from shop.b import x\nlog = log2\nlog2 = log\n{FLASK}{VIEW}log.append(key)",
        "shop/b.py": "from shop.a import x\ndef f(): return g()\ndef g(): return f()\n",
        "shop/c.py": f"from shop.b import f\n{FLASK}d = {{}}{VIEW}a = b = f()\n    a, b = b, a\n"
        "    d[a] = d[b] = 1",
    }
    assert check_in(tmp_path, files).problems == ()


def test_a_star_import_hides_nothing_else(tmp_path: Path) -> None:
    files = {"shop.py": f"from os import *\n{FLASK}log = []{VIEW}log.append(key)"}
    assert places(tmp_path, files) == ["BG101 shop.py:8"]
