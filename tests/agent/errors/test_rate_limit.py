"""How many errors of a kind, and in total, are captured."""

from bugsly.probes.errors.rate_limit import MAX_KINDS, ErrorRateLimiter


class FakeMonotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(limiter: ErrorRateLimiter, kind: str, count: int) -> int:
    return sum(limiter.admit(kind) is not None for _ in range(count))


def test_ten_of_a_kind_are_admitted_at_once_and_then_one_a_second() -> None:
    clock = FakeMonotonic()
    limiter = ErrorRateLimiter(clock)
    assert admitted(limiter, "a", 100) == 10
    assert limiter.rate_limited == 90
    clock.now += 3
    assert admitted(limiter, "a", 100) == 3


def test_the_next_one_reports_how_many_of_its_kind_were_dropped() -> None:
    clock = FakeMonotonic()
    limiter = ErrorRateLimiter(clock)
    assert limiter.admit("a") == 0
    admitted(limiter, "a", 50)
    clock.now += 1
    assert limiter.admit("a") == 41


def test_one_kind_leaves_room_for_others() -> None:
    limiter = ErrorRateLimiter(FakeMonotonic())
    admitted(limiter, "a", 1_000)
    assert admitted(limiter, "b", 10) == 10


def test_all_kinds_together_are_limited() -> None:
    clock = FakeMonotonic()
    limiter = ErrorRateLimiter(clock)
    assert sum(admitted(limiter, f"{number}", 1) for number in range(100)) == 30
    clock.now += 1
    assert sum(admitted(limiter, f"{number}", 1) for number in range(100)) == 10


def test_the_number_of_known_kinds_is_limited() -> None:
    limiter = ErrorRateLimiter(FakeMonotonic())
    for number in range(10 * MAX_KINDS):
        limiter.admit(number)
    assert len(limiter._kinds) == MAX_KINDS
    assert len(limiter._rate_limited_by_kind) <= MAX_KINDS
