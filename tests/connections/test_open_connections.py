"""Which connection has to go when there are too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.connections.open_connections import OpenConnections
from bugsly_server.http_server import max_connections
from bugsly_server.settings import load_settings

PROXY = "proxy"


def connections(total: int = 4, per_address: int = 2) -> OpenConnections[str]:
    return OpenConnections(total, per_address, lambda address: address == PROXY)


def test_the_connection_that_waited_longest_makes_room() -> None:
    found = connections()
    assert [found.add(name, name) for name in "abcd"] == [None] * 4
    assert found.add("e", "e") == "a"
    assert found.add("f", "f") == "b"


def test_a_connection_with_a_request_makes_no_room_until_it_is_answered() -> None:
    found = connections()
    for name in "abcd":
        found.add(name, name)
    found.mark_busy("a")
    found.mark_busy("b")
    assert found.add("e", "e") == "c"
    found.mark_waiting("a")
    assert [found.add(name, name) for name in "fgh"] == ["d", "e", "a"]


def test_a_newcomer_is_turned_away_where_all_are_busy() -> None:
    found = connections()
    for name in "abcd":
        found.add(name, name)
        found.mark_busy(name)
    assert found.add("e", "e") == "e"
    found.remove("a")
    assert found.add("e", "e") is None


def test_an_address_makes_room_for_itself_and_not_at_the_cost_of_others() -> None:
    found = connections()
    found.add("a", "other")
    found.add("b", "greedy")
    found.add("c", "greedy")
    assert found.add("d", "greedy") == "b"
    found.mark_busy("c")
    found.mark_busy("d")
    assert found.add("e", "greedy") == "e"
    assert found.add("f", "another") is None


def test_a_proxy_may_have_all_connections() -> None:
    found = connections()
    assert [found.add(name, PROXY) for name in "abcd"] == [None] * 4
    assert found.add("e", PROXY) == "a"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "busy", "waiting", "remove"]),
            st.integers(0, 9),
            st.sampled_from(["x", "y", PROXY]),
        )
    )
)
def test_there_are_never_too_many(steps: list[tuple[str, int, str]]) -> None:
    found: OpenConnections[int] = OpenConnections(4, 2, lambda address: address == PROXY)
    addresses: dict[int, str] = {}
    for step, number, address in steps:
        if step == "add" and number not in addresses:
            addresses[number] = address
            addresses.pop(found.add(number, address) or -1, None)
            addresses = {key: one for key, one in addresses.items() if key in found._addresses}
        elif step == "busy" and number in addresses:
            found.mark_busy(number)
        elif step == "waiting":
            found.mark_waiting(number)
        elif step == "remove":
            found.remove(number)
            addresses.pop(number, None)
        assert found._addresses == addresses
        assert len(addresses) <= 4
        assert list(addresses.values()).count("x") <= 2
        assert set(found._waiting) <= set(addresses)


@pytest.mark.parametrize(
    ("asked", "descriptors", "expected"),
    [("1000", 256, 128), ("1000", 1 << 20, 1000), ("16", 64, 16)],
)
def test_connections_take_at_most_half_of_the_descriptors(
    asked: str, descriptors: int, expected: int
) -> None:
    settings = load_settings({"max_connections": asked}, {})
    assert max_connections(settings, descriptors) == expected
