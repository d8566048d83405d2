import json
import os
import platform
import signal
import threading
from collections.abc import Iterator

import pytest
from tests.support.fake_server import (
    HANG_REPLY,
    FakeServer,
    reply,
    reply_with_probe_requests,
)
from tests.support.wait import wait_until

from bugsly.agent import Agent
from bugsly.bootstrap import build_agent
from bugsly.probes import process
from bugsly.protocol.evidence import ProbeRequest, ProbeResult
from bugsly.protocol.memory import Exit, ExitReason
from bugsly.settings import load_agent_settings

AGENT_THREADS = {"bugsly-sampler", "bugsly-sender"}


def agent_of(server: FakeServer, **settings: str) -> Agent:
    chosen = {"dsn": server.dsn, "sample_every": "3600", "release": "7", **settings}
    options = load_agent_settings(chosen, {})
    assert options is not None
    return build_agent(options)


def threads() -> list[str]:
    return sorted(one.name for one in threading.enumerate() if one.name in AGENT_THREADS)


@pytest.fixture
def agent(server: FakeServer) -> Iterator[Agent]:
    made = agent_of(server)
    yield made
    made.stop()


def test_an_agent_that_was_not_started_costs_no_thread(agent: Agent) -> None:
    assert not agent.running
    assert threads() == []
    agent.stop()


def test_a_started_agent_reports_its_worker(agent: Agent, server: FakeServer) -> None:
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    worker = server.reports[0].worker
    assert worker.id == agent.identity.id
    assert worker.pid == os.getpid()
    assert worker.machine == process.machine()
    assert worker.every == 3600_000_000
    assert worker.python == platform.python_version()
    assert (worker.release, worker.environment) == ("7", "production")
    assert (worker.server, worker.parent, worker.number, worker.generation) == ("", 0, 0, 0)
    assert server.samples[0].age <= worker.age <= process.age()


def test_an_agent_proves_its_reports_with_a_secret_that_is_in_none_of_them(
    agent: Agent, server: FakeServer
) -> None:
    agent.start()
    agent.report_exit(Exit(worker="f" * 32, reason=ExitReason.KILLED, secret="of another"))
    assert agent.flush(10)
    secret = agent.identity.secret
    assert len(secret) == 32
    assert secret not in repr((agent.identity, server.reports))
    assert {one.envelope_header["secret"] for one in server.received} == {secret}
    assert {one.envelope_header["worker"] for one in server.received} == {agent.identity.id}
    assert [one.secret for report in server.reports for one in report.exits] == ["of another"]


def test_starting_twice_starts_once(agent: Agent) -> None:
    for _ in range(3):
        agent.start()
    assert threads() == sorted(AGENT_THREADS)


def test_many_requests_at_once_start_one_agent(agent: Agent) -> None:
    gate = threading.Barrier(8)

    def serve() -> None:
        gate.wait()
        agent.start()

    serving = [threading.Thread(target=serve) for _ in range(8)]
    for thread in serving:
        thread.start()
    for thread in serving:
        thread.join()
    assert threads() == sorted(AGENT_THREADS)


def test_a_stopped_agent_reports_its_exit_once(server: FakeServer) -> None:
    agent = agent_of(server)
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    agent.stop(ExitReason.MAX_REQUESTS)
    agent.stop()
    last = server.reports[-1]
    assert last.exits == (Exit(worker=agent.identity.id, reason=ExitReason.MAX_REQUESTS),)
    assert [one.number for one in server.samples] == [1, 2]
    assert threads() == []


def test_a_stopped_agent_is_not_woken_by_a_request(server: FakeServer) -> None:
    agent = agent_of(server)
    agent.start()
    agent.stop()
    agent.start()
    assert not agent.running
    assert threads() == []


def test_an_agent_disabled_in_a_master_does_not_start(server: FakeServer) -> None:
    agent = agent_of(server)
    agent.disable_in_master()
    agent.start()
    assert threads() == []
    agent.reset_after_fork()
    agent.start()
    assert threads() == sorted(AGENT_THREADS)
    agent.stop()


