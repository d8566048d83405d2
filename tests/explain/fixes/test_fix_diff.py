"""Changes that mend: each is applied with patch, and the mended code runs."""

import textwrap
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from tests.support.apply_patch import apply_patch
from tests.support.diagnoses import diagnosis
from tests.support.leak_evidence import APP, leak_evidence, source

from bugsly_server.explain.fixes.fix_diff import fix_diff
from bugsly_server.model.diagnosis import Cause, Diagnosis


def at(text: str, culprit: str) -> int:
    """Return the number of the line of *text* that holds *culprit*."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if culprit in line)


def diff_of(text: str, culprit: str, cause: Cause, holder: str = "log", **facts: Any) -> str:
    fields = {"file": APP, "holder": f"shop.views.{holder}", **facts}
    found: Diagnosis = diagnosis(cause, site=f"shop/views.py:{at(text, culprit)}", **fields)
    return fix_diff(found, leak_evidence(sources=(source(text),)))


def run(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, APP, "exec"), names)
    return names


@pytest.fixture
def mended(tmp_path: Path) -> Any:
    def mended(text: str, culprit: str, cause: Cause, holder: str = "log") -> str:
        return apply_patch(text, diff_of(text, culprit, cause, holder), tmp_path)

    return mended


VIEW = "\n\n\ndef view(x):\n    log.append(x)\n"
LISTS = [
    f"log = []{VIEW}",
    f'"""Docstring."""\n\nlog = []  # of all{VIEW}',
    f"#!/usr/bin/python3\n# coding: utf-8\nlog = list(){VIEW}",
    f"from __future__ import annotations\n\nlog: list[int] = []{VIEW}",
    f"import os\nfrom zlib import crc32\n\nlog = [\n]{VIEW}",
    f"from zlib import (\n    crc32,\n)\n\nlog = []{VIEW}\n\nimport os\n",
    f"from collections import deque as many\nlog = []{VIEW}",
    f"from collections import deque\nlog = []{VIEW}",
    f"log = []\n\x0c{VIEW}",
]


@pytest.mark.parametrize("text", LISTS)
def test_a_list_becomes_a_deque_with_a_bound(text: str, mended: Any) -> None:
    after = mended(text, "append", Cause.GROWING_CONTAINER)
    names = run(after)
    for number in range(1_500):
        names["view"](number)
    assert (type(names["log"]), len(names["log"])) == (deque, 1_000)
    assert names["log"][-1] == 1_499
    assert after.count("import deque\n") == 1


def test_line_endings_of_another_system_change_nothing() -> None:
    plain = diff_of(LISTS[4], "append", Cause.GROWING_CONTAINER)
    other = diff_of(LISTS[4].replace("\n", "\r\n"), "append", Cause.GROWING_CONTAINER)
    assert plain == other != ""


def test_the_annotation_and_the_imports_stay_in_order(mended: Any) -> None:
    text = (
        '"""Shop."""\n\nfrom __future__ import annotations\n\n'
        "import os\nfrom flask import Flask\n\n"
        f"log: list[int] = []{VIEW}"
    )
    assert mended(text, "append", Cause.GROWING_CONTAINER).splitlines()[:9] == [
        '"""Shop."""',
        "",
        "from __future__ import annotations",
        "",
        "import os",
        "from collections import deque",
        "from flask import Flask",
        "",
        "log: deque[int] = deque(maxlen=1000)",
    ]


@pytest.mark.parametrize(
    "use", ["log[-10:]", "log.sort()", "json.dumps(log)", "log + [1]", "jsonify({'a': log})"]
)
def test_a_list_that_has_to_be_one_drops_its_oldest(use: str, mended: Any) -> None:
    text = f"log = []\n\n\ndef view(x):\n    log.append(x)\n\n\ndef show():\n    {use}\n"
    names = run(mended(text, "append", Cause.GROWING_CONTAINER))
    for number in range(1_500):
        names["view"](number)
    assert names["log"] == list(range(500, 1_500))


DICTS = [
    "log = {}\n\n\ndef view(x):\n    log[x] = 1\n    return x\n",
    "log = dict()\n\n\ndef view(x):\n    log[x] = {\n        'a': x,\n    }\n    return x\n",
    "log: dict[int, int] = {}\n\n\ndef view(x):\n    if x not in log:\n        log[x] = 1\n",
    "log = {}\n\n\ndef view(x):\n    return log.setdefault(x, 1)\n",
    "log = set()\n\n\ndef view(x):\n    with lock:\n        log.add(x)\n",
]


@pytest.mark.parametrize("text", DICTS)
@pytest.mark.parametrize("cause", [Cause.GROWING_CONTAINER, Cause.UNBOUNDED_CACHE])
def test_a_dict_or_a_set_drops_an_entry(text: str, cause: Cause, mended: Any) -> None:
    culprit = next(one for one in ("log[x]", "setdefault", "log.add") if one in text)
    names = run("import threading\nlock = threading.Lock()\n" + mended(text, culprit, cause))
    for number in range(1_500):
        names["view"](number)
    assert len(names["log"]) == 1_000
    if isinstance(names["log"], dict):
        assert list(names["log"])[-1] == 1_499


@pytest.mark.parametrize(
    "decorator",
    ["cache", "lru_cache(None)", "lru_cache(\n    maxsize=None,\n)", "functools.cache"],
)
def test_a_cache_gets_a_size(decorator: str, mended: Any) -> None:
    head = "import functools\nfrom functools import cache, lru_cache\n\n\n"
    text = f"{head}@{decorator}\ndef price(of):\n    return of * 2\n"
    price = run(mended(text, "def price", Cause.UNBOUNDED_CACHE, "price"))["price"]
    assert price.cache_info().maxsize == 1_000


def test_a_method_keeps_its_place_when_its_cache_gets_a_size(mended: Any) -> None:
    text = (
        "from functools import cache\n\n\n"
        "class A:\n    @cache\n    def f(self):\n        return 1\n"
    )
    after = mended(text, "def f", Cause.UNBOUNDED_CACHE, "A.f")
    assert run(after)["A"].f.cache_info().maxsize == 1_000


ENGINE = textwrap.dedent("""\
    class Engine:
        open = 0
        def connect(self):
            Engine.open += 1
            return self
        raw_connection = connect
        def execute(self, text):
            return text
        def close(self):
            Engine.open -= 1
        __enter__ = lambda self: self
        __exit__ = lambda self, *_: self.close()
    engine = Engine()
