"""Names that `make check` refuses."""

import pytest
from tools.name_rules import find_problems


@pytest.mark.parametrize(
    "source",
    [
        "one = 1",
        "one: int = 1",
        "one += 1",
        "for one, other in pairs: pass",
        "def f(one): pass",
        "def f(*, one=1): pass",
        "def f(*one): pass",
        "key = lambda one: one.size",
        "sizes = [(lambda one: one)(size) for size in found]",
        "sizes = [one := size for size in found]",
        "with opened() as one: pass",
        "try: pass\nexcept OSError as one: pass",
        "match found:\n    case [one, *_]: pass",
        "match found:\n    case [*one]: pass",
        "match found:\n    case {'a': 1, **one}: pass",
        "match found:\n    case int() as one: pass",
        "import json as one",
        "def one(): pass",
        "class Heap:\n    one: int",
    ],
)
def test_nothing_is_called_one(source: str) -> None:
    (problem,) = find_problems({"agent/src/heap.py": source})
    assert " one: " in problem


@pytest.mark.parametrize(
    "source",
    [
        "sizes = [one.size for one in found]",
        "sizes = {key: one for key, one in found}",
        "total = sum(one.size for one in found if one)",
        "one.size = 1",
        "print(one=1)",
    ],
)
def test_the_variable_of_a_comprehension_may_be_called_one(source: str) -> None:
    assert find_problems({"agent/src/heap.py": source}) == []


@pytest.mark.parametrize("name", ["MOST", "_LEAST", "LONGEST", "LARGEST", "EVERY"])
def test_a_bound_names_what_it_bounds(name: str) -> None:
    (problem,) = find_problems({"labs/shop.py": f"\n{name} = 5"})
    assert problem == f"labs/shop.py:2 {name}: a bound has to name what it bounds → MAX_… or MIN_…"


def test_max_frames_names_what_it_bounds() -> None:
    assert find_problems({"labs/shop.py": "MAX_FRAMES = 5\nMOST_FRAMES = 5"}) == []


def test_two_public_classes_with_one_name_are_found_across_the_project() -> None:
    found = find_problems(
        {
            "agent/src/heap.py": "class Heap: pass",
            "server/src/heap.py": "\nclass Heap: pass",
        }
    )
    assert found == [
        "server/src/heap.py:2 Heap: a class has this name already, at agent/src/heap.py:1"
    ]


@pytest.mark.parametrize("path", ["tests/heap.py", "labs/heap.py"])
def test_tests_and_labs_may_repeat_the_name_of_a_class(path: str) -> None:
    assert find_problems({"agent/src/heap.py": "class Heap: pass", path: "class Heap: pass"}) == []


def test_two_private_classes_may_have_one_name() -> None:
    assert find_problems({"a.py": "class _Heap: pass", "b.py": "class _Heap: pass"}) == []
