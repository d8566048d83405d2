"""Breadcrumbs and user of a request: limited, and of this request alone."""

import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.support.captured_errors import CAPTURED_BY_TEST, exception_of
from tests.support.wsgi import WatchedApplication, close_body, responding_app

from bugsly.probes.errors.scope import (
    MAX_BREADCRUMBS,
    MAX_BREADCRUMBS_LENGTH,
    SCOPE_OUTSIDE_REQUESTS,
    ErrorScope,
    _breadcrumb_length,
)


@given(
    st.lists(st.tuples(st.text(max_size=900), st.dictionaries(st.text(), st.text())), max_size=99)
)
def test_breadcrumbs_are_limited_and_the_latest_are_kept(
    breadcrumbs: list[tuple[str, dict[str, str]]],
) -> None:
    scope = ErrorScope()
    for message, details in breadcrumbs:
        scope.add_breadcrumb("c", "info", message, details)
    assert len(scope.crumbs) <= MAX_BREADCRUMBS
    assert sum(map(_breadcrumb_length, scope.crumbs)) <= MAX_BREADCRUMBS_LENGTH
    if breadcrumbs:
        assert scope.crumbs[-1].message == breadcrumbs[-1][0][:500]


def test_a_detail_with_the_name_of_a_secret_is_redacted() -> None:
    scope = ErrorScope()
    scope.add_breadcrumb("c", "info", "m", {"api_key": "k", "page": "3"})
    assert scope.crumbs[0].details == {"api_key": "[redacted]", "page": "3"}


def test_a_request_knows_nothing_of_the_one_before() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        errors = watched.fake.error_reporter
        errors.scopes.find_or_create().add_breadcrumb("c", "info", environ["PATH_INFO"], {})
        errors.scopes.find_or_create().user = environ["PATH_INFO"]
        errors.capture_exception(exception_of(lambda: 1 / 0), CAPTURED_BY_TEST)
        return responding_app([b""])(environ, start_response)

    watched = WatchedApplication(application)
    for path in ("/a", "/b"):
        close_body(watched.call(path=path))
    for captured, path in zip(watched.fake.error_capture.encoded_events, ("/a", "/b"), strict=True):
        assert [one["message"] for one in captured["breadcrumbs"]["values"]] == [path]
        assert captured["user"] == {"id": path}
        assert captured["request"]["url"].endswith(path)
    assert watched.fake.error_reporter.scopes.find() is SCOPE_OUTSIDE_REQUESTS.get()


def test_a_thread_has_a_scope_of_its_own() -> None:
    fake = WatchedApplication(responding_app([b""])).fake
    seen: list[int] = []

    def work() -> None:
        fake.error_reporter.scopes.find_or_create().add_breadcrumb("c", "info", "m", {})
        seen.append(len(fake.error_reporter.scopes.find_or_create().crumbs))

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [1, 1]
