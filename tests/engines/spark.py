"""A Spark cluster: a standalone master, two workers on hosts of their own, and Beam's job server.

Spark's history server answers for jobs that have ended, with the REST API of running ones.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.background import wait_for_grpc
from tests.engines.cluster import ENGINES, WORKERS, Job, Servers, beam_options, java, servers
from tests.engines.network import Host, Network, network
from tests.ports import free_port

_SPARK = ENGINES / "spark"
_JARS = _SPARK / "jars" / "*"


def _with_beam() -> list[Path]:
    """Return the classpath of Spark with Beam's runner.

    Beam needs a newer Guava than Spark has, so it comes before Spark; Spark a newer SLF4J.
    """
    return [*(_SPARK / "jars").glob("slf4j-api-*.jar"), ENGINES / "spark-job-server.jar", _JARS]


@dataclass(frozen=True)
class Spark:
    """A running cluster.

    Attributes:
      master: address of the master's page.
      driver, history: addresses with Spark's REST API, for the running job and for those before.
      job_endpoint: address of Beam's job server.
      network: the hosts.
      servers: the processes: "master", "history", "job-server", and of each worker Spark's own,
        "worker-1", and its pool, "pool-worker-1".
    """

    master: str
    driver: str
    history: str
    job_endpoint: str
    network: Network
    servers: Servers

    @property
    def beam_args(self) -> str:
        """The options that send a run here."""
        return beam_options(self.job_endpoint)

    def jobs(self, first: int = 0) -> list[Job]:
        """Return all jobs from a number on, oldest first."""
        # The driver knows more about a running one than the history server.
        running = self._ask(self.driver)
        jobs = {job["id"]: (self.driver, job) for job in running}
        for job in self._ask(self.history):
            jobs.setdefault(job["id"], (self.history, job))
        in_order = sorted(jobs.values(), key=lambda job: job[1]["attempts"][0]["startTime"])
        return [self._job(api, job) for api, job in in_order[first:]]

    def start_worker(self, name: str) -> None:
        """Start the worker of a host, again if it was killed."""
        host = next(host for host in self.network.hosts if host.name == name)
        _start_worker(self.servers, host, self.network)

    def _job(self, api: str, job: dict[str, Any]) -> Job:
        names = {host.address: host.name for host in self.network.hosts}
        work: dict[str, int] = {}
        losses = []
        for executor in self._ask(api, f"/{job['id']}/allexecutors"):
            if executor["id"] == "driver":
                continue
            name = names[executor["hostPort"].partition(":")[0]]
            work[name] = work.get(name, 0) + executor["completedTasks"]
            if reason := executor.get("removeReason"):
                losses.append(f"{name}: {reason}")
        return Job("FINISHED" if job["attempts"][0]["completed"] else "RUNNING", work, losses)

    def _ask(self, api: str, path: str = "") -> list[dict[str, Any]]:
        try:
            answer = requests.get(f"{api}/api/v1/applications{path}", timeout=10)
        except requests.ConnectionError:
            if api == self.driver:  # It answers only while there is a job.
                return []
            raise
        answer.raise_for_status()
        return answer.json()

    def workers(self) -> dict[str, str]:
        """Return the state of each worker that the master knows, by address."""
        answer = requests.get(f"{self.master}/json/", timeout=10).json()
        return {worker["host"]: worker["state"] for worker in answer["workers"]}


@contextlib.contextmanager
def spark(folder: Path) -> Iterator[Spark]:
    """Start a cluster; end it on leaving.

    Args:
      folder: an empty folder for what it writes.
    """
    with network(WORKERS) as cables, servers(folder) as started:
        port = free_port()
        cluster = Spark(
            master=f"http://{cables.address}:8080",
            driver=f"http://{cables.address}:4040",
            history=f"http://{cables.address}:18080",
            job_endpoint=f"localhost:{port}",
            network=cables,
            servers=started,
        )
        (folder / "events").mkdir()
        _start_master(started, cables)
        _start_history(started, cables)
        for host in cables.hosts:
            started.start_pool(host)
            cluster.start_worker(host.name)
        _start_job_server(started, port, cables)
        started.wait_for(
            lambda: list(cluster.workers().values()) == ["ALIVE"] * len(WORKERS), "the workers"
        )
        started.wait_for(lambda: cluster.jobs() == [], "the history server")
        wait_for_grpc(cluster.job_endpoint, started.logs)
        yield cluster


def _start_master(started: Servers, cables: Network) -> None:
    command = java(
        "org.apache.spark.deploy.master.Master",
        [_JARS],
        *("--host", cables.address),
        *("--port", "7077"),
        *("--webui-port", "8080"),
        heap="512m",
    )
    started.start("master", command)


def _start_history(started: Servers, cables: Network) -> None:
    command = java(
        "org.apache.spark.deploy.history.HistoryServer",
        [_JARS],
        f"-Dspark.history.fs.logDirectory={started.folder / 'events'}",
        "-Dspark.history.fs.update.interval=1s",
        heap="512m",
    )
    started.start("history", command, SPARK_LOCAL_IP=cables.address)


def _start_worker(started: Servers, host: Host, cables: Network) -> None:
    command = java(
        "org.apache.spark.deploy.worker.Worker",
        [_JARS],
        *("--host", host.address),
        *("--cores", "1"),
        *("--memory", "1g"),
        *("--work-dir", str(started.folder / host.name)),
        f"spark://{cables.address}:7077",
        heap="512m",
    )
    started.start(
        host.name,
        host.command(*command),
        SPARK_HOME=str(_SPARK),
        SPARK_LOCAL_IP=host.address,
        SPARK_SCALA_VERSION="2.12",
    )


def _start_job_server(started: Servers, port: int, cables: Network) -> None:
    """Start the job server, which is Spark's driver."""
    command = java(
        "org.apache.beam.runners.spark.SparkJobServerDriver",
        _with_beam(),
        f"-Dspark.executor.extraClassPath={os.pathsep.join(map(str, _with_beam()))}",
        f"-Dspark.driver.host={cables.address}",
        "-Dspark.ui.port=4040",
        # Otherwise, Spark repeats the lost part of a job. Steps that draw random keys then do not
        # fit together: records are missing from a result that seems good.
        "-Dspark.stage.maxConsecutiveAttempts=1",
        # Both workers get work from the beginning, wherever the data are.
        "-Dspark.scheduler.minRegisteredResourcesRatio=1",
        "-Dspark.locality.wait=0",
        "-Dspark.eventLog.enabled=true",
        f"-Dspark.eventLog.dir={started.folder / 'events'}",
        f"--spark-master-url=spark://{cables.address}:7077",
        f"--artifacts-dir={started.folder / 'staged'}",
        f"--job-port={port}",
        "--artifact-port=0",
        "--expansion-port=-1",
        heap="1g",
    )
    started.start("job-server", command, SPARK_LOCAL_IP=cables.address)
