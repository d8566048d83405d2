import pytest

from bugsly import worker_parts


@pytest.mark.parametrize(("spec", "name"), [(object(), "memray"), (None, "tracemalloc")])
def test_memray_traces_allocations_where_the_app_has_it(
    spec: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_parts, "find_spec", lambda _name: spec)
    assert worker_parts.new_tracer().name == name
