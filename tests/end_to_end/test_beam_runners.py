"""The whole graph on other Beam runners, set only by `--beam-args`: the results are the same.

Everything is compared with the run on the direct runner in one process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.support.beam_job_service import Job, JobService, job_service
from tests.end_to_end.support.pipeline_runs import SMALL, Run, run_pipeline
from tests.end_to_end.support.same_results import (
    assert_same_metrics,
    assert_same_records,
    assert_same_statistics,
    assert_same_weights,
    log_of,
)
from tests.graph import NODES

pytestmark = pytest.mark.long

MULTI_PROCESS = "--runner=FnApiRunner --direct_running_mode=multi_processing --direct_num_workers=2"

# SpectrogramExampleGen, StatisticsGen and Evaluator. Transform needs no pass over the data, because
# normalisation is per image, and builds its graph without Beam.
BEAM_STEPS = 3

TRAIN, VALIDATION = 480, 120


@dataclass(frozen=True)
class Elsewhere:
    """A finished run on another runner.

    Attributes:
      run: the run.
      workers: process ids of the Beam workers that ran meanwhile.
      jobs: the jobs of the job service; empty without a service.
      logs: what to show if the run failed.
    """

    run: Run
    workers: set[int]
    jobs: list[Job]
    logs: str


@contextlib.contextmanager
def beam_workers() -> Iterator[set[int]]:
    """Collect the ids of processes below this one that are Beam workers."""
    seen: set[int] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            workers = {pid for pid in _processes() if _is_beam_worker(pid)}
            # What a worker starts looks like the worker itself for a moment.
            seen.update(pid for pid in workers if _parent(pid) not in workers and _is_ours(pid))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def _processes() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _is_beam_worker(pid: int) -> bool:
    with contextlib.suppress(OSError):
        program, *arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        return "python" in os.path.basename(program) and any(
            "apache_beam.runners.worker.sdk_worker" in argument for argument in arguments
        )
    return False


def _is_ours(pid: int) -> bool:
    while pid > 1:
        if pid == os.getpid():
            return True
        pid = _parent(pid)
    return False


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        # "pid (name) state parent ...", where the name may hold anything.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[JobService]:
    with job_service(tmp_path_factory.mktemp("job_service")) as service:
        yield service


@pytest.fixture(scope="module")
def in_processes(small_data, tmp_path_factory) -> Elsewhere:
    """The run on the direct runner with two worker processes."""
    output = tmp_path_factory.mktemp("multi_process") / "runs"
    with beam_workers() as workers:
        run = run_pipeline(small_data, output, *SMALL, f"--beam-args={MULTI_PROCESS}")
    return Elsewhere(run, workers, jobs=[], logs=log_of(run))


@pytest.fixture(scope="module")
def through_service(small_data, service, tmp_path_factory) -> Elsewhere:
    """The run through the job service."""
    output = tmp_path_factory.mktemp("portable") / "runs"
    with beam_workers() as workers:
        run = run_pipeline(small_data, output, *SMALL, f"--beam-args={service.beam_args}")
    return Elsewhere(run, workers, service.jobs(), f"{log_of(run)}\n{service.logs()}")


@pytest.fixture(scope="module", params=["in_processes", "through_service"])
def elsewhere(request) -> Elsewhere:
    finished = request.getfixturevalue(request.param)
    assert finished.run.status == 0, f"{finished.run.text}\n{finished.logs}"
    return finished


def test_every_step_runs_and_the_model_is_pushed(elsewhere):
    assert set(elsewhere.run.steps) == NODES
    assert elsewhere.run.metrics["cached"] == []
    assert "blessed and pushed" in elsewhere.run.text


def test_the_same_records_are_in_the_same_files(first_run, elsewhere):
    assert_same_records(elsewhere.run, first_run)


def test_the_statistics_are_the_same(first_run, elsewhere):
    assert_same_statistics(elsewhere.run, first_run, train=TRAIN, validation=VALIDATION)


def test_the_trained_weights_are_the_same(first_run, elsewhere):
    assert_same_weights(elsewhere.run, first_run)


def test_the_metrics_are_the_same(first_run, elsewhere):
    assert_same_metrics(elsewhere.run, first_run, validation=VALIDATION)


def test_each_beam_step_of_the_direct_runner_has_two_worker_processes(in_processes):
    assert len(in_processes.workers) == 2 * BEAM_STEPS


def test_each_beam_step_is_a_job_with_a_worker_from_the_pool(service, through_service):
    assert [job.state for job in through_service.jobs] == ["DONE"] * BEAM_STEPS
    for job in through_service.jobs:
        ((urn, payload),) = job.environments
        assert urn == "beam:env:external:v1"
        assert service.pool.encode() in payload
    assert len(through_service.workers) == BEAM_STEPS


def test_the_workers_of_the_service_saw_every_record(through_service):
    _, statistics_gen, evaluator = (job.counters for job in through_service.jobs)
    assert statistics_gen["tfx.DataValidation", "num_instances"] == TRAIN + VALIDATION
    assert evaluator["tfx.ModelAnalysis", "evaluate_num_instances"] == VALIDATION


@pytest.mark.parametrize("runner", ["multi_process", "service"])
def test_a_bad_cell_that_a_worker_finds_is_reported_as_usual(runner, small_data, request, tmp_path):
    shutil.copytree(small_data, tmp_path / "data")
    images = tmp_path / "data" / "validation" / "images.csv"
    lines = images.read_bytes().splitlines(keepends=True)
    cells = lines[36].split(b",")
    cells[11] = b"oops"
    lines[36] = b",".join(cells)
    images.write_bytes(b"".join(lines))
    service = request.getfixturevalue("service") if runner == "service" else None
    beam_args = service.beam_args if service else MULTI_PROCESS
    refused = run_pipeline(tmp_path / "data", tmp_path / "runs", f"--beam-args={beam_args}")
    assert refused.status == 2, f"{refused.text}\n{service.logs() if service else ''}"
    assert f'Error: {images}, row 37, column 12: "oops" is not a number.\n' in refused.text
    assert "Trainer" not in refused.text
