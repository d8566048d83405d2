import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.web.login_limits import (
    HOUR,
    MINUTE,
    AttemptWindows,
    LoginLimits,
    client_network,
)


class FakeSeconds:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> FakeSeconds:
    return FakeSeconds()


@pytest.fixture
def limits(seconds: FakeSeconds) -> LoginLimits:
    return LoginLimits(seconds)


def admitted(limits: LoginLimits, attempts: int, name: str = "ada", address: str = "") -> int:
    """Return how many of *attempts* strangers' passwords are checked, each from its own address."""
    waits = (
        limits.admit_stranger(name, address or f"192.0.{number // 256}.{number % 256}")
        for number in range(attempts)
    )
    return sum(not wait for wait in waits)


def test_an_address_has_ten_attempts_in_a_minute_and_twenty_in_an_hour_for_an_account(
    limits: LoginLimits, seconds: FakeSeconds
) -> None:
    counts = []
    for _ in range(3):
        counts.append(admitted(limits, 120, address="192.0.2.1"))
        seconds.now += MINUTE
    assert counts == [10, 10, 0]
    seconds.now += HOUR
    assert admitted(limits, 120, address="192.0.2.1") == 10


def test_names_do_not_multiply_the_attempts_of_an_address(limits: LoginLimits) -> None:
    counts = [admitted(limits, 1, name=str(number), address="192.0.2.1") for number in range(50)]
    assert sum(counts) == 10


def test_many_addresses_have_a_hundred_attempts_at_an_account_in_an_hour(
    limits: LoginLimits,
) -> None:
    assert admitted(limits, 1_000) == 100


def test_no_stranger_keeps_out_a_browser_that_has_logged_in_before(limits: LoginLimits) -> None:
    admitted(limits, 1_000)
    assert limits.admit_known_device("mine") == 0.0


def test_a_known_browser_has_ten_attempts_in_a_minute(
    limits: LoginLimits, seconds: FakeSeconds
) -> None:
    waits = [limits.admit_known_device("mine") for _ in range(20)]
    assert waits == [0.0] * 10 + [MINUTE] * 10
    assert limits.admit_known_device("another") == 0.0
    seconds.now += MINUTE
    assert limits.admit_known_device("mine") == 0.0


def test_a_refusal_says_how_long_to_wait_and_prolongs_nothing(
    limits: LoginLimits, seconds: FakeSeconds
) -> None:
    admitted(limits, 10, address="192.0.2.1")
    seconds.now += 45
    for _ in range(100):
        assert limits.admit_stranger("ada", "192.0.2.1") == 15.0
    seconds.now += 15
    assert limits.admit_stranger("ada", "192.0.2.1") == 0.0


def test_one_address_does_not_use_up_the_attempts_of_the_others(limits: LoginLimits) -> None:
    admitted(limits, 1_000, address="192.0.2.1")
    assert admitted(limits, 1_000) == 90


@given(st.lists(st.floats(0, 90), max_size=60))
def test_no_span_holds_more_attempts_than_its_limit(pauses: list[float]) -> None:
    windows, now, admitted_at = AttemptWindows(3, MINUTE), 0.0, []
    for pause in pauses:
        now += pause
        if not windows.seconds_to_wait("ada", now):
            windows.add("ada", now)
            admitted_at.append(now)
    for first, fourth in zip(admitted_at, admitted_at[3:], strict=False):
        assert fourth - first >= MINUTE - 1e-6


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
    ],
)
def test_a_client_counts_by_its_address_or_its_ipv6_network(address: str, network: str) -> None:
    assert client_network(address) == network
