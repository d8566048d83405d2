"""Only who knows a worker's secret speaks for it."""

from tests.support.pipeline_harness import PipelineHarness, report, token
from tests.support.protocol_values import MB, sample

from bugsly.protocol.evidence import Evidence, ProbeRequest, ProbeResult, TrimResult
from bugsly.protocol.memory import Exit, ExitReason
from bugsly_server.store.meta import probe_requests

UNPROVEN = "memory of a worker by somebody without its secret"


def digest(desk: PipelineHarness, payload: bytes, secret: str = "") -> None:
    desk.pipeline.digest([desk.entry(payload, secret=secret)])


def test_samples_of_somebody_who_knows_only_the_id_are_dropped_and_counted(
    desk: PipelineHarness,
) -> None:
    digest(desk, report([sample(1, anonymous=MB)]), "mine")
    for secret in ("", "guessed"):
        digest(desk, report([sample(2, anonymous=99 * MB)], host="elsewhere"), secret)
    assert desk.worker().anonymous == MB
    assert desk.worker().host != "elsewhere"
    assert desk.skipped() == {UNPROVEN: 2}
    digest(desk, report([sample(2, anonymous=2 * MB)]), "mine")
    assert desk.worker().anonymous == 2 * MB


def test_the_secret_counts_within_one_batch_and_after_a_restart(desk: PipelineHarness) -> None:
    mine = desk.entry(report([sample(1)]), secret="mine")
    forged = desk.entry(report([sample(2, anonymous=99 * MB)]), secret="guessed")
    desk.pipeline.digest([mine, forged])
    desk.start().digest([forged])
    assert desk.worker().samples == 1
    assert desk.skipped()[UNPROVEN] == 1


def test_a_worker_first_seen_without_a_secret_goes_on_without_one(desk: PipelineHarness) -> None:
    digest(desk, report([sample(1)]))
    digest(desk, report([sample(2)]))
    digest(desk, report([sample(3)]), "late")
    digest(desk, report([sample(4)]))
    assert desk.worker().samples == 4
    assert desk.skipped() == {}


def test_an_answer_of_somebody_else_is_not_taken(desk: PipelineHarness) -> None:
    digest(desk, report([sample(1)]), "mine")
    assert desk.pipeline.request_probe(
        desk.worker(), ProbeRequest(id=0, probe="trim"), desk.clock()
    )
    forged = Evidence(answers=(ProbeResult(ask=1, trim=TrimResult(before=1, after=1)),))
    digest(desk, report([sample(2)], evidence=forged), "guessed")
    with desk.database.reading() as connection:
        assert len(probe_requests.list_open(connection, desk.shop)) == 1


def test_an_exit_is_believed_of_the_worker_itself_and_of_who_has_its_secret(
    desk: PipelineHarness,
) -> None:
    for number in (1, 2, 3):
        digest(desk, report([sample(1)], id=token(number)), f"secret {number}")
    forged = Exit(worker=token(1), reason=ExitReason.KILLED, signal=9, secret="guessed")
    by_its_master = Exit(worker=token(2), reason=ExitReason.KILLED, signal=9, secret="secret 2")
    by_itself = Exit(worker=token(3), reason=ExitReason.QUIT)
    digest(desk, report(exits=[forged, by_its_master, by_itself], id=token(3)), "secret 3")
    ends = {name: one.exit_reason for name, one in desk.workers().items()}
    assert ends == {
        token(1): None,
        token(2): ExitReason.KILLED,
        token(3): ExitReason.QUIT,
    }
    assert desk.skipped() == {"exit of a worker by somebody without its secret": 1}
