"""Object stores that misbehave, each a real server on this machine."""

import os
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time

import pytest
from moto.server import ThreadedMotoServer

import data.storage.object_store as object_store_module
from data.storage import files
from data.storage.object_store import StoreError, StoreUnreachableError
from tests.object_store import object_store
from tests.ports import free_port

FILE = "minio://bucket/models/x"
DEADLINE = 1.0


class BrokenStore(socketserver.ThreadingTCPServer):
    """Counts requests and answers each by a function of the connection."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), None)
        self.answer, self.requests = answer, 0
        self.ended = threading.Event()

    def finish_request(self, connection, _):
        connection.recv(65536)
        self.requests += 1
        self.answer(connection, self.ended)

    def handle_error(self, *_):
        """The client gave up."""


def be_silent(_, ended):
    ended.wait()


def drip(connection, ended):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not ended.wait(0.05):
        connection.sendall(b" ")


def reset(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def answer_status(status):
    def answer(connection, _):
        connection.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())

    return answer


@pytest.fixture(autouse=True)
def no_open_files_left():
    before = len(os.listdir("/dev/fd"))
    yield
    # A few connections to the server may wait for it to end.
    assert len(os.listdir("/dev/fd")) < before + 8


@pytest.fixture
def start(monkeypatch):
    """A function that starts a broken store and makes it the store of the environment."""
    servers = []

    def start_server(answer):
        server = BrokenStore(answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        return server

    monkeypatch.setattr(object_store_module, "_DEADLINE_SECONDS", DEADLINE)
    yield start_server
    for server in servers:
        server.ended.set()
        server.shutdown()
        server.server_close()


OPERATIONS = {
    "list": lambda: files.list_folder(FILE),
    "write": lambda: files.write_file(FILE, "x"),
    "remove": lambda: files.remove_folder(FILE),
}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("answer", [be_silent, drip])
def test_a_store_that_is_silent_or_drips_is_left_at_the_deadline(start, answer, operation):
    server = start(answer)
    started = time.monotonic()
    with pytest.raises(StoreUnreachableError) as failure:
        operation()
    assert DEADLINE <= time.monotonic() - started < DEADLINE + 1
    assert str(failure.value) == (
        f"{FILE} in the store http://127.0.0.1:{server.server_address[1]}: no complete answer "
        "within 1 seconds. Check that the store runs and is not overloaded, and that "
        "AWS_ENDPOINT_URL is its address."
    )


@pytest.mark.parametrize(
    ("answer", "reason"), [(reset, "NETWORK_CONNECTION"), (answer_status(503), "HTTP status 503")]
)
def test_a_failure_that_may_pass_is_tried_again_and_then_named(start, answer, reason):
    server = start(answer)
    started = time.monotonic()
    with pytest.raises(StoreUnreachableError, match=rf"{FILE} in the store .*{reason}.*Set AWS_"):
        files.list_folder(FILE)
    assert time.monotonic() - started < DEADLINE + 1
    assert server.requests >= 2


def test_a_refusal_is_not_tried_again(start):
    server = start(answer_status(403))
    with pytest.raises(StoreError, match=r"ACCESS_DENIED.*AWS_SECRET_ACCESS_KEY to its keys"):
        files.list_folder(FILE)
    assert server.requests == 1


def test_a_process_ends_although_it_left_a_request_behind(start):
    start(be_silent)
    code = (
        "from data.storage import files, object_store\n"
        "object_store._DEADLINE_SECONDS = 0.5\n"
        f"files.list_folder({FILE!r})"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20
    )
    assert finished.returncode == 1
    assert "no complete answer within 0 seconds" in finished.stderr


def test_a_store_that_is_away_for_seconds_is_waited_for(monkeypatch):
    port = free_port()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    start = threading.Timer(3, server.start)
    with object_store():
        files.write_file("minio://mlpipeline/radio/one", "1")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        start.start()
        try:
            # All servers of a process share one memory.
            assert files.list_folder("minio://mlpipeline/radio") == ["one"]
        finally:
            start.join()
            server.stop()
