"""Beam's own portable job service and worker pool, as processes of their own.

They speak the protocol with which Beam hands work to Flink and Spark: the pipeline goes to a job
service, which starts workers wherever the environment says, here in a pool.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
from apache_beam.metrics.monitoring_infos import extract_counter_value
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from tests.background import (
    background,
    path_with_this_python,
    python_module,
    read_ends,
    wait_for_grpc,
)
from tests.ports import free_ports


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
        return read_ends(self.log_files)


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
        "job_service": python_module(
            "apache_beam.runners.portability.local_job_service_main",
            f"--port={service_port}",
            f"--staging_dir={folder / 'staged'}",
        ),
        "worker_pool": python_module(
            "apache_beam.runners.worker.worker_pool_main", f"--service_port={pool_port}"
        ),
    }
    logs = tuple(folder / f"{name}.log" for name in commands)
    service = JobService(f"localhost:{service_port}", f"localhost:{pool_port}", logs)
    with contextlib.ExitStack() as started:
        for command, log in zip(commands.values(), logs, strict=True):
            started.enter_context(background(command, log, PATH=path_with_this_python()))
        for address in (service.endpoint, service.pool):
            wait_for_grpc(address, logs)
        yield service
