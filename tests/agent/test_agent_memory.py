import json
import subprocess
import sys

import pytest
from tests.support.protocol_values import MB

from bugsly.outbox import CAPACITY_BYTES
from bugsly.probes import process

LIVE = """\
import json
from bugsly.bootstrap import build_agent
from bugsly.settings import load_agent_settings
from bugsly.probes import process

SAMPLES = 1440
RULES = [("GET", f"/{number:03}" + "/shop" * 30) for number in range(250)]

settings = load_agent_settings({"dsn": "http://0123456789abcdef@127.0.0.1:9/1"}, {})
agent = build_agent(settings)
agent.start()
before = process.read_memory().anonymous
for _ in range(SAMPLES):
    for rule in RULES:
        agent.traffic.request_started()
        agent.traffic.request_finished(rule, 200, 1000, 5000)
    agent._sampler._put_sample()
outbox = agent._parts.outbox
waiting = sum(map(len, outbox.peek(1 << 30)[0]))
growth = process.read_memory().anonymous - before
print(json.dumps({"growth": growth, "waiting": waiting, "dropped": outbox.dropped}))
"""


@pytest.mark.skipif(not process.IS_LINUX, reason="reads /proc")
def test_a_day_without_the_server_costs_a_few_megabytes_and_no_more() -> None:
    ran = subprocess.run([sys.executable, "-c", LIVE], check=True, capture_output=True, text=True)
    figures = json.loads(ran.stdout)
    assert figures["growth"] < 5 * MB
    assert CAPACITY_BYTES / 2 < figures["waiting"] <= CAPACITY_BYTES
    assert figures["dropped"] > 1000
