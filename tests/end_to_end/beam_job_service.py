"""Beam's own portable job service and worker pool, as processes of their own.

They speak the protocol with which Beam hands work to Flink and Spark: the pipeline goes to a job
service, which starts workers wherever the environment says, here in a pool.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
from apache_beam.metrics.monitoring_infos import extract_counter_value
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from tests.ports import free_ports

# Both import Beam, which takes seconds on a busy machine.
_START_SECONDS = 120


@dataclass(frozen=True)
class Job:
    """What the service reports about one pipeline.

    Attributes:
      state: name of its state, "DONE" after success.
      environments: where its workers should run, as (URN, payload) pairs.
      counters: sums that its workers counted, by (namespace, name).
    """

    state: str
    environments: list[tuple[str, bytes]]
    counters: dict[tuple[str, str], int]


@dataclass(frozen=True)
class JobService:
    """A running job service with its worker pool.

    Attributes:
      endpoint, pool: their addresses, host:port.
      log_files: what they print.
    """

    endpoint: str
    pool: str
    log_files: tuple[Path, ...]

    @property
    def beam_args(self) -> str:
        """The options that send a run here."""
        return (
            f"--runner=PortableRunner --job_endpoint={self.endpoint} "
            f"--environment_type=EXTERNAL --environment_config={self.pool}"
        )

    def jobs(self) -> list[Job]:
        """Return the jobs so far, oldest first."""
        with grpc.insecure_channel(self.endpoint) as channel:
            service = beam_job_api_pb2_grpc.JobServiceStub(channel)
            known = service.GetJobs(beam_job_api_pb2.GetJobsRequest()).job_info
            return [_job(service, job) for job in known]

    def logs(self) -> str:
        """Return the ends of the logs, for messages about failures."""
        return "\n".join(
            f"--- {file}\n{file.read_text(errors='replace')[-4000:]}" for file in self.log_files
        )


def _job(service: beam_job_api_pb2_grpc.JobServiceStub, job: beam_job_api_pb2.JobInfo) -> Job:
    pipeline = service.GetPipeline(
        beam_job_api_pb2.GetJobPipelineRequest(job_id=job.job_id)
    ).pipeline
    metrics = service.GetJobMetrics(
        beam_job_api_pb2.GetJobMetricsRequest(job_id=job.job_id)
    ).metrics
    counters: dict[tuple[str, str], int] = {}
    for counter in metrics.committed:
        if counter.type == "beam:metrics:sum_int64:v1":
            key = counter.labels["NAMESPACE"], counter.labels["NAME"]
            counters[key] = counters.get(key, 0) + extract_counter_value(counter)
    return Job(
        beam_job_api_pb2.JobState.Enum.Name(job.state),
        [(each.urn, each.payload) for each in pipeline.components.environments.values()],
        counters,
    )


@contextlib.contextmanager
def job_service(folder: Path) -> Iterator[JobService]:
    """Start a job service and a worker pool; end them, and nothing else, on leaving.

    Args:
      folder: an empty folder for logs and staged files.
    """
    service_port, pool_port = free_ports(2)
    commands = {
        "job_service": [
            "apache_beam.runners.portability.local_job_service_main",
            f"--port={service_port}",
            f"--staging_dir={folder / 'staged'}",
        ],
        "worker_pool": [
            "apache_beam.runners.worker.worker_pool_main",
            f"--service_port={pool_port}",
        ],
    }
    # The pool starts its workers with whatever "python" is first on PATH.
    bin_dir = os.path.dirname(sys.executable)
    environment = {**os.environ, "PATH": os.pathsep.join((bin_dir, os.environ["PATH"]))}
    with contextlib.ExitStack() as started:
        logs = []
        for name, command in commands.items():
            logs.append(folder / f"{name}.log")
            log = started.enter_context(open(logs[-1], "wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # A process group of its own: the pool's workers end with the pool.
                start_new_session=True,
            )
            started.callback(_end_group, process)
        service = JobService(f"localhost:{service_port}", f"localhost:{pool_port}", tuple(logs))
        for address in (service.endpoint, service.pool):
            with grpc.insecure_channel(address) as channel:
                try:
                    grpc.channel_ready_future(channel).result(timeout=_START_SECONDS)
                except grpc.FutureTimeoutError:
                    raise TimeoutError(f"{address} does not answer.\n{service.logs()}") from None
        yield service


def _end_group(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