""")


@pytest.mark.parametrize("make", ["engine.connect()", "engine.raw_connection()"])
def test_a_connection_is_taken_in_a_with_block(make: str, mended: Any) -> None:
    view = f'''
def view():
    conn = {make}
    found = conn.execute("""
select 1
    from x""")

    return found
'''
    names = run(mended(ENGINE + view, "conn = ", Cause.UNRETURNED_CONNECTION))
    assert names["view"]() == "\nselect 1\n    from x"
    assert names["Engine"].open == 0


@pytest.mark.parametrize(
    ("call", "head"),
    [
        ('connect("é.db",timeout = 3)', 'with closing(connect("é.db",timeout = 3)) as conn:'),
        ('connect(\n        "a.db",\n    )', "with closing(connect('a.db')) as conn:"),
    ],
)
def test_a_call_keeps_its_spelling_where_it_is_on_one_line(call: str, head: str) -> None:
    text = f"def view():\n    conn = {call}\n    return conn.execute(1)\n"
    assert f"+    {head}" in diff_of(text, "conn = ", Cause.UNRETURNED_CONNECTION).splitlines()


@pytest.mark.parametrize(
    "body",
    [
        "conn = engine.connect()\n    return conn",
        "conn = engine.connect()\n    g.conn = conn",
        "conn = engine.connect()\n    yield conn",
        "conn = engine.connect().execute(1)\n    print(conn)",
        "conn = engine.connect()",
        "x = 1; conn = engine.connect()\n    print(conn)",
    ],
)
def test_a_connection_that_a_with_block_would_close_too_soon_is_left_alone(body: str) -> None:
    text = f"def view():\n    {body}\n"
    assert diff_of(text, "conn = ", Cause.UNRETURNED_CONNECTION) == ""


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("PATH", "send_file(PATH)"),
        ("'/srv/a.csv', 'rb'", "send_file('/srv/a.csv')"),
        ("'a.csv', 'rb'", "send_file(Path('a.csv').absolute())"),
    ],
)
def test_a_file_that_is_read_whole_is_sent_in_pieces(path: str, sent: str, mended: Any) -> None:
    head = "from flask import Flask\nPATH = '/srv/a.csv'\n"
    text = f"{head}def view():\n    return open({path}).read()\n"
    after = mended(text, "return open", Cause.BUFFERED_RESPONSE)
    assert f"    return {sent}\n" in after
    names = run(after)
    assert "send_file" in names
    assert ("Path" in names) is ("Path(" in sent)


def test_of_an_exception_its_text_is_kept(mended: Any) -> None:
    text = (
        "log = []\n\n\ndef view():\n    try:\n        1 / 0\n"
        "    except ZeroDivisionError as error:\n"
        "        name = 'é'; log.append(\n            error\n        )\n"
    )
    names = run(mended(text, "log.append", Cause.KEPT_EXCEPTION))
    names["view"]()
    assert names["log"] == ["ZeroDivisionError('division by zero')"]


GROWS = "log = []\n\n\ndef view(x):\n    log.append(x)\n"
LEFT_ALONE: list[tuple[str, str, Cause, dict[str, Any]]] = [
    ("the library's own", GROWS, Cause.GROWING_CONTAINER, {"library": "lib 1.0"}),
    ("another file", GROWS, Cause.GROWING_CONTAINER, {"file": "/app/other.py"}),
    ("of a class", GROWS, Cause.GROWING_CONTAINER, {"holder": "shop.views.Order.log"}),
    ("a default", GROWS, Cause.GROWING_CONTAINER, {"holder": "shop.views.view.<default>.log"}),
    ("something else", "log = Log()\nlog.append(1)\n", Cause.GROWING_CONTAINER, {}),
    ("not alone", "x = 1; log = []\nlog.append(x)\n", Cause.GROWING_CONTAINER, {}),
    ("in one line", "log = {}\nif 1: log[1] = 2  # append\n", Cause.GROWING_CONTAINER, {}),
    ("broken", "log = []\nlog.append(\n", Cause.GROWING_CONTAINER, {}),
    ("no such cause", GROWS, Cause.THREADS, {}),
    ("not caught", GROWS, Cause.KEPT_EXCEPTION, {}),
    ("another cache", "@app.cached(1)\ndef log():\n    append()\n", Cause.UNBOUNDED_CACHE, {}),
]


@pytest.mark.parametrize(
    ("text", "cause", "facts"), [pytest.param(*one[1:], id=one[0]) for one in LEFT_ALONE]
)
def test_what_nobody_can_fix_for_sure_is_left_alone(
    text: str, cause: Cause, facts: dict[str, Any]
) -> None:
    assert diff_of(text, "append", cause, **facts) == ""


def test_a_source_that_was_edited_since_is_left_alone() -> None:
    found = diagnosis(file=APP, site="shop/views.py:5", holder="shop.views.log")
    assert fix_diff(found, leak_evidence(sources=(source(GROWS),)))
    assert fix_diff(found, leak_evidence(sources=(source(GROWS, edited=True),))) == ""
