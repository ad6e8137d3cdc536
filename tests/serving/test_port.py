"""The port that a server takes before it lets anybody in."""

import asyncio
import re
import socket

import pytest

from data.invalid import InvalidData
from pipeline.serving.server import bind


def test_answers_are_sent_without_waiting_for_more():
    """Otherwise every answer of two packets takes 40 ms longer."""

    async def find_option() -> int:
        options = asyncio.get_running_loop().create_future()

        async def note(_, writer):
            accepted = writer.get_extra_info("socket")
            options.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listener = bind("127.0.0.1", 0)
        async with await asyncio.start_server(note, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            try:
                return await options
            finally:
                writer.close()

    assert asyncio.run(find_option()) == 1


def test_nobody_is_let_in_before_the_server_listens():
    with bind("127.0.0.1", 0) as listener, pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.getsockname())


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = (
            f"Port {port} of 127.0.0.1 cannot be listened on: Address already in use. Give another "
            "with --port or --host."
        )
        with pytest.raises(InvalidData, match=f"^{re.escape(message)}$"):
            bind("127.0.0.1", port)
