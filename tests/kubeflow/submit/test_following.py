"""How a run is followed to its end, and what is reported about it."""

import re
import signal
import subprocess

import pytest

from tests.kubeflow.fake_api_server import FakeApi, task, task_of_release_3
from tests.kubeflow.submit.packages import COMMAND, STEPS


def test_each_change_of_a_task_is_a_line(submit, api, package):
    read, train, push = STEPS
    api.progress = [
        ("PENDING", [], {}),
        ("RUNNING", [task("root", "RUNNING"), task(read, "RUNNING")], {}),
        (
            "RUNNING",
            [task(read, "SUCCEEDED", 12), task(f"{read}-driver", "SUCCEEDED", 3)],
            {},
        ),
        ("RUNNING", [task(read, "SUCCEEDED", 12), task(train, "RUNNING")], {}),
        (
            "SUCCEEDED",
            [
                task(read, "SUCCEEDED", 12),
                task(train, "SUCCEEDED", 50),
                task(push, "SKIPPED", 1),
            ],
            {},
        ),
    ]
    status, out, err = submit(package, "--host", api.url)
    assert (status, err) == (0, "")
    assert out.splitlines()[3:] == [
        "       SpectrogramExampleGen    running",
        "[ 1/3] SpectrogramExampleGen    succeeded     12.0 s",
        "       Trainer                  running",
        "[ 2/3] Trainer                  succeeded     50.0 s",
        "[ 3/3] Pusher                   skipped        1.0 s",
        "succeeded",
    ]


