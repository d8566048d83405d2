import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.body_encodings import ENCODERS, Encode
from tests.support.running_server import RunningServer, ServedProject

from bugsly_server.errors import Rejected
from bugsly_server.ingest.content_encoding import ENCODINGS, decompress

MB = 1024 * 1024
EACH_ENCODING = pytest.mark.parametrize(("encoding", "pack"), ENCODERS.values(), ids=ENCODERS)


def refusal(body: bytes, encoding: str, max_bytes: int = MB) -> Rejected:
    with pytest.raises(Rejected) as caught:
        decompress(body, encoding, max_bytes)
    return caught.value


def outcome(body: bytes, encoding: str) -> int:
    try:
        unpacked = decompress(body, encoding, MB)
    except Rejected as problem:
        return problem.status
    return 200 if len(unpacked) <= MB else 500


@EACH_ENCODING
@settings(max_examples=50)
@given(body=st.binary(max_size=5_000))
def test_a_compressed_body_is_decompressed(encoding: str, pack: Encode, body: bytes) -> None:
    assert decompress(pack(body), encoding, MB) == body


@EACH_ENCODING
def test_a_name_may_be_written_in_any_case_and_with_spaces(encoding: str, pack: Encode) -> None:
    assert decompress(pack(b"{}\n"), f" {encoding.upper()} ", MB) == b"{}\n"


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_stays_as_it_is(encoding: str) -> None:
    assert decompress(b"{}\n", encoding, MB) == b"{}\n"


@EACH_ENCODING
def test_the_limit_is_exact_to_the_byte(encoding: str, pack: Encode) -> None:
    body = bytes(range(256)) * 4096
    assert decompress(pack(body), encoding, MB) == body
    assert refusal(pack(body + b"x"), encoding).status == 413


@EACH_ENCODING
def test_a_bomb_is_refused(encoding: str, pack: Encode) -> None:
    problem = refusal(pack(b"\0" * 30 * MB), encoding)
    assert problem.status == 413
    assert str(problem) == f"body: unpacks to more than {MB} bytes → send less at a time"


@EACH_ENCODING
def test_truncated_data_are_refused(encoding: str, pack: Encode) -> None:
    body = b"".join(b"%d," % (number * number) for number in range(3_000))
    packed = pack(body)
    for length in (0, 1, 2, 3, 5, 10, len(packed) // 2, len(packed) - 5, len(packed) - 1):
        assert refusal(packed[:length], encoding).status == 400, length


@EACH_ENCODING
def test_data_after_the_end_are_refused(encoding: str, pack: Encode) -> None:
    packed = pack(b"{}\n") + b"more"
    assert refusal(packed, encoding).status == 400


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(max_examples=200)
@given(body=st.binary(max_size=200))
def test_any_body_is_at_most_refused(encoding: str, body: bytes) -> None:
    assert outcome(body, encoding) in {200, 400, 413}


@EACH_ENCODING
@settings(max_examples=60)
@given(place=st.floats(0, 1), flip=st.integers(1, 255))
def test_a_damaged_body_is_at_most_refused(
    encoding: str, pack: Encode, place: float, flip: int
) -> None:
    packed = bytearray(pack(b"some text, and some text again, and more of it" * 20))
    packed[round(place * (len(packed) - 1))] ^= flip
    assert outcome(bytes(packed), encoding) in {200, 400, 413}


@pytest.mark.parametrize("encoding", ["compress", "gzip, br", "x" * 500, "\xff\0\n"])
def test_an_unsupported_encoding_is_refused_with_the_supported_ones(encoding: str) -> None:
    problem = refusal(b"{}", encoding)
    assert problem.status == 415
    assert str(problem).endswith("→ use one of br, deflate, gzip, zstd")


@EACH_ENCODING
def test_each_is_taken_over_http(
    server: RunningServer, project: ServedProject, encoding: str, pack: Encode
) -> None:
    headers = {**project.auth, "Content-Encoding": encoding}
    assert server.send(project.path, pack(b"{}\n"), headers).status == 200
    assert server.send(project.path, pack(b"{}\n")[:-1], headers).status == 400
    assert server.send(project.path, pack(b"\0" * 41 * MB), headers).status == 413


def test_an_unknown_one_is_refused_over_http(server: RunningServer, project: ServedProject) -> None:
    reply = server.send(project.path, b"{}\n", {**project.auth, "Content-Encoding": "lzma"})
    assert reply.status == 415
    assert reply.detail == (
        "body: encoding 'lzma' is not supported → use one of br, deflate, gzip, zstd"
    )
