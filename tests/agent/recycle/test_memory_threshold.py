import pytest

from bugsly.recycle.memory_threshold import MemoryThreshold, parse_memory_threshold
from bugsly.setting_fields import InvalidSetting
from bugsly.settings import load_agent_settings

DSN = "http://0123456789abcdef@bugsly.test:8420/1"


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("400 MB", MemoryThreshold(size=400_000_000)),
        ("400mb", MemoryThreshold(size=400_000_000)),
        ("1.5 GB", MemoryThreshold(size=1_500_000_000)),
        ("512 MiB", MemoryThreshold(size=512 << 20)),
        ("80%", MemoryThreshold(fraction=0.8)),
        (" 100 % ", MemoryThreshold(fraction=1.0)),
        ("", None),
        ("400", None),
        ("0 MB", None),
        ("0%", None),
        ("101%", None),
        ("-1 MB", None),
        ("400 bananas", None),
        ("400 MB and more", None),
    ],
)
def test_a_limit_is_an_amount_or_a_share(text: str, limit: MemoryThreshold | None) -> None:
    assert parse_memory_threshold(text) == limit


@pytest.mark.parametrize(
    ("limit", "host", "workers", "each"),
    [
        (MemoryThreshold(size=400), 1_000, 4, 400),
        (MemoryThreshold(fraction=0.8), 1_000, 4, 200),
        (MemoryThreshold(fraction=0.8), 0, 4, 0),
    ],
)
def test_workers_share_what_a_share_is_of(
    limit: MemoryThreshold, host: int, workers: int, each: int
) -> None:
    assert limit.bytes_per_worker(host, workers) == each


def test_an_amount_that_is_none_says_what_to_set() -> None:
    with pytest.raises(InvalidSetting) as raised:
        load_agent_settings({}, {"BUGSLY_DSN": DSN, "BUGSLY_RECYCLE_AT": "a lot"})
    assert str(raised.value) == (
        "BUGSLY_RECYCLE_AT: 'a lot' is not an amount of memory → set 400 MB, or 80%"
    )


def test_without_a_limit_no_worker_is_recycled() -> None:
    loaded = load_agent_settings({}, {"BUGSLY_DSN": DSN})
    assert loaded is not None
    assert loaded.recycle_at is None
