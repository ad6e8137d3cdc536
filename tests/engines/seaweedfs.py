"""A SeaweedFS: master, volume server, filer and S3 in one process, as in Kubeflow Pipelines."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.engines.cluster import ENGINES, Servers, servers
from tests.ports import free_ports

_NAME = "seaweedfs"
_PARTS = ("master", "volume", "filer", "s3")
_HOST = "127.0.0.1"


@dataclass(frozen=True)
class SeaweedFS:
    """A running store.

    Attributes:
      address: address of S3.
      servers: its one process.
    """

    address: str
    servers: Servers
    _master: str
    _command: list[str]

    def start(self) -> None:
        """Start the store, again on its files if it was killed, and wait until it can write."""
        self.servers.start(_NAME, self._command)
        self.servers.wait_for(self._can_write, "SeaweedFS")

    def kill(self) -> None:
        """Kill the store. It gets no chance to write what it still has in memory."""
        self.servers.kill(_NAME)

    def _can_write(self) -> bool:
        # The master knows a volume only after the volume server's first report.
        place = requests.get(f"{self._master}/dir/assign", timeout=10)
        return "fid" in place.json() and requests.get(f"{self.address}/status", timeout=10).ok


@contextlib.contextmanager
def seaweedfs(access_key: str, secret_key: str) -> Iterator[SeaweedFS]:
    """Start an empty store; end it on leaving.

    Args:
      access_key: name of the key that may do everything.
      secret_key: the key itself.
    """
    with tempfile.TemporaryDirectory() as temporary, servers(Path(temporary)) as started:
        folder = Path(temporary)
        (folder / "volumes").mkdir()
        administrator = {
            "name": "administrator",
            "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
            "actions": ["Admin"],
        }
        (folder / "s3.json").write_text(json.dumps({"identities": [administrator]}))
        ports = free_ports(2 * len(_PARTS))
        http, grpc = ports[::2], ports[1::2]
        command = [
            str(ENGINES / "weed"),
            "server",
            "-s3",
            f"-dir={folder / 'volumes'}",
            f"-ip={_HOST}",
            *(f"-{part}.port={port}" for part, port in zip(_PARTS, http, strict=True)),
            *(f"-{part}.port.grpc={port}" for part, port in zip(_PARTS, grpc, strict=True)),
            f"-s3.config={folder / 's3.json'}",
            # Tests make further keys.
            "-s3.iam.readOnly=false",
            # A bucket that does not exist is an error in the other stores.
            "-s3.autoCreateBucket=false",
            # Catalogues of tables, at fixed ports.
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            f"-filer.localSocket={folder / 'filer.sock'}",
            f"-s3.localSocket={folder / 's3.sock'}",
            # A bucket takes seven volumes at once.
            "-volume.max=100",
            "-master.volumeSizeLimitMB=100",
            "-volume.preStopSeconds=0",
            # It would report to its makers.
            "-master.telemetry=false",
        ]
        store = SeaweedFS(
            f"http://{_HOST}:{http[-1]}", started, f"http://{_HOST}:{http[0]}", command
        )
        store.start()
        try:
            yield store
        finally:
            # On a signal to end it would wait for its clients.
            with contextlib.suppress(ProcessLookupError):
                store.kill()
