"""What programs, agents of another version and kept data rely on, as it is written down."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import earlier_data_folder
from tests.support.json_shapes import KeyedByData, shapes
from tools.golden import FOLDER, GOLDEN

import bugsly
import bugsly_server
from bugsly_server.store.meta.database import HEAD_REVISION

SERVER = Path(bugsly_server.__path__[0])
AGENT = Path(bugsly.__path__[0])
BUILDERS = (
    *(SERVER / "alert").glob("*.py"),
    *(
        SERVER / "web" / "mcp" / name
        for name in ("list_issues_tool.py", "get_issue_tool.py", "tools.py")
    ),
    *(SERVER / "web" / name for name in ("api.py", "charts.py")),
    *(SERVER / name for name in ("json_views.py", "model/json_facts.py")),
    *(AGENT / "protocol" / name for name in ("event.py", "memory.py", "envelope.py")),
)
"""Files whose mappings with text for keys go out as JSON."""


@pytest.mark.parametrize("name", GOLDEN)
def test_what_others_rely_on_is_what_is_written_down(name: str, tmp_path: Path) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert GOLDEN[name](tmp_path) == written, f"{name} has changed → make golden, review the diff"


@pytest.mark.parametrize("builder", BUILDERS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_key_of_a_builder_is_written_down(builder: Path) -> None:
    lines = (FOLDER / "json_shapes.txt").read_text(encoding="utf-8").splitlines()
    known = {line.split()[0].rpartition(".")[2].rstrip("?[]") for line in lines if line}
    assert set(_keys(builder)) - known == set()


def _keys(builder: Path) -> Iterator[str]:
    """Yield the keys of the mappings that functions in *builder* write out."""
    for node in ast.walk(ast.parse(builder.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in ast.walk(node):
                for key in inner.keys if isinstance(inner, ast.Dict) else ():
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.value


def test_a_shape_tells_of_keys_types_and_nesting() -> None:
    examples = [{"a": 1, "b": [{"c": "x"}]}, {"a": None, "b": [{}], "d": KeyedByData(x=1.0)}]
    assert shapes(("thing", one) for one in examples) == (
        "thing\n"
        "    whole  object\n"
        "    .a  int|null\n"
        "    .b  array\n"
        "    .b[]  object\n"
        "    .b[].c?  text\n"
        "    .d?  object\n"
        "    .d.*  float\n"
    )


def test_a_folder_of_an_earlier_server_is_brought_to_the_schema_of_today(tmp_path: Path) -> None:
    with earlier_data_folder.open_earlier_folder(tmp_path) as database:
        assert database.version() == HEAD_REVISION


def test_a_folder_of_an_earlier_server_holds_every_kind_of_issue() -> None:
    told = json.loads((FOLDER / "old_folder.json").read_text(encoding="utf-8"))
    found = told["shop"]["issues"]
    assert {one["kind"] for one in found} == {"error", "leak", "net"}
    changes = {step["alert"]["change"] for one in found for step in one["story"]}
    assert changes == {"opened", "worsened", "cause found", "quieted", "fixed", "resolved"}
    parts = ("diagnosis", "recycled", "proof", "max_requests", "killed")
    assert any(all(one[part] for part in parts) for one in found if one["kind"] == "leak")
