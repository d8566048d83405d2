"""The estimated size of a container's entries."""

import pytest
from tests.support.small_census import census_of_growth, module

from bugsly.probes.census.entry_weight import weigh_entries

PAYLOAD = 5_000


class Quote:
    def __init__(self, text: str) -> None:
        self.text = text

    def shown(self) -> str:
        return self.text


@pytest.mark.parametrize(
    ("entries", "least", "most", "entry"),
    [
        ([i + 1_000 for i in range(100)], 30, 50, "int"),
        ([f"{i}" * PAYLOAD for i in range(1, 9)], PAYLOAD, 1.1 * PAYLOAD, "str"),
        ([bytearray(PAYLOAD) for _ in range(20)], PAYLOAD, 1.1 * PAYLOAD, "bytearray"),
        ({i: "x" * (PAYLOAD + i) for i in range(20)}, PAYLOAD, 1.1 * PAYLOAD, "int: str"),
        ({str(i) * PAYLOAD for i in range(1, 9)}, PAYLOAD, 1.1 * PAYLOAD, "str"),
        ([[["x" * (PAYLOAD + i)]] for i in range(20)], PAYLOAD, 1.2 * PAYLOAD, "list"),
        ([Quote("x" * (PAYLOAD + i)) for i in range(20)], PAYLOAD, 1.2 * PAYLOAD, "Quote"),
        (["same"] * 100, 8, 10, "str"),
        (bytearray(1_000), 1, 2, ""),
        ([], 0, 60, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, (list, dict, set)) else None,
)
def test_an_entry_weighs_what_it_alone_keeps(
    entries: object, least: float, most: float, entry: str
) -> None:
    weight = weigh_entries(entries, len(entries))  # type: ignore[arg-type] # all have a length
    assert least <= weight.bytes <= most
    assert weight.entry.endswith(entry)


def test_what_entries_share_is_not_weighed() -> None:
    shared = {"rows": ["x" * PAYLOAD] * 100}
    assert weigh_entries([[shared, number] for number in range(100, 200)], 100).bytes < PAYLOAD


def test_the_globals_of_a_function_are_not_weighed() -> None:
    space = {"text": "x" * 100_000}
    exec("def make():\n  return lambda: text", space)
    assert weigh_entries([space["make"]() for _ in range(10)], 10).bytes < 1_000  # type: ignore[operator] # made above


def test_a_method_weighs_what_its_object_keeps_and_nothing_of_its_class() -> None:
    methods = [Quote("x" * (PAYLOAD + number)).shown for number in range(9)]
    assert PAYLOAD < weigh_entries(methods, 9).bytes < 1.1 * PAYLOAD


def test_what_a_function_encloses_is_weighed() -> None:
    def make(number: int) -> object:
        text = "x" * PAYLOAD + str(number)
        return lambda: text

    assert PAYLOAD < weigh_entries([make(number) for number in range(9)], 9).bytes < 1.2 * PAYLOAD


def test_classes_that_no_module_has_are_weighed() -> None:
    made = [type("Schema", (), {"text": "x" * PAYLOAD + str(number)}) for number in range(9)]
    assert PAYLOAD < weigh_entries(made, 9).bytes < 2 * PAYLOAD
    assert weigh_entries([Quote, Quote, Quote], 3).bytes < 100


def test_a_linked_chain_weighs_one_link() -> None:
    chain: list[list[object]] = [[]]
    for _ in range(100):
        chain.append([chain[-1], "x" * PAYLOAD + str(len(chain))])
    assert weigh_entries(chain, len(chain)).bytes < 2 * PAYLOAD


@pytest.mark.parametrize("maxsize", [None, 500])
def test_entries_of_an_lru_cache_are_weighed(maxsize: int | None) -> None:
    source = f"""
        from functools import lru_cache
        @lru_cache(maxsize={maxsize})
        def page(number): return "x" * ({PAYLOAD} + number)
    """
    holder = census_of_growth(module("probe", source), "page(i)").holders["probe.page"]
    assert PAYLOAD < holder.entry_bytes < 1.2 * PAYLOAD
