"""What identifies a leak from run to run."""

from typing import Any

import pytest
from tests.support.diagnoses import diagnosis

from bugsly_server.fingerprint.growth import growth_fingerprint
from bugsly_server.fingerprint.leak import leak_fingerprint
from bugsly_server.model.diagnosis import Cause


@pytest.mark.parametrize(
    ("facts", "fingerprint"),
    [
        ({}, "1/growing-container/shop.views.request_log/production"),
        ({"site": "shop/views.py:99"}, "1/growing-container/shop.views.request_log/production"),
        ({"holder": None}, "1/growing-container/shop/views.py/production"),
        ({"holder": None, "site": None}, "1/growing-container/GET /api/orders/production"),
        ({"holder": None, "site": None, "endpoint": None}, "1/growing-container//production"),
        ({"holder": "a.own.<thread 3>.log"}, "1/growing-container/a.own.<thread>.log/production"),
        ({"holder": None, "cause": Cause.CYCLES}, "1/cycles//production"),
    ],
)
def test_a_cause_keeps_its_fingerprint_while_lines_move(
    facts: dict[str, Any], fingerprint: str
) -> None:
    assert leak_fingerprint(diagnosis(**facts), "production") == fingerprint


def test_growth_without_a_cause_is_one_issue_for_each_environment() -> None:
    assert growth_fingerprint("production") == "1/growing/production"
    assert growth_fingerprint("staging") == "1/growing/staging"
