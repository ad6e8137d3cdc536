"""What a server refuses so that it stays up: size, number, time."""

import gzip
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.serving.server import NAME, Server

BODY_BYTES = 50_000
URL = f"/v2/models/{NAME}/infer"


@pytest.fixture(scope="module")
def server(models, start, tmp_path_factory) -> Server:
    serving = tmp_path_factory.mktemp("serving")
    models.push(1, serving, 1)
    # Images wait longer for others than requests may take, so that all answers are late.
    options = ("--max-wait-ms", "9000", "--timeout", "0.5", "--max-batch", "8", "--max-queue", "4")
    return start(serving, *options, "--max-body-mb", str(BODY_BYTES / 1e6)).wait_until_ready()


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (bytes(BODY_BYTES + 1), "identity"),
        (iter([bytes(BODY_BYTES), bytes(1)]), "identity"),
        (gzip.compress(bytes(BODY_BYTES + 1)), "gzip"),
    ],
    ids=["announced", "in chunks", "compressed"],
)
def test_a_large_body_is_refused(server, content, encoding):
    refused = server.client.post(URL, content=content, headers={"Content-Encoding": encoding})
    assert refused.status_code == 413
    assert refused.json() == {
        "error": f"The request is larger than {BODY_BYTES:,} bytes. Send fewer images at a time."
    }


@pytest.mark.parametrize(
    ("content", "encoding", "status", "message"),
    [
        (b"{}", "br", 415, "The content encoding br is not known here; gzip and deflate are."),
        (b"{}", "gzip", 400, "The body is not compressed with gzip: "),
        (gzip.compress(b"{}" * 99)[:-9], "gzip", 400, "The body is cut off: its gzip stream does"),
    ],
    ids=["unknown", "false", "cut off"],
)
def test_a_body_that_cannot_be_unpacked_is_refused(server, content, encoding, status, message):
    refused = server.post(URL, content, headers={"Content-Encoding": encoding})
    assert refused.status_code == status
    assert refused.json()["error"].startswith(message)


def test_late_answers_are_given_up_and_a_full_queue_turns_requests_away(server, models):
    images = models.levels[:3]
    tensor = {"name": "spectrograms", "datatype": "UINT8", "shape": list(images.shape)}
    body = {"inputs": [{**tensor, "data": images.ravel().tolist()}]}
    with ThreadPoolExecutor() as pool:
        answers = [
            answer.result() for answer in [pool.submit(server.post, URL, body) for _ in "ab"]
        ]
    by_status = {answer.status_code: answer for answer in answers}
    assert by_status[504].json() == {
        "error": "There was no answer within 0.5 s. Send fewer images at a time."
    }
    assert by_status[429].json() == {
        "error": "3 images wait already, of 4 that may. Send fewer at a time, or later."
    }
    assert by_status[429].headers["Retry-After"] == "1"


def test_a_body_that_does_not_arrive_is_given_up(server):
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = f"POST {URL} HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: 9\r\n\r\n"
        connection.sendall(head.encode() + b"{")
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
