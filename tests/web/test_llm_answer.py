"""What a model says, on the pages of errors and leaks."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis, leak_explanation
from tests.support.events import payload, sdk_event
from tests.support.issues import change, finding
from tests.support.llm_server import llm_answer, streamed_reply, whole_reply
from tests.support.site_harness import SiteHarness, site_harness
from tests.support.wait import wait_until
from tests.support.web_server import Responder, WebServer, respond_never, respond_status

from bugsly_server import llm_jobs
from bugsly_server.clock import DAY
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.llm_jobs import LlmJobs
from bugsly_server.store.meta import leak_issues
from bugsly_server.store.ports import SpoolEntry

HOSTILE = "![x](https://evil.example/p.png) <script>alert(1)</script> <img src=x onerror=alert(1)>"
CITED_EVIDENCE = [{"exception": 0, "frame": 1, "shows": "`line` is read"}]
NONE_EXCEPTION = {
    "values": [
        {
            "type": "AttributeError",
            "value": "'NoneType' object has no attribute 'price'",
            "stacktrace": sdk_event()["exception"]["values"][0]["stacktrace"],
        }
    ]
}
GOOD_ANSWER = json.dumps(llm_answer(evidence=CITED_EVIDENCE))
ERROR_PATH = "/p/shop/issues/1"


class LlmSite:
    """A site with an error, and a model that answers as a test says."""

    def __init__(self, opened: SiteHarness, model: WebServer) -> None:
        self.site = opened
        self.model = model

    @property
    def llm_jobs(self) -> LlmJobs:
        """Return what puts the questions."""
        found = self.site.server.llm_jobs
        assert found is not None
        return found

    def page_text(self, path: str = ERROR_PATH) -> str:
        return html.unescape(self.site.client.get(path).text)

    def post(self, path: str = ERROR_PATH, **headers: str) -> int:
        """Press the button of the page."""
        page = self.site.client.get(path).text
        key = re.search(r'name="key" value="(\w+)"', page)
        event = re.search(r'name="event" value="(\w*)"', page)
        assert key is not None
        assert event is not None
        form = {"key": key[1], "event": event[1]}
        return self.site.client.post(f"{path}/advice", data=form, headers=headers).status_code

    def answered_page(self, path: str = ERROR_PATH) -> str:
        """Press the button, and return the page with what came of it."""
        assert self.post(path) == 303
        self.wait(int(path.rpartition("/")[2]))
        return self.page_text(path)

    def wait(self, issue_id: int = 1) -> None:
        asked = self.llm_jobs.latest_job(issue_id)
        assert asked is not None
        wait_until(lambda: not asked.is_running, what="the answer")

    def fail(self, number: int = 1, **facts: Any) -> None:
        """Let the app fail."""
        body = payload(number, **facts)
        self.site.server.pipeline.digest(
            [SpoolEntry(self.site.project.id, self.site.clock(), "event", body)]
        )


@pytest.fixture
def answers() -> list[Responder]:
    return [streamed_reply(GOOD_ANSWER)]


@pytest.fixture
def asking(tmp_path: Path, answers: list[Responder]) -> Iterator[LlmSite]:
    with (
        WebServer(*answers) as model,
        site_harness(tmp_path, model_url=f"{model.url}v1", model_name="small") as opened,
    ):
        opened.log_in()
        made = LlmSite(opened, model)
        made.fail()
        yield made


def open_leak(asking: LlmSite) -> str:
    """Open a leak, and return its address."""
    found = finding(fingerprint="1/x", diagnosis=diagnosis(), explanation=leak_explanation())
    with asking.site.database.writing() as connection:
        record_leak_change(
            connection, asking.site.project.id, None, replace(change(), finding=found)
        )
    return "/p/shop/issues/2"


def test_without_a_model_there_is_nothing_to_ask(visited: SiteHarness) -> None:
    entry = SpoolEntry(visited.project.id, visited.clock(), "event", payload())
    visited.server.pipeline.digest([entry])
    page = visited.client.get(ERROR_PATH).text
    assert "KeyError" in page
    assert "Ask the model" not in page
    assert visited.client.post(f"{ERROR_PATH}/advice", data={"key": "x"}).status_code == 303


def test_what_the_page_shows_is_what_is_sent_and_where(asking: LlmSite) -> None:
    page = asking.page_text()
    preview = re.search(r'<pre class="source preview" tabindex="0">(.*?)</pre>', page, re.DOTALL)
    assert preview is not None
    assert asking.model.requests == []
    asking.answered_page()
    [call] = asking.model.requests
    sent = json.loads(call.body)["messages"]
    assert preview[1] == "\n\n".join(one["content"] for one in sent)
    assert f"{asking.model.url}v1/chat/completions" in page


def test_an_answer_is_shown_with_links_to_the_frames_that_it_cites(asking: LlmSite) -> None:
    page = asking.answered_page()
    for shown in (
        "What the model says",
        "cites known frames",
        "60 % sure",
        "find() gave None.",
        '<a href="#frame-0-1"><code class="fold">shop/views.py:31</code></a>',
        "<code>line</code> is read",
        "<li>Answer 404.</li>",
        '<span class="added">+b',
    ):
        assert shown in page
    assert 'id="frame-0-1"' in page


def test_an_answer_is_kept_and_not_asked_for_twice(asking: LlmSite) -> None:
    asking.answered_page()
    assert 'name="key"' not in asking.page_text()
    asking.fail(2)
    assert "find() gave None." in asking.page_text()
    assert len(asking.model.requests) == 1


def test_an_answer_is_deleted_after_the_retention_period(asking: LlmSite) -> None:
    asking.answered_page()
    now = asking.site.clock()
    asking.site.server.pipeline.apply_retention(90 * DAY, now + 91 * DAY)
    assert "find() gave None." not in asking.page_text()


def test_a_leak_keeps_its_answer_while_its_figures_change(asking: LlmSite) -> None:
    path = open_leak(asking)
    asking.model.responders[:] = [whole_reply(json.dumps(llm_answer()))]
    assert '<a href="#frame-0-0">' in asking.answered_page(path)
    moved = finding(diagnosis=diagnosis(bytes=9_999_999), explanation=leak_explanation())
    with asking.site.database.writing() as connection:
        leak_issues.update_finding(connection, 2, moved, asking.site.clock())
    page = asking.page_text(path)
    assert "the facts have changed since" in page
    assert "Ask again" in page


@pytest.mark.parametrize("evidence", [[], [{"exception": 0, "frame": 77}]])
def test_an_answer_that_cites_no_known_frame_is_unverified(asking: LlmSite, evidence: Any) -> None:
    asking.model.responders[:] = [whole_reply(json.dumps(llm_answer(evidence=evidence)))]
    page = asking.answered_page()
    assert '<span class="verdict growing">unverified</span>' in page
    assert "30 % sure" in page


def test_a_failure_of_the_model_is_shown_and_can_be_retried(asking: LlmSite) -> None:
    asking.model.responders[:] = [respond_status(500), streamed_reply(GOOD_ANSWER)]
    page = asking.answered_page()
    assert "Model: 127.0.0.1 answered 500" in page
    assert "Ask again" in page
    page = asking.answered_page()
    assert "answered 500" not in page
    assert "find() gave None." in page


def test_an_answer_that_is_too_long_is_not_kept(
    asking: LlmSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm_jobs, "MAX_ANSWER_BYTES", 100)
    assert "Model: its answer is too long" in asking.answered_page()


def test_hostile_answers_are_text(asking: LlmSite) -> None:
    said = llm_answer(
        summary=HOSTILE,
        cause=HOSTILE,
        fix=[HOSTILE, f"`{HOSTILE}`"],
        evidence=[{"exception": 0, "frame": 1, "shows": HOSTILE}],
        patch=f"@@ -1 +1 @@\n+{HOSTILE}",
    )
    asking.model.responders[:] = [whole_reply(json.dumps(said))]
    asking.answered_page()
    page = asking.site.client.get(ERROR_PATH).text
    answer = page[page.index('id="advice"') : page.index("What was sent")]
    assert "evil.example" not in answer.replace("evil.example/p.png) &lt;script", "")
    assert "<script" not in answer
    assert "<img" not in answer


@pytest.mark.parametrize("answers", [[respond_never]])
def test_an_issue_has_one_question_at_a_time(asking: LlmSite) -> None:
    asking.fail(2)
    key = re.search(r'name="key" value="(\w+)"', asking.page_text())
    assert key is not None
    asking.post()
    page = asking.page_text()
    assert "The model reads the question." in page
    assert 'name="key"' not in page
    asking.site.client.post(f"{ERROR_PATH}/advice", data={"key": key[1]})
    wait_until(lambda: asking.model.requests)
    asking.model.closing.set()
    asking.wait()
    assert len(asking.model.requests) == 1


@pytest.mark.parametrize("answers", [[respond_never]])
def test_concurrent_questions_are_limited(asking: LlmSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_jobs, "MAX_CONCURRENT_JOBS", 1)
    asking.post()
    path = open_leak(asking)
    assert asking.post(path) == 303
    page = asking.page_text(path)
    asking.model.closing.set()
    asking.wait()
    assert "other questions are in progress → ask again in a minute" in page


def test_progress_streams_until_the_answer_is_there(asking: LlmSite) -> None:
    asking.answered_page()
    stream = asking.site.client.get(f"{ERROR_PATH}/advice/live")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.text == "event: done\ndata: \n\n"


@pytest.mark.parametrize("key", ["", "0" * 64])
def test_only_a_question_that_a_page_showed_is_sent(asking: LlmSite, key: str) -> None:
    answer = asking.site.client.post(f"{ERROR_PATH}/advice", data={"key": key, "event": "a&b#c"})
    assert answer.headers["location"] == f"{ERROR_PATH}?event=a%26b%23c#advice"
    assert asking.llm_jobs.latest_job(1) is None


def test_a_question_sent_by_another_site_is_refused(asking: LlmSite) -> None:
    assert asking.post(**{"sec-fetch-site": "cross-site"}) == 403
    assert asking.llm_jobs.latest_job(1) is None


def test_the_answer_does_not_change_the_markdown(asking: LlmSite) -> None:
    def copied(page: str) -> str:
        return page[page.index('<pre id="markdown"') :].partition("</pre>")[0]

    before = copied(asking.page_text())
    assert copied(asking.answered_page()) == before


def test_the_title_of_an_explanation_shows_code_as_code(asking: LlmSite) -> None:
    asking.fail(2, exception=NONE_EXCEPTION)
    headings = re.findall(r"<h2>(.*?)</h2>", asking.site.client.get("/p/shop/issues/2").text)
    assert "`" not in "".join(headings)
    assert any("<code>" in one for one in headings)
