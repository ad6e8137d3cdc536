"""What the clusters of Flink and Spark have in common: Java and Beam's worker pools."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import requests

from tests.background import background, path_with_this_python, python_module, read_ends
from tests.engines.network import Host

# Where scripts/engines.sh puts them.
ENGINES = Path(__file__).resolve().parents[2] / ".cache" / "engines"

POOL_PORT = 50000
WORKERS = ("worker-1", "worker-2")

# Java, and then Beam, start on a busy machine.
_START_SECONDS = 120

# What Flink's and Spark's own scripts open for Java 17.
_PACKAGES = (
    "java.io", "java.lang", "java.lang.invoke", "java.lang.reflect", "java.net", "java.nio",
    "java.text", "java.time", "java.util", "java.util.concurrent", "java.util.concurrent.atomic",
    "java.util.concurrent.locks", "sun.net.util", "sun.nio.ch", "sun.nio.cs", "sun.security.action",
    "sun.util.calendar",
)  # fmt: skip

T = TypeVar("T")


def java(main: str, classpath: Iterable[str | Path], *arguments: str, heap: str) -> list[str]:
    """Return a command that runs a Java class.

    Args:
      main: name of the class.
      classpath: jars, or folders with "*" for all jars in them.
      *arguments: system properties, which start with "-D", and then arguments of the class.
      heap: the largest heap.
    """
    properties = [each for each in arguments if each.startswith("-D")]
    home = os.environ.get("JAVA_HOME")
    return [
        f"{home}/bin/java" if home else "java",
        f"-Xmx{heap}",
        "-Dorg.apache.logging.log4j.level=INFO",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _PACKAGES),
        *properties,
        "-classpath",
        os.pathsep.join(map(str, classpath)),
        main,
        *(each for each in arguments if each not in properties),
    ]


@dataclass(frozen=True)
class Job:
    """What an engine reports about one Beam step.

    Attributes:
      state: "FINISHED" after success, "RUNNING" before.
      work: what each of the engine's workers has done so far, in records (Flink) or tasks (Spark).
      losses: why a worker was given up meanwhile.
    """

    state: str
    work: dict[str, int]
    losses: list[str]

    def is_under_way(self, worker: str, work: int) -> bool:
        """Whether a worker that takes part has done this much, and there is more to do."""
        return self.state == "RUNNING" and self.work.get(worker, -1) >= work


@dataclass(frozen=True)
class Servers:
    """Processes of a cluster, by name.

    Attributes:
      folder: where they write.
    """

    folder: Path
    _stack: contextlib.ExitStack
    _running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, name: str, command: list[str], **environment: str) -> None:
        """Start a process that ends with the cluster, or with the tests if these are killed."""
        command = ["setpriv", "--pdeathsig", "KILL", *command]
        self._running[name] = self._stack.enter_context(
            background(command, self._log(name), **environment)
        )

    def start_pool(self, host: Host) -> None:
        """Start Beam's pool of Python workers on a host."""
        pool = python_module(
            "apache_beam.runners.worker.worker_pool_main", f"--service_port={POOL_PORT}"
        )
        self.start(f"pool-{host.name}", host.command(*pool), PATH=path_with_this_python())

    def kill(self, name: str) -> None:
        """Kill a process and what it has started. None gets a chance to say so."""
        os.killpg(self._running[name].pid, signal.SIGKILL)
        self._running[name].wait()

    def count_beam_workers(self) -> list[int]:
        """Return how many Beam workers each host's pool has started so far."""
        return [
            self._log(f"pool-{name}").read_text(errors="replace").count("Starting worker")
            for name in WORKERS
        ]

    @property
    def logs(self) -> list[Path]:
        """The logs of all processes."""
        return [self._log(name) for name in self._running]

    def wait_for(self, ready: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds for which all these processes must run.

        Raises:
          RuntimeError: a process has ended.
          TimeoutError: the condition does not hold.
        """

        def check() -> bool:
            ended = [name for name, server in self._running.items() if server.poll() is not None]
            if ended:
                raise RuntimeError(f"Ended: {', '.join(ended)}.\n{read_ends(self.logs)}")
            return ready()

        try:
            wait_until(check, what)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{read_ends(self.logs)}") from None

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Start processes; end them on leaving.

    Args:
      folder: an empty folder for what they write.
    """
    with contextlib.ExitStack() as stack:
        yield Servers(folder, stack)


def wait_until(ready: Callable[[], T], what: str, seconds: float = _START_SECONDS) -> T:
    """Ask until the answer is true, and return it. A server that is not ready is asked again.

    Raises:
      TimeoutError: it never was.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(requests.RequestException):
            if answer := ready():
                return answer
        time.sleep(0.2)
    raise TimeoutError(f"Waited {seconds:.0f} s for {what}.")


def beam_options(job_endpoint: str) -> str:
    """Return the options that send a run to a cluster through its job server."""
    return (
        f"--runner=PortableRunner --job_endpoint={job_endpoint} "
        f"--environment_type=EXTERNAL --environment_config=localhost:{POOL_PORT} "
        # Without it, Flink starts a new worker for each stage of a step.
        "--environment_cache_millis=60000"
    )
