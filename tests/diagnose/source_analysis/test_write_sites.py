"""What the source of a module says of a holder."""

import pytest

from bugsly_server.diagnose.source_analysis.holder_usage import analyse_usage
from bugsly_server.diagnose.source_analysis.integer_values import UNKNOWN_VALUE
from bugsly_server.diagnose.source_analysis.syntax_trees import MAX_SOURCE_LENGTH
from bugsly_server.diagnose.source_analysis.write_sites import choose_write_site

MODULE = "shop.views"
VIEW = "@app.get('/')\ndef view():"


def lines(text: str, path: str = "shop.views.log") -> list[int]:
    return [one.line for one in analyse_usage(text, path, MODULE).write_sites]


def inside(*body: str, head: str = "def view():") -> str:
    """Return a module whose third line is the first of a function's *body*."""
    return "\n".join(["log = []", head, *(f"    {line}" for line in body)])


WRITES = [
    "log.append(1)",
    "log.appendleft(1)",
    "log.add(1)",
    "log.extend([1])",
    "log.update(a=1)",
    "log.setdefault(1, 2)",
    "log[1] = 2",
    "log[1][2] = 3",
    "log[1] += 2",
    "log += [1]",
    "log |= {1}",
    "log.setdefault(1, []).append(2)",
    "log.get(1).append(2)",
    "log[1].append(2)",
    "views.log.append(1)",
    "a = log[1] = 2",
    "x.y[log.append(1)]",
    "heapq.heappush(log, 1)",
    "insort(log, 1)",
]
NO_WRITES = [
    "print(log)",
    "len(log)",
    "log.index(1)",
    "log.pop()",
    "blog.append(1)",
    "log -= {1}",
    "log = []",
    "other[log] = 1",
    "other.append(log)",
    "del log[1]",
]


@pytest.mark.parametrize("line", WRITES)
def test_a_line_that_adds_is_a_write_site(line: str) -> None:
    assert 3 in lines(inside(line))


@pytest.mark.parametrize("line", NO_WRITES)
def test_a_line_that_does_not_add_is_no_write_site(line: str) -> None:
    assert lines(inside(line)) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("shop.views.Order.seen", "cls.seen.append(1)"),
        ("shop.views.Order.seen", "self.seen[1] = 2"),
        ("shop.views.Order.seen", "Order.seen.add(1)"),
        ("shop.views.orders._seen", "self._seen.append(1)"),
        ("shop.views.orders._seen", "self.seen.append(1)"),
        ("shop.views.counted.<closure>.log", "log.append(1)"),
        ("shop.views.view.<default>.log", "log.append(1)"),
        ("shop.views.view.<local>.log", "log.append(1)"),
        ("shop.views.log['late']", "log['late'].append(1)"),
        ("shop.views.log", "views.log.append(1)"),
    ],
)
def test_a_holder_is_found_as_the_source_spells_it(path: str, line: str) -> None:
    assert 3 in lines(inside(line), path)


def test_only_its_own_function_adds_to_a_default() -> None:
    text = (
        "def other(memo):\n    memo.append(0)\n"
        "def view(x, memo=[]):\n    memo.append(x)\n    self.memo.append(x)\n"
    )
    assert lines(text, "shop.views.view.<default>.memo") == [4]


def test_a_wrapper_of_another_name_adds_to_a_closure() -> None:
    text = (
        "def memoised(f):\n    kept = {}\n    @wraps(f)\n    def inner(x):\n"
        "        kept[x] = f(x)\n        return kept[x]\n    return inner\n"
    )
    assert lines(text, "shop.views.price.<closure>.kept") == [5]


def test_a_holder_inside_a_class_is_not_a_name_of_the_module() -> None:
    assert lines(inside("seen.append(1)"), "shop.views.Order.seen") == []


def test_a_cached_function_is_its_own_write_site() -> None:
    text = "@lru_cache(maxsize=None)\ndef price(of):\n    return of * 2\n"
    found = analyse_usage(text, "shop.views.price", MODULE).write_sites
    assert [(feed.line, feed.function) for feed in found] == [(2, "price")]


