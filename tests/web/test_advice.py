"""What a model says, on the pages of errors and leaks."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis, words
from tests.support.events import payload, told
from tests.support.issues import change, finding
from tests.support.model_server import answering, streamed, whole
from tests.support.site import Site, site
from tests.support.wait import wait_until
from tests.support.web_server import Answer, WebServer, hanging, status

from bugsly_server import counsel
from bugsly_server.clock import DAY
from bugsly_server.counsel import Counsel
from bugsly_server.pipeline import record_change
from bugsly_server.store.meta import issues
from bugsly_server.store.ports import Entry

HOSTILE = "![x](https://evil.example/p.png) <script>alert(1)</script> <img src=x onerror=alert(1)>"
CITED = [{"exception": 0, "frame": 1, "shows": "`line` is read"}]
NONE = {
    "values": [
        {
            "type": "AttributeError",
            "value": "'NoneType' object has no attribute 'price'",
            "stacktrace": told()["exception"]["values"][0]["stacktrace"],
        }
    ]
}
GOOD = json.dumps(answering(evidence=CITED))
ERROR = "/p/shop/issues/1"


class Asking:
    """A site with an error, and a model that answers as a test says."""

    def __init__(self, opened: Site, model: WebServer) -> None:
        self.site = opened
        self.model = model

    @property
    def counsel(self) -> Counsel:
        """Return what puts the questions."""
        found = self.site.server.counsel
        assert found is not None
        return found

    def see(self, path: str = ERROR) -> str:
        return html.unescape(self.site.client.get(path).text)

    def post(self, path: str = ERROR, **headers: str) -> int:
        """Press the button of the page."""
        page = self.site.client.get(path).text
        key = re.search(r'name="key" value="(\w+)"', page)
        event = re.search(r'name="event" value="(\w*)"', page)
        assert key is not None
        assert event is not None
        form = {"key": key[1], "event": event[1]}
        return self.site.client.post(f"{path}/advice", data=form, headers=headers).status_code

    def answered(self, path: str = ERROR) -> str:
        """Press the button, and return the page with what came of it."""
        assert self.post(path) == 303
        self.wait(int(path.rpartition("/")[2]))
        return self.see(path)

    def wait(self, issue_id: int = 1) -> None:
        asked = self.counsel.turn(issue_id)
        assert asked is not None
        wait_until(lambda: not asked.is_running, what="the answer")

    def fail(self, number: int = 1, **facts: Any) -> None:
        """Let the app fail."""
        body = payload(number, **facts)
        self.site.server.pipeline.digest(
            [Entry(self.site.project.id, self.site.clock(), "event", body)]
        )


@pytest.fixture
def answers() -> list[Answer]:
    return [streamed(GOOD)]


@pytest.fixture
def asking(tmp_path: Path, answers: list[Answer]) -> Iterator[Asking]:
    with (
        WebServer(*answers) as model,
        site(tmp_path, model_url=f"{model.url}v1", model_name="small") as opened,
    ):
        opened.log_in()
        made = Asking(opened, model)
        made.fail()
        yield made


def leak(asking: Asking) -> str:
    """Open a leak, and return its address."""
    found = finding(fingerprint="1/x", diagnosis=diagnosis(), explanation=words())
    with asking.site.database.writing() as connection:
        record_change(connection, asking.site.project.id, None, replace(change(), finding=found))
    return "/p/shop/issues/2"


def test_without_a_model_there_is_nothing_to_ask(visited: Site) -> None:
    entry = Entry(visited.project.id, visited.clock(), "event", payload())
    visited.server.pipeline.digest([entry])
    page = visited.client.get(ERROR).text
    assert "KeyError" in page
    assert "Ask the model" not in page
    assert visited.client.post(f"{ERROR}/advice", data={"key": "x"}).status_code == 303


def test_what_the_page_shows_is_what_is_sent_and_where(asking: Asking) -> None:
    page = asking.see()
    preview = re.search(r'<pre class="source preview" tabindex="0">(.*?)</pre>', page, re.DOTALL)
    assert preview is not None
    assert asking.model.asked == []
    asking.answered()
    [call] = asking.model.asked
    sent = json.loads(call.body)["messages"]
    assert preview[1] == "\n\n".join(one["content"] for one in sent)
    assert f"{asking.model.url}v1/chat/completions" in page


def test_an_answer_is_shown_with_links_to_the_frames_that_it_cites(asking: Asking) -> None:
    page = asking.answered()
    for shown in (
        "What the model says",
        "cites what is there",
        "80 % sure",
        "find() gave None.",
        '<a href="#frame-0-1"><code class="fold">shop/views.py:31</code></a>',
        "<code>line</code> is read",
        "<li>Answer 404.</li>",
        '<span class="added">+b',
    ):
        assert shown in page
    assert 'id="frame-0-1"' in page


def test_an_answer_is_kept_and_not_asked_for_twice(asking: Asking) -> None:
    asking.answered()
    assert 'name="key"' not in asking.see()
    asking.fail(2)
    assert "find() gave None." in asking.see()
    assert len(asking.model.asked) == 1


def test_an_answer_that_is_as_old_as_its_issue_may_be_is_forgotten(asking: Asking) -> None:
    asking.answered()
    now = asking.site.clock()
    asking.site.server.pipeline.forget(90 * DAY, now + 91 * DAY)
    assert "find() gave None." not in asking.see()


def test_a_leak_keeps_its_answer_while_its_figures_move(asking: Asking) -> None:
    path = leak(asking)
    asking.model.answers[:] = [whole(json.dumps(answering()))]
    assert '<a href="#frame-0-0">' in asking.answered(path)
    moved = finding(diagnosis=diagnosis(bytes=9_999_999), explanation=words())
    with asking.site.database.writing() as connection:
        issues.keep_finding(connection, 2, moved, asking.site.clock())
    page = asking.see(path)
    assert "what is known has changed since" in page
    assert "Ask again" in page


@pytest.mark.parametrize("evidence", [[], [{"exception": 0, "frame": 77}]])
def test_an_answer_that_cites_nothing_that_is_there_is_unverified(
    asking: Asking, evidence: Any
) -> None:
    asking.model.answers[:] = [whole(json.dumps(answering(evidence=evidence)))]
    page = asking.answered()
    assert '<span class="verdict growing">unverified</span>' in page
    assert "30 % sure" in page


def test_where_the_model_fails_it_is_said_and_can_be_asked_again(asking: Asking) -> None:
    asking.model.answers[:] = [status(500), streamed(GOOD)]
    page = asking.answered()
    assert "Model: 127.0.0.1 answered 500" in page
    assert "Ask again" in page
    page = asking.answered()
    assert "answered 500" not in page
    assert "find() gave None." in page


def test_an_answer_without_measure_is_not_kept(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counsel, "LARGEST", 100)
    assert "Model: its answer is too long" in asking.answered()


def test_hostile_answers_are_text(asking: Asking) -> None:
    said = answering(
        summary=HOSTILE,
        cause=HOSTILE,
        fix=[HOSTILE, f"`{HOSTILE}`"],
        evidence=[{"exception": 0, "frame": 1, "shows": HOSTILE}],
        patch=f"@@ -1 +1 @@\n+{HOSTILE}",
    )
    asking.model.answers[:] = [whole(json.dumps(said))]
    asking.answered()
    page = asking.site.client.get(ERROR).text
    answer = page[page.index('id="advice"') : page.index("What was sent")]
    assert "evil.example" not in answer.replace("evil.example/p.png) &lt;script", "")
    assert "<script" not in answer
    assert "<img" not in answer


@pytest.mark.parametrize("answers", [[hanging]])
def test_one_question_of_an_issue_is_with_the_model_at_a_time(asking: Asking) -> None:
    asking.fail(2)
    key = re.search(r'name="key" value="(\w+)"', asking.see())
    assert key is not None
    asking.post()
    page = asking.see()
    assert "The model reads the question." in page
    assert 'name="key"' not in page
    asking.site.client.post(f"{ERROR}/advice", data={"key": key[1]})
    wait_until(lambda: asking.model.asked)
    asking.model.closing.set()
    asking.wait()
    assert len(asking.model.asked) == 1


@pytest.mark.parametrize("answers", [[hanging]])
def test_a_few_questions_are_with_the_model_at_once(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counsel, "MOST_AT_ONCE", 1)
    asking.post()
    path = leak(asking)
    assert asking.post(path) == 303
    page = asking.see(path)
    asking.model.closing.set()
    asking.wait()
    assert "other questions are with it → ask again in a minute" in page


def test_progress_streams_until_the_answer_is_there(asking: Asking) -> None:
    asking.answered()
    stream = asking.site.client.get(f"{ERROR}/advice/live")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.text == "event: done\ndata: \n\n"


@pytest.mark.parametrize("key", ["", "0" * 64])
def test_only_what_a_page_has_shown_is_asked(asking: Asking, key: str) -> None:
    answer = asking.site.client.post(f"{ERROR}/advice", data={"key": key, "event": "a&b#c"})
    assert answer.headers["location"] == f"{ERROR}?event=a%26b%23c#advice"
    assert asking.counsel.turn(1) is None


def test_a_question_sent_by_another_site_is_refused(asking: Asking) -> None:
    assert asking.post(**{"sec-fetch-site": "cross-site"}) == 403
    assert asking.counsel.turn(1) is None


def test_what_is_copied_and_exported_is_as_without_the_model(asking: Asking) -> None:
    def copied(page: str) -> str:
        return page[page.index('<pre id="markdown"') :].partition("</pre>")[0]

    before = copied(asking.see())
    assert copied(asking.answered()) == before


def test_the_title_of_an_explanation_shows_code_as_code(asking: Asking) -> None:
    asking.fail(2, exception=NONE)
    headings = re.findall(r"<h2>(.*?)</h2>", asking.site.client.get("/p/shop/issues/2").text)
    assert "`" not in "".join(headings)
    assert any("<code>" in one for one in headings)
