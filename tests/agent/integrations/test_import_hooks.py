import importlib
import importlib.util
import inspect
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from bugsly.guard import Guards
from bugsly.integrations.import_hooks import when_imported

SOURCE = "WHO = __name__\nLOADER = __loader__\n"


@pytest.fixture(autouse=True)
def _imports_as_before() -> Iterator[None]:
    modules, finders, path = set(sys.modules), list(sys.meta_path), list(sys.path)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    sys.meta_path[:], sys.path[:] = finders, path
    importlib.invalidate_caches()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").write_text(SOURCE)
    (tmp_path / "shop/views.py").write_text(SOURCE)
    (tmp_path / "shop/broken.py").write_text("raise ValueError('half-way')\n")
    sys.path.insert(0, str(tmp_path))
    return tmp_path


@pytest.fixture
def archive(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "shop.zip", "w") as file:
        for path in folder.glob("shop/*.py"):
            file.write(path, path.relative_to(folder))
    sys.path[0] = str(folder / "shop.zip")
    return folder / "shop.zip"


def hook_import(name: str) -> list[ModuleType]:
    seen: list[ModuleType] = []
    when_imported(name, seen.append, Guards()("imports"))
    return seen


@pytest.mark.usefixtures("folder")
def test_a_module_that_is_there_is_handed_over_at_once() -> None:
    module = importlib.import_module("shop")
    assert hook_import("shop") == [module]


@pytest.mark.usefixtures("folder")
def test_a_module_is_handed_over_when_it_has_run() -> None:
    seen = hook_import("shop.views")
    importlib.import_module("shop")
    assert seen == []
    module = importlib.import_module("shop.views")
    assert seen == [module]
    assert module.WHO == "shop.views"


@pytest.mark.usefixtures("folder")
def test_the_module_keeps_its_own_loader() -> None:
    hook_import("shop.views")
    module = importlib.import_module("shop.views")
    assert type(module.__loader__).__name__ == "SourceFileLoader"
    assert module.__spec__ is not None
    assert module.__spec__.loader is module.__loader__ is module.LOADER
    assert inspect.getsource(module) == SOURCE


@pytest.mark.usefixtures("archive")
def test_modules_that_share_a_loader_are_not_mixed_up() -> None:
    seen = hook_import("shop")
    package = importlib.import_module("shop")
    importlib.import_module("shop.views")
    assert seen == [package]
    assert type(package.__loader__).__name__ == "zipimporter"


@pytest.mark.usefixtures("folder")
def test_only_looking_for_the_module_does_not_end_the_watch() -> None:
    seen = hook_import("shop.views")
    spec = importlib.util.find_spec("shop.views")
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_source("shop.views") == SOURCE  # type: ignore[attr-defined]
    assert seen == []
    assert seen == [importlib.import_module("shop.views")]


@pytest.mark.usefixtures("folder")
def test_nothing_is_called_again_when_the_module_is_loaded_again() -> None:
    seen = hook_import("shop.views")
    importlib.reload(importlib.import_module("shop.views"))
    assert len(seen) == 1


@pytest.mark.usefixtures("folder")
def test_several_may_wait_for_one_module() -> None:
    first, second = hook_import("shop.views"), hook_import("shop.views")
    module = importlib.import_module("shop.views")
    assert first == second == [module]


@pytest.mark.usefixtures("folder")
def test_a_module_that_fails_raises_as_ever_and_may_be_tried_again(folder: Path) -> None:
    seen = hook_import("shop.broken")
    with pytest.raises(ValueError, match="half-way"):
        importlib.import_module("shop.broken")
    assert seen == []
    (folder / "shop/broken.py").write_text(SOURCE + "MENDED = True\n")
    assert seen == [importlib.import_module("shop.broken")]


def test_a_module_that_does_not_exist_is_still_not_found() -> None:
    seen = hook_import("no_such_shop")
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_shop'"):
        importlib.import_module("no_such_shop")
    assert seen == []


@pytest.mark.usefixtures("folder")
def test_a_failing_callback_does_not_fail_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUGSLY_STRICT")
    guards = Guards()
    when_imported("shop.views", lambda module: module.no_such_name, guards("imports"))
    importlib.import_module("shop.views")
    assert guards.failures == {"imports": 1}