@pytest.mark.parametrize(
    ("body", "memo"),
    [
        (["if key in log:", "    return log[key]", "log[key] = 1"], {True}),
        (["if key not in log:", "    log[key] = 1"], {True}),
        (["found = log.get(key)", "log[key] = found or 1"], {True}),
        (["log[key] = 1", "return log[key]"], {True}),
        (["log[key] = 1"], {False}),
        (["if key in other:", "    log[key] = 1"], {False}),
    ],
)
def test_a_function_that_looks_before_it_adds_keeps_a_memo(
    body: list[str], memo: set[bool]
) -> None:
    text = inside(*body, head="def view(key):")
    assert {
        one.looks_up_first for one in analyse_usage(text, "shop.views.log", MODULE).write_sites
    } == memo


@pytest.mark.parametrize(
    ("body", "bound"),
    [
        (["if len(log) > 100:", "    log.pop(0)"], 100),
        (["if 100 <= len(log):", "    log.clear()"], 100),
        (["while len(log) > MOST:", "    del log[0]"], 500),
        (["if len(log) >= config.MOST:", "    log.pop()"], 500),
        (["if len(log) > ELSEWHERE:", "    log.pop()"], UNKNOWN_VALUE),
        (["if len(log) > MOST + 50:", "    log[:] = log[-MOST:]"], 550),
        (["if len(log) >= app.config['MOST']:", "    trim()"], UNKNOWN_VALUE),
        (["if len(log) >= app.config['MOST']:", "    print(log)"], None),
        (["if len(log) >= app.config['MOST']:", "    return", "log.append(1)"], UNKNOWN_VALUE),
        (["log.append(1)", "if len(log) >= app.config['MOST']:", "    return"], None),
        (["if len(log) < ELSEWHERE:", "    log.append(1)"], UNKNOWN_VALUE),
        (["if len(log) > 100:", "    warn()", "if len(log) > 900:", "    log.clear()"], 900),
        (["if len(log) > 0:", "    log.pop()"], None),
        (["heappush(log, 1)", "if len(log) > ELSEWHERE:", "    heappop(log)"], UNKNOWN_VALUE),
        (["log.append(1)", "del log[:-700]"], 700),
        (["self.most = most", "if len(log) > self.most:", "    log.pop()"], UNKNOWN_VALUE),
        (["global log", "log = log[-MOST:]"], 500),
        (["if len(log) > 0:", "    print(log)"], None),
        (["if len(other) > 100:", "    other.pop()"], None),
        (["return len(log)"], None),
    ],
)
def test_a_bound_is_what_the_length_is_compared_with(body: list[str], bound: int | None) -> None:
    text = "MOST: Final = 500\ndef trim():\n    del log[0]\n" + inside(*body, head=VIEW)
    assert analyse_usage(text, "shop.views.log", MODULE).capacity_limit == bound


@pytest.mark.parametrize(
    ("path", "bound"),
    [("archive.rows", None), ("ring.rows", UNKNOWN_VALUE), ("Ring.rows", UNKNOWN_VALUE)],
)
def test_a_bound_of_another_class_is_none(path: str, bound: int | None) -> None:
    text = (
        "class Archive:\n    def put(self, row):\n        self.rows.append(row)\n"
        "class Ring:\n    def put(self, row):\n        self.rows.append(row)\n"
        "        if len(self.rows) > self.most:\n            self.rows.pop(0)\n"
        "archive = Archive()\nring = Ring(10)\n"
    )
    found = analyse_usage(f"{text}ring.put(archive.put(1))\n", f"shop.views.{path}", MODULE)
    assert (len(found.write_sites), found.capacity_limit) == (1, bound)


@pytest.mark.parametrize(
    ("made", "bound"),
    [
        ("LRU(5_000)", 5_000),
        ("LRU(MOST)", 500),
        ("LRU(most=900)", 900),
        ("LRU()", 100),
        ("LRU(int(environ['MOST']))", UNKNOWN_VALUE),
        ("LRU(None)", None),
        ("LRU(most=math.inf)", None),
    ],
)
def test_a_bound_that_is_given_when_it_is_made_is_that_number(made: str, bound: int | None) -> None:
    text = (
        "MOST = 500\nclass LRU:\n    def __init__(self, most=100):\n        self.most = most\n"
        "        self.rows = {}\n    def keep(self, key):\n        self.rows[key] = 1\n"
        "        if self.most and len(self.rows) > self.most:\n            self.rows.popitem()\n"
        f"lru = {made}\nother = LRU(70)\nlru.keep(1)\n"
    )
    assert analyse_usage(text, "shop.views.lru.rows", MODULE).capacity_limit == bound


