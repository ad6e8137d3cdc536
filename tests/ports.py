"""Ports of this machine for the servers that tests start."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """Return different ports that nothing listens on, until somebody else takes them."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def free_port() -> int:
    """Return a port that nothing listens on, until somebody else takes it."""
    return free_ports(1)[0]