def test_stopping_does_not_wait_for_a_silent_server(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bugsly.agent.EXIT_SECONDS", 0.2)
    server.default_reply = HANG_REPLY
    agent = agent_of(server)
    agent.start()
    wait_until(lambda: server.received, what="a report")
    agent.stop()
    assert threads() == ["bugsly-sender"]


def test_what_failed_is_reported(agent: Agent, server: FakeServer) -> None:
    agent.guards.failures.update({"request": 3, "sampler": 1})
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    assert server.reports[0].lost == {"failed in request": 3, "failed in sampler": 1}


def test_an_agent_that_cannot_measure_reports_that(
    agent: Agent, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OSError("no /proc today")

    monkeypatch.delenv("BUGSLY_STRICT")
    monkeypatch.setattr(process, "read_memory", fail)
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    assert server.reports[0].samples == ()
    assert server.reports[0].lost == {"failed in sampler": 1}


def test_what_was_refused_is_reported(agent: Agent, server: FakeServer) -> None:
    server.default_reply = reply(403, "Forbidden")
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    server.default_reply = reply()
    agent.stop()
    assert server.reports[-1].lost == {"samples refused by the server": 1}


def test_a_sibling_that_died_is_reported(agent: Agent, server: FakeServer) -> None:
    worker_exit = Exit(worker="f" * 32, reason=ExitReason.KILLED, signal=9)
    agent.report_exit(worker_exit)
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    assert server.reports[0].exits == (worker_exit,)


def test_flushing_sends_what_waits(agent: Agent, server: FakeServer) -> None:
    assert agent.flush(10)
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    agent.report_exit(Exit(worker="f" * 32, reason=ExitReason.KILLED))
    assert agent.flush(10)
    assert server.reports[-1].exits


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_is_another_worker_that_has_reported_nothing(
    agent: Agent, server: FakeServer
) -> None:
    agent.start()
    wait_until(lambda: server.reports, what="a report")
    agent.traffic.request_started()
    agent.guards.failures["request"] = 1
    before = (agent.identity.id, agent.traffic)
    state = state_in_fork(agent)
    assert state["id"] != before[0]
    assert state["secret"] != agent.identity.secret
    assert state["traffic"] == [0, 0]
    assert state["running"] is state["same_traffic"] is False
    assert state["failures"] == {}
    assert (agent.identity.id, agent.traffic) == before
    assert agent.running


def state_in_fork(agent: Agent) -> dict[str, object]:
    """Return what *agent* looks like in a fork made while a thread held its lock."""
    reading, writing = os.pipe()
    traffic = agent.traffic
    traffic._lock.acquire()
    pid = os.fork()
    if pid:
        traffic._lock.release()
    else:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)
        traffic.request_started()
        seen = {
            "id": agent.identity.id,
            "secret": agent.identity.secret,
            "traffic": [agent.traffic.requests, agent.traffic.in_flight],
            "running": agent.running,
            "same_traffic": agent.traffic is traffic,
            "failures": dict(agent.guards.failures),
        }
        os.write(writing, json.dumps(seen).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        state: dict[str, object] = json.load(file)
    os.waitpid(pid, 0)
    return state


@pytest.mark.parametrize("probe", ["source", "trim", "window", "heap"])
def test_a_worker_refuses_expensive_probes_whatever_the_server_says(
    probe: str, server: FakeServer
) -> None:
    server.queued_replies.append(
        reply_with_probe_requests(ProbeRequest(id=7, probe=probe, by_hand=True))
    )
    made = agent_of(server, probes="census", sample_every="0.5")
    made.start()
    wait_until(lambda: answers(server), what="an answer")
    made.stop()
    assert answers(server)[0] == ProbeResult(
        ask=7,
        problem="this worker is set not to run expensive probes (BUGSLY_PROBES=census)"
        " → set BUGSLY_PROBES=all in the app, or run bugsly doctor",
    )


def answers(server: FakeServer) -> list[ProbeResult]:
    told = [one.evidence for one in server.reports if one.evidence is not None]
    return [answer for evidence in told for answer in evidence.answers]


def test_a_worker_with_probes_off_still_reports_its_memory(server: FakeServer) -> None:
    made = agent_of(server, probes="off", sample_every="0.5")
    made.start()
    wait_until(lambda: len(server.samples) > 1, what="samples")
    made.flush_before_exit()
    made.stop()
    assert all(one.anonymous for one in server.samples)
    assert all(one.levels == () for one in server.samples)
    assert all(one.evidence is None or not one.evidence.parting for one in server.reports)
