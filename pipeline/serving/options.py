"""What a server is told when it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """Options of a server; the defaults are those of the command line.

    Attributes:
      serving: folder of the pushed versions, or its address.
      host: address to listen on.
      port: port to listen on; 0 for any that is free.
      model_name: name of the model in addresses.
      keep: number of newest versions that stay loaded.
      labels: versions by name, which stay loaded too.
      poll_seconds: time between two looks at the folder.
      wait: whether to start without a model.
      max_batch: images in a call of the model.
      max_wait_ms: how long an image waits for others while the model is idle.
      max_queue: images that wait for a call.
      max_body_mb: size of a request in megabytes.
      timeout: seconds after which a request is given up.
      allowed_hosts: names of this server, besides those of this machine, that requests may use.
      allowed_origins: addresses of other web pages whose scripts may read answers.
      access_log: whether to log every request.
      as_json: whether to log lines of JSON.
    """

    serving: str = "runs/serving"
    host: str = "127.0.0.1"
    port: int = 8501
    model_name: str = "radio-signals"
    keep: int = 2
    labels: Mapping[str, int] = field(default_factory=dict)
    poll_seconds: float = 2.0
    wait: bool = False
    max_batch: int = 64
    max_wait_ms: float = 0.0
    max_queue: int = 1024
    max_body_mb: float = 32.0
    timeout: float = 30.0
    allowed_hosts: Sequence[str] = ()
    allowed_origins: Sequence[str] = ()
    access_log: bool = True
    as_json: bool = False

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can reach the server."""
        return self.host in ("localhost", "127.0.0.1", "::1")

    @property
    def max_body(self) -> int:
        """Size of a request in bytes."""
        return int(self.max_body_mb * 1e6)
