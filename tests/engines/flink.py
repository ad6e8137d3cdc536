"""A Flink cluster: a JobManager, two TaskManagers on hosts of their own, and Beam's job server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.background import wait_for_grpc
from tests.engines.cluster import ENGINES, WORKERS, Job, Servers, beam_options, java, servers
from tests.engines.network import Host, Network, network
from tests.ports import free_port

_FLINK = ENGINES / "flink" / "lib"
_JOB_SERVER = ENGINES / "flink-job-server.jar"

# As in a file flink-conf.yaml. What Flink's scripts would compute from the memory of the machine is
# given. Two slots each: either TaskManager can take over the work of the other. After a loss, a job
# starts again as a whole: some of its steps are random, so that a part would not fit the rest.
_SETTINGS = """\
taskmanager.numberOfTaskSlots: 2
taskmanager.load-balance.mode: SLOTS
taskmanager.cpu.cores: 1
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 128m
taskmanager.memory.jvm-overhead.max: 128m
taskmanager.memory.task.heap.size: 512m
taskmanager.memory.task.off-heap.size: 128m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.memory.managed.size: 256m
jobmanager.retrieve-taskmanager-hostname: false
jobmanager.execution.failover-strategy: full
restart-strategy.type: exponential-delay
restart-strategy.exponential-delay.attempts-before-reset-backoff: 10
heartbeat.interval: 1000
heartbeat.timeout: 10000
metrics.fetcher.update-interval: 500
taskmanager.network.sort-shuffle.min-buffers: 16
classloader.resolve-order: parent-first
"""


@dataclass(frozen=True)
class Flink:
    """A running cluster.

    Attributes:
      page: address of the JobManager's page and of its REST API.
      job_endpoint: address of Beam's job server.
      network: the hosts.
      servers: the processes: "job-manager", "job-server", and of each worker its TaskManager,
        "worker-1", and its pool, "pool-worker-1".
    """

    page: str
    job_endpoint: str
    network: Network
    servers: Servers

    @property
    def beam_args(self) -> str:
        """The options that send a run here."""
        return f"{beam_options(self.job_endpoint)} --parallelism={len(WORKERS)}"

    def get(self, path: str) -> dict[str, Any]:
        """Ask the REST API."""
        answer = requests.get(f"{self.page}/{path}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def jobs(self, first: int = 0) -> list[Job]:
        """Return all jobs from a number on, oldest first."""
        jobs = sorted(self.get("jobs/overview")["jobs"], key=lambda job: job["start-time"])
        return [self._job(job["jid"]) for job in jobs[first:]]

    def start_worker(self, name: str) -> None:
        """Start the TaskManager of a host, again if it was killed."""
        host = next(host for host in self.network.hosts if host.name == name)
        _start_task_manager(self.servers, host, self.network)

    def _job(self, job: str) -> Job:
        work: dict[str, int] = {}
        details = self.get(f"jobs/{job}")
        for vertex in details["vertices"]:
            if not vertex["metrics"]["read-records"]:
                continue
            path = f"jobs/{job}/vertices/{vertex['id']}/taskmanagers"
            for part in self.get(path)["taskmanagers"]:
                name = part["taskmanager-id"]
                work[name] = work.get(name, 0) + part["metrics"]["read-records"]
        failures = self.get(f"jobs/{job}/exceptions")["exceptionHistory"]["entries"]
        return Job(details["state"], work, [each["exceptionName"] for each in failures])


@contextlib.contextmanager
def flink(folder: Path) -> Iterator[Flink]:
    """Start a cluster; end it on leaving.

    Args:
      folder: an empty folder for what it writes.
    """
    with network(WORKERS) as cables, servers(folder) as started:
        (folder / "flink-conf.yaml").write_text(_SETTINGS)
        port = free_port()
        cluster = Flink(f"http://{cables.address}:8081", f"localhost:{port}", cables, started)
        _start_job_manager(started, cables)
        for host in cables.hosts:
            started.start_pool(host)
        _start_job_server(started, port, cables)
        # A TaskManager that finds no JobManager tries again only after ten seconds.
        started.wait_for(lambda: "taskmanagers" in cluster.get("overview"), "the JobManager")
        for name in WORKERS:
            cluster.start_worker(name)
        started.wait_for(
            lambda: cluster.get("overview")["taskmanagers"] == len(WORKERS), "the TaskManagers"
        )
        wait_for_grpc(cluster.job_endpoint, started.logs)
        yield cluster


def _start_job_manager(started: Servers, cables: Network) -> None:
    started.start(
        "job-manager",
        _flink(
            "runtime.entrypoint.StandaloneSessionClusterEntrypoint",
            started,
            cables,
            # It reaches its own server of files at localhost.
            "jobmanager.bind-host=0.0.0.0",
            f"rest.bind-address={cables.address}",
        ),
    )


def _start_task_manager(started: Servers, host: Host, cables: Network) -> None:
    command = _flink(
        "runtime.taskexecutor.TaskManagerRunner",
        started,
        cables,
        f"taskmanager.resource-id={host.name}",
        f"taskmanager.host={host.address}",
        f"taskmanager.bind-host={host.address}",
    )
    started.start(host.name, host.command(*command))


def _flink(main: str, started: Servers, cables: Network, *settings: str) -> list[str]:
    settings = (
        f"jobmanager.rpc.address={cables.address}",
        f"rest.address={cables.address}",
        f"io.tmp.dirs={started.folder}",
        *settings,
    )
    # With Beam's runner on its own classpath, Flink keeps a job's Beam workers from stage to stage.
    command = java(f"org.apache.flink.{main}", [_FLINK / "*", _JOB_SERVER], heap="1g")
    return [*command, f"--configDir={started.folder}", *(f"-D{each}" for each in settings)]


def _start_job_server(started: Servers, port: int, cables: Network) -> None:
    command = java(
        "org.apache.beam.runners.flink.FlinkJobServerDriver",
        [_JOB_SERVER, *sorted(_FLINK.glob("log4j-*.jar"))],
        f"--flink-master={cables.address}:8081",
        f"--artifacts-dir={started.folder / 'staged'}",
        f"--job-port={port}",
        "--artifact-port=0",
        "--expansion-port=-1",
        heap="1g",
    )
    started.start("job-server", command)
