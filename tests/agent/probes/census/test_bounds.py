"""Capacity limits of containers, and what leaves them."""

import pytest
from tests.support.small_census import APP_FILE, LIBRARY_FILE, census_of_growth, module

BOUNDED_STORE_SOURCE = """
    class Store:
        def __init__(self, **bounds):
            self.kept = {}
            vars(self).update(bounds)
"""


@pytest.mark.parametrize(
    ("attribute", "value", "bound"),
    [
        ("maxsize", 500, 500),
        ("max_size", 500, 500),
        ("_Store__maxsize", 500, 500),
        ("_max_entries", 500, 500),
        ("capacity", 500, 500),
        ("capacity", 0, None),
        ("capacity", None, None),
        ("capacity", True, None),
        ("capacity", "500", None),
        ("capacity", 20, None),
        ("capacity", 2**62, None),
        ("price", 500, None),
    ],
)
def test_a_number_with_the_name_of_a_limit_is_the_limit_of_the_container_next_to_it(
    attribute: str, value: object, bound: int | None
) -> None:
    made = module("probe", BOUNDED_STORE_SOURCE)
    vars(made)["store"] = made.Store(**{attribute: value})
    small_census = census_of_growth(made, "store.kept[i] = i")
    assert small_census.holders["probe.store.kept"].bound == bound


@pytest.mark.parametrize(("file", "bound"), [(APP_FILE, None), (LIBRARY_FILE, 500)])
def test_a_number_of_the_module_is_a_limit_in_libraries_only(file: str, bound: int | None) -> None:
    made = module("probe", "_MAXCACHE = 500\n_cache = {}", file)
    assert census_of_growth(made, "_cache[i] = i").holders["probe._cache"].bound == bound


def test_a_limit_in_the_same_closure_is_the_limit_of_the_container() -> None:
    source = """
        def memo(maxsize):
            kept = {}
            def get(key):
                if len(kept) < maxsize: kept[key] = key
            return get
        get = memo(500)
    """
    small_census = census_of_growth(module("probe", source), "get(i)")
    assert small_census.holders["probe.get.<closure>.kept"].bound == 500


def test_an_lru_cache_reports_hits_misses_and_what_it_dropped() -> None:
    source = "from functools import lru_cache\n@lru_cache(maxsize=50)\ndef double(n): return 2 * n"
    small_census = census_of_growth(module("probe", source), "double(i); double(i)", times=25)
    small_census.census.count_holders()
    holder = small_census.holders["probe.double"]
    assert holder.details == {"hits": 75, "misses": 75, "maxsize": 50}
    assert holder.removed == 25


def test_what_leaves_is_counted() -> None:
    made = module("probe", "log = []\ncache = {}")
    small_census = census_of_growth(made, "log.append(i); cache[i] = i")
    assert small_census.levels == {"probe.log": 60, "probe.cache": 60}
    del made.log[:10]
    made.cache.clear()
    made.cache.update({f"new {number}": 1 for number in range(90)})
    assert small_census.levels == {"probe.log": 50, "probe.cache": 90}
    removed = {name: holder.removed for name, holder in small_census.holders.items()}
    assert removed["probe.log"] == 10
    assert removed["probe.cache"] >= 4
