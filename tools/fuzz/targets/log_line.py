"""Lines of the log and of alerts, whose titles become subjects of mail: each is one line."""

from __future__ import annotations

from dataclasses import replace

from tests.support.diagnoses import diagnosis, leak_explanation
from tests.support.issues import change, finding, issue, suspect

from bugsly_server.alert.error_message import compose_alert
from bugsly_server.cli.serve import change_line
from tools.fuzz.laws import assert_one_line
from tools.fuzz.targets.markdown import INPUTS as ISSUE_TEXTS
from tools.fuzz.targets.markdown import ISSUE as ERROR
from tools.fuzz.targets.markdown import SEPARATOR, URL

MAX_LINE_LENGTH = 1_000
INPUTS = ISSUE_TEXTS


def check(data: bytes) -> None:
    """Word the alerts and the log lines of a leak and of an error."""
    texts = data.decode("utf-8", "replace").split(SEPARATOR)
    most = MAX_LINE_LENGTH + 4 * len(data)

    def text(place: int) -> str:
        return texts[place % len(texts)]

    found = finding(
        title=text(0),
        because=text(1),
        release=text(2),
        suspects=(suspect(host=text(3)),),
        diagnosis=diagnosis(holder=text(4), site=text(5), endpoint=text(6), library=text(7)),
        explanation=leak_explanation(title=text(8), what=text(9), cost=text(10)),
    )
    leak = issue(title=text(0), finding=found)
    error = replace(ERROR, title=text(0), place=text(1), release=text(2), environment=text(3))
    for changed in (leak, error):
        told = change(because=text(1), finding=found)
        alert = compose_alert(text(4), changed, told, URL, None)
        for line in (alert.title, *alert.lines, change_line(changed, told)):
            assert_one_line(line, most)
