"""Hosts on this machine, each with a network of its own, for the workers of a cluster.

All workers of an engine look for a pool of Beam workers at the same address, so on one host they
would share it. But each numbers its Beam workers from "1-1", and a pool ends them by number: the
first worker that finishes would end the Beam worker of another.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """A network namespace with an address.

    Attributes:
      name: its name in the cluster.
      namespace: name of the namespace.
      address: its address, which this machine and the other hosts reach.
    """

    name: str
    namespace: str
    address: str

    def command(self, *command: str) -> list[str]:
        """Return a command that runs another command on this host."""
        return ["ip", "netns", "exec", self.namespace, *command]


@dataclass(frozen=True)
class Network:
    """Hosts and the machine itself, on one network.

    Attributes:
      address: the address of the machine.
      hosts: the other hosts.
    """

    address: str
    hosts: tuple[Host, ...]


@contextlib.contextmanager
def network(names: Sequence[str]) -> Iterator[Network]:
    """Connect a host for each name; remove them on leaving.

    Raises:
      PermissionError: this needs root.
    """
    if os.geteuid():
        raise PermissionError("Namespaces of networks need root.")
    # The names of interfaces have at most 15 characters.
    tag = f"rs{os.getpid()}"
    subnet = f"10.213.{os.getpid() % 256}"
    hosts = tuple(
        Host(name, f"{tag}-{number}", f"{subnet}.{number + 1}")
        for number, name in enumerate(names, start=1)
    )
    with contextlib.ExitStack() as stack:
        _ip("link", "add", tag, "type", "bridge")
        stack.callback(_ip, "link", "delete", tag)
        _ip("address", "add", f"{subnet}.1/24", "dev", tag)
        _ip("link", "set", tag, "up")
        for number, host in enumerate(hosts):
            _ip("netns", "add", host.namespace)
            stack.callback(_ip, "netns", "delete", host.namespace)
            cable, inside = f"{tag}v{number}", ("-netns", host.namespace)
            _ip("link", "add", cable, "type", "veth", "peer", "eth0", "netns", host.namespace)
            _ip("link", "set", cable, "master", tag, "up")
            _ip(*inside, "address", "add", f"{host.address}/24", "dev", "eth0")
            _ip(*inside, "link", "set", "eth0", "up")
            _ip(*inside, "link", "set", "lo", "up")
        yield Network(f"{subnet}.1", hosts)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
