from bugsly.probes.errors.rate_limit import MAX_KINDS, ErrorRateLimiter


class FakeMonotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def admitted(storm: ErrorRateLimiter, kind: str, count: int) -> int:
    return sum(storm.admit(kind) is not None for _ in range(count))


def test_of_a_kind_ten_come_at_once_and_then_one_a_second() -> None:
    clock = FakeMonotonic()
    storm = ErrorRateLimiter(clock)
    assert admitted(storm, "a", 100) == 10
    assert storm.rate_limited == 90
    clock.now += 3
    assert admitted(storm, "a", 100) == 3


def test_the_next_one_tells_how_many_like_it_were_held_back() -> None:
    clock = FakeMonotonic()
    storm = ErrorRateLimiter(clock)
    assert storm.admit("a") == 0
    admitted(storm, "a", 50)
    clock.now += 1
    assert storm.admit("a") == 41


def test_one_kind_leaves_room_for_others() -> None:
    storm = ErrorRateLimiter(FakeMonotonic())
    admitted(storm, "a", 1_000)
    assert admitted(storm, "b", 10) == 10


def test_all_kinds_together_are_bounded() -> None:
    clock = FakeMonotonic()
    storm = ErrorRateLimiter(clock)
    assert sum(admitted(storm, f"{number}", 1) for number in range(100)) == 30
    clock.now += 1
    assert sum(admitted(storm, f"{number}", 1) for number in range(100)) == 10


def test_kinds_without_end_are_forgotten() -> None:
    storm = ErrorRateLimiter(FakeMonotonic())
    for number in range(10 * MAX_KINDS):
        storm.admit(number)
    assert len(storm._kinds) == MAX_KINDS
    assert len(storm._rate_limited_by_kind) <= MAX_KINDS
