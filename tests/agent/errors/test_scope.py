"""What was told before an error: bounded, and of this request alone."""

import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.caught import BY_TEST, raised
from tests.support.wsgi import Watched, answering, close

from bugsly.probes.errors.scope import MOST_CRUMBS, OUTSIDE, ROOM, Scope, _size


@given(
    st.lists(st.tuples(st.text(max_size=900), st.dictionaries(st.text(), st.text())), max_size=99)
)
def test_breadcrumbs_are_bounded_and_the_latest_are_kept(
    told: list[tuple[str, dict[str, str]]],
) -> None:
    scope = Scope()
    for message, details in told:
        scope.add("c", "info", message, details)
    assert len(scope.crumbs) <= MOST_CRUMBS
    assert sum(map(_size, scope.crumbs)) <= ROOM
    if told:
        assert scope.crumbs[-1].message == told[-1][0][:500]


def test_a_detail_with_the_name_of_a_secret_is_left_out() -> None:
    scope = Scope()
    scope.add("c", "info", "m", {"api_key": "k", "page": "3"})
    assert scope.crumbs[0].details == {"api_key": "[redacted]", "page": "3"}


def test_a_request_knows_nothing_of_the_one_before() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        errors = watched.fake.errors
        errors.scopes.open().add("c", "info", environ["PATH_INFO"], {})
        errors.scopes.open().user = environ["PATH_INFO"]
        errors.capture(raised(lambda: 1 / 0), BY_TEST)
        return answering([b""])(environ, start_response)

    watched = Watched(application)
    for path in ("/a", "/b"):
        close(watched.call(path=path))
    for told, path in zip(watched.fake.catching.sent, ("/a", "/b"), strict=True):
        assert [one["message"] for one in told["breadcrumbs"]["values"]] == [path]
        assert told["user"] == {"id": path}
        assert told["request"]["url"].endswith(path)
    assert watched.fake.errors.scopes.look() is OUTSIDE.get()


def test_a_thread_has_a_scope_of_its_own() -> None:
    fake = Watched(answering([b""])).fake
    seen: list[int] = []

    def work() -> None:
        fake.errors.scopes.open().add("c", "info", "m", {})
        seen.append(len(fake.errors.scopes.open().crumbs))

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [1, 1]