def test_a_failed_run_is_reported_with_its_tasks_and_their_errors(submit, api, package):
    read, train, _ = STEPS
    api.progress = [
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
    status, _, err = submit(package, "--host", api.url)
    assert status == 1
    assert err.splitlines() == [
        "Error: The run failed at Trainer.",
        "  Trainer: OOMKilled: exit code 137",
        "  not run: Pusher",
    ]


def test_the_tasks_of_release_3_are_read_page_by_page_from_their_own_address(submit, api, package):
    read, train, push = STEPS
    api.version, api.release, api.page_size = "v2", 3, 2
    root = task_of_release_3("root", "RUNNING", type="ROOT")
    api.progress = [
        ("PENDING", [], {}),
        ("RUNNING", [root, task_of_release_3(read, "RUNNING")], {}),
        (
            "RUNNING",
            [root, task_of_release_3(read, "CACHED", 3), task_of_release_3(train, "RUNNING")],
            {},
        ),
        (
            "SUCCEEDED",
            [
                root,
                task_of_release_3(read, "CACHED", 3),
                task_of_release_3(train, "SUCCEEDED", 50),
                task_of_release_3(push, "SKIPPED", 52),
            ],
            {},
        ),
    ]
    status, out, err = submit(package, "--host", api.url)
    assert (status, err) == (0, "")
    assert out.splitlines()[3:] == [
        "       SpectrogramExampleGen    running",
        "[ 1/3] SpectrogramExampleGen    cached         1.0 s",
        "       Trainer                  running",
        "[ 2/3] Trainer                  succeeded     48.0 s",
        "[ 3/3] Pusher                   skipped       50.0 s",
        "succeeded",
    ]


def test_a_failure_of_release_3_is_reported_with_the_message_of_its_task(submit, api, package):
    read, train, _ = STEPS
    api.version, api.release = "v2", 3
    message = "Error:  exit\ncode 137."
    api.progress = [
        (
            "FAILED",
            [
                task_of_release_3("root", "FAILED", 30, type="ROOT"),
                task_of_release_3(read, "SUCCEEDED", 12, parent_task_id="id-root"),
                task_of_release_3(train, "FAILED", 20, status_metadata={"message": message}),
            ],
            {},
        )
    ]
    status, _, err = submit(package, "--host", api.url)
    assert status == 1
    assert err.splitlines() == [
        "Error: The run failed at Trainer.",
        "  Trainer: Error: exit code 137",
        "  not run: Pusher",
    ]


def test_a_server_of_release_3_that_keeps_the_old_address_is_followed_too(submit, api, package):
    api.release = 3
    api.progress = [("SUCCEEDED", [task_of_release_3(STEPS[0], "SUCCEEDED", 7)], {})]
    status, out, _ = submit(package, "--host", api.url)
    assert status == 0
    assert "[ 1/3] SpectrogramExampleGen    succeeded      5.0 s" in out


def test_a_server_of_release_2_is_asked_for_its_tasks_only_once(submit, api, package):
    api.progress = [("PENDING", [], {}), ("PENDING", [], {}), ("SUCCEEDED", [], {})]
    status, _, _ = submit(package, "--host", api.url)
    assert status == 0
    (run,) = api.runs
    assert api.count_requests(f"GET /apis/v2beta1/runs/{run['run_id']}/tasks") == 1


def test_the_error_comes_from_the_history_if_the_task_has_none(submit, api, package):
    history = [
        {"state": "RUNNING"},
        {"state": "FAILED", "error": {"code": 13, "message": "Unable to pull the image"}},
    ]
    api.progress = [
        ("FAILED", [task(STEPS[1], "FAILED", 2, state_history=history)], {}),
    ]
    _, _, err = submit(package, "--host", api.url)
    assert "  Trainer: Unable to pull the image\n" in err


@pytest.mark.parametrize(
    ("state", "details", "more", "message"),
    [
        (
            "FAILED",
            [task("Trainer", "FAILED", 2)],
            {},
            "Trainer: the installation does not say",
        ),
        (
            "FAILED",
            [task("root-driver", "FAILED", 2)],
            {"error": {"code": 3, "message": "resolver not implemented yet"}},
            "Error: The run failed.\n  resolver not implemented yet\n",
        ),
        ("CANCELED", [], {}, "Error: The run was canceled.\n"),
    ],
)
def test_other_final_states_are_reported_too(submit, api, package, state, details, more, message):
    api.progress = [(state, details, more)]
    status, _, err = submit(package, "--host", api.url)
    assert status == 1
    assert message in err


def test_waiting_survives_an_outage_of_the_installation(submit, api, package, monkeypatch):
    read_run = FakeApi.read_run

    def fail_twice(self, run_id):
        if self.count_requests(f"GET /apis/v2beta1/runs/{run_id}") == 1:
            self.failing = 2
        return read_run(self, run_id)

    monkeypatch.setattr(FakeApi, "read_run", fail_twice)
    api.progress = [("RUNNING", [task("root", "RUNNING")], {}), ("SUCCEEDED", [], {})]
    status, out, err = submit(package, "--host", api.url)
    assert (status, err) == (0, "")
    run = api.runs[0]["run_id"]
    assert api.count_requests(f"GET /apis/v2beta1/runs/{run}") == 4
    assert out.endswith("succeeded\n")


def test_a_run_that_takes_longer_than_the_timeout_continues(submit, api, package):
    api.progress = [("RUNNING", [], {})]
    status, _, err = submit(package, "--host", api.url, "--timeout", 0.1)
    assert status == 1
    assert "Error: The run has not ended within 0.1 s. It continues;" in err


def test_an_interrupted_wait_does_not_end_the_run(api, package):
    api.progress = [("RUNNING", [task(STEPS[0], "RUNNING")], {})]
    with subprocess.Popen(
        [COMMAND, "submit", package, "--host", api.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore Ctrl-C, and so would their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - takes no lock
    ) as waiting:
        try:
            # Each line has to arrive at once, although the output is not a terminal.
            while "running" not in (line := waiting.stdout.readline()):
                assert line
            waiting.send_signal(signal.SIGINT)
            out, err = waiting.communicate(timeout=60)
        finally:
            waiting.kill()
    assert (waiting.returncode, err) == (130, "")
    assert out.splitlines()[-1].startswith("No longer followed; the run continues.")
    assert all(request.split()[0] != "DELETE" for request, _ in api.requests)


def test_without_waiting_the_run_is_not_queried(submit, api, package):
    api.progress = [("FAILED", [], {})]
    status, out, _ = submit(package, "--host", api.url, "--no-wait")
    assert status == 0
    (run,) = api.runs
    assert api.count_requests(f"GET /apis/v2beta1/runs/{run['run_id']}") == 0
    assert re.search(r"run        radio-signals \d{4}-\d\d-\d\d \d\d-\d\d-\d\d, id", out)
