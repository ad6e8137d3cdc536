"""The whole graph on a real Flink and on a real Spark, set only by `--beam-args`.

Everything is compared with the run on the direct runner in one process.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from data.simulation.dataset import simulate_dataset
from tests.background import read_ends
from tests.end_to_end.support.pipeline_runs import SMALL, Run, run_pipeline
from tests.end_to_end.support.same_results import assert_same_results, log_of
from tests.engines.cluster import WORKERS, Job, wait_until
from tests.engines.flink import Flink, flink
from tests.engines.spark import Spark, spark
from tests.graph import NODES

pytestmark = pytest.mark.engines

# SpectrogramExampleGen, StatisticsGen and Evaluator, each a job of the engine.
BEAM_STEPS = 3

TRAIN, VALIDATION = 480, 120


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "data"
    simulate_dataset(folder, train=TRAIN, validation=VALIDATION, workers=1)
    return folder


@pytest.fixture(scope="module")
def direct_run(data, tmp_path_factory) -> Run:
    run = run_pipeline(data, tmp_path_factory.mktemp("direct") / "runs", *SMALL)
    assert run.status == 0, run.text
    return run


@pytest.fixture(scope="module", params=[flink, spark], ids=["flink", "spark"])
def cluster(request, tmp_path_factory) -> Iterator[Flink | Spark]:
    with request.param(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def on_engine(cluster, data, tmp_path_factory) -> Run:
    output = tmp_path_factory.mktemp("on_engine") / "runs"
    run = run_pipeline(data, output, *SMALL, f"--beam-args={cluster.beam_args}")
    assert run.status == 0, f"{run.text}\n{log_of(run)}\n{read_ends(cluster.servers.logs)}"
    return run


def finished_jobs(cluster: Flink | Spark, first: int) -> list[Job]:
    """The jobs of a run that succeeded, whose first job has this number."""

    def ask() -> list[Job]:
        jobs = cluster.jobs(first)
        # The last report of Spark's history server may be from before the end.
        return jobs if [job.state for job in jobs] == ["FINISHED"] * BEAM_STEPS else []

    return wait_until(ask, "the engine's report of the last job")


def test_every_step_runs_and_the_model_is_pushed(on_engine):
    assert set(on_engine.steps) == NODES
    assert on_engine.metrics["cached"] == []
    assert "blessed and pushed" in on_engine.text


def test_the_results_are_those_of_the_direct_runner(on_engine, direct_run):
    assert_same_results(on_engine, direct_run, train=TRAIN, validation=VALIDATION)


def test_both_workers_of_the_engine_work_in_every_beam_step(on_engine, cluster):
    for job in finished_jobs(cluster, 0):
        assert set(job.work) == set(WORKERS)
        assert min(job.work.values()) > 0
        assert job.losses == []


def test_each_has_one_beam_worker_for_a_beam_step(on_engine, cluster):
    assert cluster.servers.count_beam_workers() == [BEAM_STEPS] * len(WORKERS)


def test_a_killed_worker_does_not_change_the_results(
    on_engine, cluster, data, direct_run, tmp_path
):
    victim, first = WORKERS[0], len(cluster.jobs())
    if isinstance(cluster, Flink):
        # It starts a job again. Once the worker has read records, a short job is nearly over.
        killed, runs, work = range(BEAM_STEPS), 1, 0
    else:
        # A job ends if the worker had results, and the next run must repeat it.
        killed, runs, work = [1], 2, 1
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run_until_success, cluster, data, tmp_path / "runs", runs)
        for step in killed:
            wait_until(
                lambda step=first + step: (
                    running.done()
                    or any(job.is_under_way(victim, work) for job in cluster.jobs(step))
                ),
                "a job to be under way",
            )
            cluster.servers.kill(victim)
            # In time for the next job.
            cluster.start_worker(victim)
            wait_until(
                lambda step=first + step: (
                    running.done() or cluster.jobs(step)[0].state == "FINISHED"
                ),
                "the job to end",
            )
        run = running.result()

    assert run.status == 0, f"{run.text}\n{log_of(run)}\n{read_ends(cluster.servers.logs)}"
    jobs = cluster.jobs(first)
    assert [step for step, job in enumerate(jobs) if job.losses] == list(killed)
    assert len(jobs) < BEAM_STEPS + runs
    assert_same_results(run, direct_run, train=TRAIN, validation=VALIDATION)


def run_until_success(cluster: Flink | Spark, data: Path, output: Path, most: int) -> Run:
    """Run the pipeline up to this many times, until a run succeeds."""
    for _ in range(most):
        run = run_pipeline(data, output, *SMALL, f"--beam-args={cluster.beam_args}")
        if run.status == 0:
            break
    return run
