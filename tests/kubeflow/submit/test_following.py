"""A run is followed to its end, whatever the end."""

import re
import signal
import subprocess

import pytest

from tests.kubeflow.api_server import Installation, task
from tests.kubeflow.submit.packages import COMMAND, STEPS


def test_each_change_of_a_task_is_a_line(submit, installation, package):
    read, train, push = STEPS
    installation.progress = [
        ("PENDING", [], {}),
        ("RUNNING", [task("root", "RUNNING"), task(read, "RUNNING")], {}),
        ("RUNNING", [task(read, "SUCCEEDED", 12), task(f"{read}-driver", "SUCCEEDED", 3)], {}),
        ("RUNNING", [task(read, "SUCCEEDED", 12), task(train, "RUNNING")], {}),
        (
            "SUCCEEDED",
            [task(read, "SUCCEEDED", 12), task(train, "SUCCEEDED", 50), task(push, "SKIPPED", 1)],
            {},
        ),
    ]
    status, out, err = submit(package, "--host", installation.url)
    assert (status, err) == (0, "")
    assert out.splitlines()[3:] == [
        "       SpectrogramExampleGen    running",
        "[ 1/3] SpectrogramExampleGen    succeeded     12.0 s",
        "       Trainer                  running",
        "[ 2/3] Trainer                  succeeded     50.0 s",
        "[ 3/3] Pusher                   skipped        1.0 s",
        "succeeded",
    ]


def test_a_failed_run_names_its_tasks_and_what_the_api_says_of_them(submit, installation, package):
    read, train, _ = STEPS
    installation.progress = [
        (
            "FAILED",
            [
                task("root", "FAILED", 30, child_tasks=[{"task_id": f"id-{train}"}]),
                task(read, "SUCCEEDED", 12),
                task(train, "FAILED", 20, child_tasks=[{"pod_name": "pod-7"}]),
                task(
                    "executor",
                    "FAILED",
                    20,
                    pod_name="pod-7",
                    error={"code": 13, "message": "OOMKilled:\n exit code 137."},
                ),
            ],
            {"error": {"code": 13, "message": "child 'pod-7' failed"}},
        )
    ]
    status, _, err = submit(package, "--host", installation.url)
    assert status == 1
    assert err.splitlines() == [
        "Error: The run failed at Trainer.",
        "  Trainer: OOMKilled: exit code 137",
        "  not run: Pusher",
    ]


def test_what_the_history_says_is_told_where_the_error_is_empty(submit, installation, package):
    history = [
        {"state": "RUNNING"},
        {"state": "FAILED", "error": {"code": 13, "message": "Unable to pull the image"}},
    ]
    installation.progress = [
        ("FAILED", [task(STEPS[1], "FAILED", 2, state_history=history)], {}),
    ]
    _, _, err = submit(package, "--host", installation.url)
    assert "  Trainer: Unable to pull the image\n" in err


@pytest.mark.parametrize(
    ("state", "details", "more", "message"),
    [
        ("FAILED", [task("Trainer", "FAILED", 2)], {}, "Trainer: the installation does not say"),
        (
            "FAILED",
            [task("root-driver", "FAILED", 2)],
            {"error": {"code": 3, "message": "resolver not implemented yet"}},
            "Error: The run failed.\n  resolver not implemented yet\n",
        ),
        ("CANCELED", [], {}, "Error: The run was canceled.\n"),
    ],
)
def test_other_ends_are_told_too(submit, installation, package, state, details, more, message):
    installation.progress = [(state, details, more)]
    status, _, err = submit(package, "--host", installation.url)
    assert status == 1
    assert message in err


def test_waiting_survives_an_installation_that_is_away_for_a_moment(
    submit, installation, package, monkeypatch
):
    look = Installation._look

    def fail_twice(self, run_id):
        if self.asked(f"GET /apis/v2beta1/runs/{run_id}") == 1:
            self.failing = 2
        return look(self, run_id)

    monkeypatch.setattr(Installation, "_look", fail_twice)
    installation.progress = [("RUNNING", [], {}), ("SUCCEEDED", [], {})]
    status, out, err = submit(package, "--host", installation.url)
    assert (status, err) == (0, "")
    run = installation.runs[0]["run_id"]
    assert installation.asked(f"GET /apis/v2beta1/runs/{run}") == 4
    assert out.endswith("succeeded\n")


def test_a_run_that_takes_longer_than_the_timeout_goes_on(submit, installation, package):
    installation.progress = [("RUNNING", [], {})]
    status, _, err = submit(package, "--host", installation.url, "--timeout", 0.1)
    assert status == 1
    assert "Error: The run has not ended within 0.1 s. It goes on" in err


def test_an_interrupted_wait_leaves_the_run_alone(installation, package):
    installation.progress = [("RUNNING", [task(STEPS[0], "RUNNING")], {})]
    with subprocess.Popen(
        [COMMAND, "submit", package, "--host", installation.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell starts in the background ignores Ctrl-C, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as waiting:
        try:
            # The change is there to be read at once, although nobody's terminal shows it.
            while "running" not in (line := waiting.stdout.readline()):
                assert line
            waiting.send_signal(signal.SIGINT)
            out, err = waiting.communicate(timeout=60)
        finally:
            waiting.kill()
    assert (waiting.returncode, err) == (130, "")
    assert out.splitlines()[-1].startswith("No longer watched; the run goes on.")
    assert all(request.split()[0] != "DELETE" for request, _ in installation.requests)


def test_without_waiting_the_run_is_not_asked_for(submit, installation, package):
    installation.progress = [("FAILED", [], {})]
    status, out, _ = submit(package, "--host", installation.url, "--no-wait")
    assert status == 0
    (run,) = installation.runs
    assert installation.asked(f"GET /apis/v2beta1/runs/{run['run_id']}") == 0
    assert re.search(r"run        radio-signals \d{4}-\d\d-\d\d \d\d-\d\d-\d\d, id", out)