def test_code_that_nobody_calls_bounds_nothing() -> None:
    unused = inside("if len(log) > ELSEWHERE:", "    log.clear()", head="def trim():")
    assert analyse_usage(unused, "shop.views.log", MODULE).capacity_limit is None
    assert (
        analyse_usage(f"{unused}\ntrim()", "shop.views.log", MODULE).capacity_limit == UNKNOWN_VALUE
    )


def test_a_buffer_that_a_method_empties_is_bounded() -> None:
    text = (
        "class Batch:\n    size = 1_500\n    def add(self, row):\n"
        "        self.rows.append(row)\n        if len(self.rows) >= self.size:\n"
        "            self.flush()\n    def flush(self):\n        rows, self.rows = self.rows, []\n"
        "batch = Batch()\n@app.post('/')\ndef rows():\n    batch.add(1)\n"
    )
    found = analyse_usage(text, "shop.views.batch.rows", MODULE)
    assert (found.capacity_limit, found.removes_entries) == (1_500, True)


def test_a_container_of_a_class_of_its_own_is_spelled_self_in_it() -> None:
    text = (
        "class Cache(OrderedDict):\n    def keep(self, key):\n        self[key] = 1\n"
        "        if len(self) > self.most:\n            self.popitem(last=False)\n"
        "class Other(dict):\n    def keep(self, key):\n        self[key] = 1\n"
        "log = Cache(ELSEWHERE)\ndef view():\n    log.keep(1)\n"
    )
    found = analyse_usage(text, "shop.views.log", MODULE)
    assert ([one.line for one in found.write_sites], found.capacity_limit) == ([3], UNKNOWN_VALUE)


@pytest.mark.parametrize(
    "line",
    [
        *("log.pop()", "log.clear()", "del log[0]", "log[:] = log[-9:]", "heappop(log)"),
        *("global log; log = {k: v for k, v in log.items() if v > now}", "global log; log = []"),
    ],
)
def test_a_line_that_removes_entries_is_noticed(line: str) -> None:
    assert analyse_usage(inside(line), "shop.views.log", MODULE).removes_entries


@pytest.mark.parametrize(
    "line",
    [
        *("log.append(1)", "other.pop()", "print(log[0])", "log = []"),
        "global log; log = log + [1]",
        "global log\n    if log is None:\n        log = []",
    ],
)
def test_a_line_that_removes_nothing_is_not_taken_for_one_that_does(line: str) -> None:
    assert not analyse_usage(inside(line), "shop.views.log", MODULE).removes_entries


def test_the_write_site_of_the_endpoint_is_chosen_before_others() -> None:
    text = (
        "log.append(0)\n"
        '@app.get("/a")\ndef a():\n    log.append(1)\n'
        '@app.get("/b")\ndef b():\n    log.append(2)\n'
        "def helper():\n    log.append(3)\n"
    )
    write_sites = analyse_usage(text, "shop.views.log", MODULE).write_sites
    assert {
        endpoint: chosen.line
        for endpoint in ("GET /a", "GET /b", "GET /c", "")
        if (chosen := choose_write_site(write_sites, endpoint)) is not None
    } == {"GET /a": 4, "GET /b": 7, "GET /c": 9, "": 9}
    assert choose_write_site((), "GET /a") is None


@pytest.mark.parametrize(
    "text",
    ["", "def broken(:", "\0", "(" * 5_000, "# " + "x" * MAX_SOURCE_LENGTH],
    ids=["empty", "broken", "null", "deep", "long"],
)
def test_a_source_that_cannot_be_read_says_nothing(text: str) -> None:
    found = analyse_usage(text, "shop.views.log", MODULE)
    assert (found.write_sites, found.capacity_limit, found.removes_entries) == ((), None, False)


def test_a_name_that_is_given_many_others_which_are_given_many_is_looked_up_once() -> None:
    fan = [f"most_{step} = most_{step + 1}" for step in range(5) for _ in range(500)]
    guard = ["log = []", "def keep():", "    log.append(1)", "    if len(log) > most_0:"]
    text = "\n".join([*guard, "        log.clear()", "keep()", *fan, "most_5 = 70"])
    assert analyse_usage(text, "shop.views.log", MODULE).capacity_limit == 70
