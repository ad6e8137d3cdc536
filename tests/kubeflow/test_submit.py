"""`radio-signals submit` against the API of Kubeflow Pipelines on 127.0.0.1."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pipeline import cli
from tests.kubeflow.api_server import ApiServer, Installation, task

COMMAND = Path(sys.executable).with_name("radio-signals")
STEPS = ("SpectrogramExampleGen", "Trainer", "Pusher")
SPEC = {
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx-1.16.0",
    "pipelineInfo": {"name": "radio-signals"},
    "deploymentSpec": {"executors": {}},
    "components": {step: {"executorLabel": step} for step in STEPS},
    "root": {
        "dag": {
            "tasks": {
                step: {
                    "taskInfo": {"name": step},
                    "componentRef": {"name": step},
                    "cachingOptions": {"enableCache": True},
                }
                for step in STEPS
            }
        },
        "inputDefinitions": {
            "parameters": {
                "data": {"parameterType": "STRING", "defaultValue": "gs://bucket/data"},
                "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 12},
                "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.001},
                "warm_start": {"parameterType": "BOOLEAN", "defaultValue": False},
                "classes": {"parameterType": "LIST", "defaultValue": ["noise"]},
                "schedule": {"parameterType": "STRUCT", "defaultValue": {}},
            }
        },
    },
}
PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {}}}}}


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch, tmp_path):
    for name in os.environ:
        if name.startswith(("KF_PIPELINES_", "KUBERNETES_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("pipeline.kubeflow.status._FIRST_PAUSE", 0.01)


@pytest.fixture
def installation():
    with ApiServer(Installation()) as one:
        yield one


@pytest.fixture
def package(tmp_path):
    return write_package(tmp_path)


@pytest.fixture
def submit(monkeypatch, capsys):
    """Runs the command in this process; returns exit status, output and error output."""

    def run(*arguments):
        command = ["radio-signals", "submit", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        return ended.value.code, shown.out, shown.err

    return run


def write_package(folder, *more, **changes):
    file = folder / "package.yaml"
    file.write_text(yaml.safe_dump_all([{**SPEC, **changes}, *more], sort_keys=False))
    return file


def with_required(folder, name):
    root = json.loads(json.dumps(SPEC["root"]))
    del root["inputDefinitions"]["parameters"][name]["defaultValue"]
    return write_package(folder, root=root)


# What is uploaded


def test_the_first_submission_creates_the_pipeline_and_runs_its_version(
    submit, installation, package
):
    status, out, err = submit(package, "--host", installation.url, "--run-name", "first")
    assert (status, err) == (0, "")
    (pipeline,) = installation.pipelines
    (version,) = installation.versions
    (experiment,) = installation.experiments
    (run,) = installation.runs
    assert pipeline["display_name"] == "radio-signals"
    assert re.fullmatch(r"[0-9a-f]{12}", version["display_name"])
    assert version["pipeline_spec"] == SPEC
    assert experiment["display_name"] == "Default"
    assert run["pipeline_version_reference"] == {
        "pipeline_id": pipeline["pipeline_id"],
        "pipeline_version_id": version["pipeline_version_id"],
    }
    assert run["experiment_id"] == experiment["experiment_id"]
    assert run["display_name"] == "first"
    assert run["runtime_config"] == {"parameters": {}}
    assert out.splitlines() == [
        f"pipeline   radio-signals, version {version['display_name']}, uploaded",
        f"run        first, id {run['run_id']}",
        f"page       {installation.url}/#/runs/details/{run['run_id']}",
        "succeeded",
    ]


def test_the_same_package_is_not_uploaded_twice_and_another_is_another_version(
    submit, installation, tmp_path
):
    first = write_package(tmp_path)
    assert submit(first, "--host", installation.url)[0] == 0
    status, out, _ = submit(first, "--host", installation.url)
    assert status == 0
    assert "there already" in out
    assert len(installation.versions) == 1
    other = write_package(tmp_path, sdkVersion="tfx-1.21.0")
    assert submit(other, "--host", installation.url)[0] == 0
    assert len(installation.pipelines) == 1
    assert len({version["display_name"] for version in installation.versions}) == 2
    last = installation.runs[-1]["pipeline_version_reference"]
    assert last["pipeline_version_id"] == installation.versions[1]["pipeline_version_id"]
    assert len(installation.experiments) == 1


def test_a_version_of_the_given_name_is_used_as_it_is(submit, installation, package):
    given = ("--host", installation.url, "--version", "v1", "--upload-only")
    assert submit(package, *given)[0] == 0
    status, out, _ = submit(package, *given)
    assert status == 0
    assert "version v1, there already" in out
    assert [version["display_name"] for version in installation.versions] == ["v1"]
    assert installation.runs == []


def test_a_version_that_somebody_uploads_at_the_same_moment_is_used(
    submit, installation, package, monkeypatch
):
    upload = Installation._upload_version

    def be_second(self, *arguments):
        upload(self, *arguments)
        return upload(self, *arguments)

    monkeypatch.setattr(Installation, "_upload_version", be_second)
    status, _, err = submit(package, "--host", installation.url)
    assert (status, err) == (0, "")
    (version,) = installation.versions
    reference = installation.runs[0]["pipeline_version_reference"]
    assert reference["pipeline_version_id"] == version["pipeline_version_id"]


def test_a_pipeline_of_the_name_that_is_not_listed_is_told(submit, installation, package):
    # Its display name has been changed since.
    installation.add_pipeline("radio-signals")["display_name"] = "another"
    status, _, err = submit(package, "--host", installation.url)
    assert status == 2
    assert "has one of that name already. It says: Already exist error: The name" in err


def test_a_pipeline_is_told_from_others(submit, installation, package):
    for number in range(5):
        installation.add_pipeline(f"radio-signals-{number}")
    assert submit(package, "--host", installation.url, "--no-wait")[0] == 0
    assert submit(package, "--host", installation.url, "--no-wait")[0] == 0
    assert len(installation.pipelines) == 6
    assert len(installation.versions) == 1


def test_the_platform_document_is_uploaded_with_the_pipeline(submit, installation, tmp_path):
    package = write_package(tmp_path, PLATFORM)
    assert submit(package, "--host", installation.url)[0] == 0
    assert installation.versions[0]["pipeline_spec"] == SPEC


def test_upload_only_names_the_page_of_the_version(submit, installation, package):
    status, out, _ = submit(
        package, "--host", installation.url, "--upload-only", "--pipeline-name", "trial"
    )
    assert status == 0
    assert installation.pipelines[0]["display_name"] == "trial"
    of = installation.versions[0]
    page = f"pipelines/details/{of['pipeline_id']}/version/{of['pipeline_version_id']}"
    assert f"page       {installation.url}/#/{page}\n" in out
    assert installation.experiments == []


def test_without_cache_every_task_of_another_version_has_it_off(submit, installation, package):
    given = ("--host", installation.url, "--version", "v1")
    assert submit(package, *given)[0] == 0
    assert submit(package, *given, "--no-cache")[0] == 0
    cached, uncached = installation.versions
    assert [cached["display_name"], uncached["display_name"]] == ["v1", "v1-no-cache"]
    tasks = uncached["pipeline_spec"]["root"]["dag"]["tasks"]
    assert [tasks[step]["cachingOptions"] for step in STEPS] == [{"enableCache": False}] * 3
    used = installation.runs[1]["pipeline_version_reference"]["pipeline_version_id"]
    assert used == uncached["pipeline_version_id"]


# What is run


def test_parameters_arrive_with_their_types_and_the_root_with_them(submit, installation, package):
    values = (
        "data=s3://bucket/a=b",
        "epochs=20",
        "rate=1e-2",
        "warm_start=true",
        'classes=["noise", "pulse"]',
        'schedule={"kind": "cosine"}',
    )
    options = [part for value in values for part in ("--param", value)]
    root = "minio://mlpipeline/v2/artifacts"
    status, _, err = submit(package, "--host", installation.url, "--root", root, *options)
    assert (status, err) == (0, "")
    assert installation.runs[0]["runtime_config"] == {
        "parameters": {
            "data": "s3://bucket/a=b",
            "epochs": 20,
            "rate": 0.01,
            "warm_start": True,
            "classes": ["noise", "pulse"],
            "schedule": {"kind": "cosine"},
        },
        "pipeline_root": root,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--param", "epoch=3"], 'There is no parameter "epoch". Did you mean "epochs"?'),
        (["--param", "epochs"], '--param epochs: write it as "name=value".'),
        (["--param", "epochs=3.5"], 'The parameter "epochs" is a whole number, not "3.5".'),
        (["--param", "rate=fast"], 'The parameter "rate" is a number, not "fast".'),
        (["--param", "rate=nan"], 'The parameter "rate" is a number, not "nan".'),
        (["--param", "warm_start=yes"], 'is true or false, not "yes".'),
        (["--param", "classes=noise"], 'The parameter "classes" is a list in JSON'),
        (["--param", "schedule=[1]"], 'The parameter "schedule" is an object in JSON'),
        (["--param", "epochs=3", "--param", "epochs=4"], '"epochs" is given twice.'),
        (["--root", "/data"], "--root /data is none of minio://, s3://, gs://"),
        (["--cron", "0 0 2 * * *"], 'Leave out the first, the seconds: "0 2 * * *".'),
        (["--cron", "daily"], '--cron "daily" has not five fields.'),
        (["--cron", "60 2 * * *"], "minute: 60 is not between 0 and 59."),
        (["--cron", "0 2 * * 7"], "day of the week: 7 is not between 0 and 6; Sunday is 0."),
        (["--cron", "0 2 * * mo"], '"mo" is not a number or one of sun, mon, tue'),
        (["--cron", "0 9-5 * * *"], 'hour: "9-5" runs backwards.'),
        (["--cron", "*/0 * * * *"], 'minute: the step "0" is not a whole number above 0.'),
        (["--replace"], "--replace is about a recurring run: add --cron."),
        (["--max-concurrency", "2"], "--max-concurrency is about a recurring run: add --cron."),
        (["--upload-only", "--cron", "0 2 * * *"], "so it does not go with --cron."),
    ],
)
def test_wrong_options_are_refused_before_anything_is_sent(
    submit, installation, package, options, message
):
    status, out, err = submit(package, "--host", installation.url, *options)
    assert (status, out) == (2, "")
    assert message in err
    assert installation.requests == []


def test_a_parameter_without_a_default_has_to_be_given(submit, installation, tmp_path):
    package = with_required(tmp_path, "data")
    status, _, err = submit(package, "--host", installation.url)
    assert status == 2
    assert "parameters without a default value: add --param data=..." in err
    assert installation.requests == []
    assert submit(package, "--host", installation.url, "--param", "data=gs://x")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.yaml", None, "absent.yaml does not exist. Make one with radio-signals compile."),
        ("package.json", "{}", "package.json has to end in .yaml or .yml."),
        ("a.yaml", "a: [1", "a.yaml, line 1: this is not YAML."),
        ("a.yaml", "epochs: 3\n", "a.yaml is not a package of Kubeflow Pipelines."),
        ("a.yaml", "pipelineSpec: {}\n", "a.yaml is a job for Vertex AI"),
        ("a.yaml", "kind: Workflow\n", "a.yaml is a package of Kubeflow Pipelines 1"),
        (
            "a.yaml",
            yaml.safe_dump({**SPEC, "schemaVersion": "2.0.0"}),
            "a.yaml has schema version 2.0.0, and Kubeflow Pipelines takes 2.1.0 only.",
        ),
    ],
)
def test_a_file_that_is_no_package_is_refused_before_anything_is_sent(
    submit, installation, tmp_path, name, content, message
):
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    status, out, err = submit(file, "--host", installation.url)
    assert (status, out) == (2, "")
    assert message in err
    assert installation.requests == []


# Recurring runs


def test_a_recurring_run_gets_its_cron_with_seconds(submit, installation, package):
    status, out, err = submit(
        package, "--host", installation.url, "--cron", "30 2 * * mon-fri", "--param", "epochs=5"
    )
    assert (status, err) == (0, "")
    (run,) = installation.recurring_runs
    assert run["trigger"]["cron_schedule"]["cron"] == "0 30 2 * * mon-fri"
    assert run["display_name"] == "radio-signals"
    assert run["max_concurrency"] == 1
    assert run["no_catchup"] is True
    assert run["mode"] == "ENABLE"
    assert run["runtime_config"]["parameters"] == {"epochs": 5}
    version = installation.versions[0]["pipeline_version_id"]
    assert run["pipeline_version_reference"]["pipeline_version_id"] == version
    assert f"{installation.url}/#/recurringrun/details/{run['recurring_run_id']}\n" in out
    assert installation.runs == []


def test_a_second_recurring_run_of_a_name_is_refused_unless_it_replaces_the_first(
    submit, installation, package
):
    nightly = (package, "--host", installation.url, "--cron", "0 2 * * *")
    assert submit(*nightly, "--max-concurrency", 3)[0] == 0
    (first,) = installation.recurring_runs
    assert first["max_concurrency"] == 3
    status, _, err = submit(*nightly)
    assert status == 2
    assert 'There is a recurring run called "radio-signals" already' in err
    assert installation.recurring_runs == [first]
    status, out, _ = submit(*nightly, "--replace")
    assert status == 0
    assert "in place of the one before" in out
    (second,) = installation.recurring_runs
    assert second["recurring_run_id"] != first["recurring_run_id"]
    assert submit(*nightly, "--run-name", "other")[0] == 0
    assert len(installation.recurring_runs) == 2


def test_all_recurring_runs_of_the_name_are_replaced_on_whichever_page_they_are(
    submit, installation, package
):
    nightly = (package, "--host", installation.url, "--cron", "0 2 * * *")
    assert submit(*nightly)[0] == 0
    (first,) = installation.recurring_runs
    # The user interface lets one make several of a name.
    others = [{**first, "recurring_run_id": f"id-{number}"} for number in range(4)]
    another = {**first, "recurring_run_id": "another", "display_name": "another"}
    installation.recurring_runs += [*others, another]
    assert len(installation.recurring_runs) > 2 * installation.page_size
    assert submit(*nightly, "--replace")[0] == 0
    assert installation.recurring_runs[0] == another
    assert [run["display_name"] for run in installation.recurring_runs[1:]] == ["radio-signals"]


# Following a run


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


# Who may, and where


def test_a_user_works_in_a_namespace_of_an_installation_below_a_path(submit, package):
    users = Installation(
        prefix="/pipeline", multi_user=True, token="secret", namespaces=("ada", "team")
    )
    with ApiServer(users) as installation:
        given = ("--host", f"{installation.url}/#/runs", "--namespace", "ada", "--token", "secret")
        status, _, err = submit(package, *given)
        assert (status, err) == (0, "")
        assert installation.pipelines[0]["namespace"] == "ada"
        assert installation.experiments[0]["namespace"] == "ada"
        assert installation.headers["authorization"] == "Bearer secret"
        # Found again there, and nowhere else.
        assert submit(package, *given)[0] == 0
        assert len(installation.pipelines) == len(installation.experiments) == 1
        assert submit(package, *given, "--namespace", "team")[0] == 0
        assert [p["namespace"] for p in installation.pipelines] == ["ada", "team"]


def test_an_installation_of_users_needs_a_namespace(submit, package):
    with ApiServer(Installation(multi_user=True, namespaces=("ada",))) as installation:
        status, _, err = submit(package, "--host", installation.url)
        assert status == 2
        assert "has many users, each with a namespace: add yours with --namespace." in err
        status, _, err = submit(package, "--host", installation.url, "--namespace", "bob")
        assert status == 1
        assert "does not allow this. It says: User 'ada' is not authorized in namespace bob." in err


def test_a_namespace_is_left_out_where_there_are_no_users(submit, installation, package):
    status, out, _ = submit(package, "--host", installation.url, "--namespace", "kubeflow")
    assert status == 0
    assert "has no users, so --namespace is not needed" in out
    assert installation.pipelines[0]["namespace"] == ""


def test_a_missing_and_a_wrong_token_are_told_apart(submit, package):
    with ApiServer(Installation(token="secret")) as installation:
        status, _, err = submit(package, "--host", installation.url)
        assert status == 1
        assert "does not accept requests without a token. It says: Unauthenticated" in err
        assert "Give a token with --token" in err
        status, _, err = submit(package, "--host", installation.url, "--token", "old")
        assert status == 1
        assert "does not accept the token." in err
        assert "secret" not in err and "old" not in err


def test_the_token_is_read_from_the_service_accounts_file(submit, package, monkeypatch, tmp_path):
    file = tmp_path / "token"
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(file))
    with ApiServer(Installation(token="secret")) as installation:
        monkeypatch.setenv("KF_PIPELINES_ENDPOINT", installation.url)
        status, _, err = submit(package)
        assert status == 2
        assert f"KF_PIPELINES_SA_TOKEN_PATH names {file}, which cannot be read." in err
        file.write_text("secret\n")
        assert submit(package)[0] == 0
        assert installation.headers["authorization"] == "Bearer secret"


def test_address_user_interface_and_experiment_are_read_from_kfps_variables(
    submit, installation, package, monkeypatch
):
    monkeypatch.setenv("KF_PIPELINES_ENDPOINT", installation.url)
    monkeypatch.setenv("KF_PIPELINES_UI_ENDPOINT", "https://ui.example/")
    monkeypatch.setenv("KF_PIPELINES_DEFAULT_EXPERIMENT_NAME", "nightly")
    status, out, _ = submit(package)
    assert status == 0
    run = installation.runs[0]
    assert f"page       https://ui.example/#/runs/details/{run['run_id']}\n" in out
    assert installation.experiments[0]["display_name"] == "nightly"


def test_in_a_pod_address_and_namespace_are_its_own(submit, package, monkeypatch, tmp_path):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    status, _, err = submit(package)
    assert status == 1
    assert "http://ml-pipeline.kubeflow.svc.cluster.local:8888 cannot be reached" in err
    mounted = tmp_path / "namespace"
    mounted.write_text("ada")
    monkeypatch.setattr("kfp.client.Client._NAMESPACE_PATH", str(mounted))
    with ApiServer(Installation(multi_user=True, namespaces=("ada",))) as installation:
        assert submit(package, "--host", installation.url)[0] == 0
    assert installation.experiments[0]["namespace"] == "ada"
    assert not (tmp_path / "home").exists()


def test_without_an_address_the_remedy_is_named(submit, package):
    status, _, err = submit(package)
    assert status == 2
    assert "add --host URL, or set KF_PIPELINES_ENDPOINT." in err


def test_an_address_that_forgets_the_path_is_told(submit, package):
    with ApiServer(Installation(prefix="/pipeline")) as installation:
        forgotten = installation.url.removesuffix("/pipeline")
        status, _, err = submit(package, "--host", forgotten)
    assert status == 1
    assert f"There is no API of Kubeflow Pipelines at {forgotten}." in err
    assert f"--host {forgotten}/pipeline" in err


def test_a_log_in_page_is_not_taken_for_an_answer(submit, package):
    with ApiServer(Installation(page_instead=200)) as installation:
        status, _, err = submit(package, "--host", installation.url)
    assert status == 1
    assert "answers with a page instead of data, perhaps to log in." in err


def test_an_address_where_nothing_listens_is_told_at_once(submit, package):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    status, out, err = submit(package, "--host", f"http://127.0.0.1:{port}")
    assert (status, out) == (1, "")
    assert err == (
        f"Error: http://127.0.0.1:{port} cannot be reached: nothing listens there. "
        "Check the address, and the network.\n"
    )
    status, _, err = submit(package, "--host", "http://kubeflow.invalid")
    assert status == 1
    assert "http://kubeflow.invalid cannot be reached: no such name is known." in err


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("ftp://x", "--host ftp://x begins neither with https:// nor with http://."),
        ("http://", "--host http:// is not an address such as"),
        ("http://a b", "--host http://a b is not an address such as"),
        ("http://localhost:99999", "--host http://localhost:99999 is not an address such as"),
    ],
)
def test_a_text_that_is_no_address_is_refused(submit, package, host, message):
    status, _, err = submit(package, "--host", host)
    assert status == 2
    assert message in err


def test_an_address_without_tls_is_told(submit, installation, package):
    # Without a scheme it is https, as with kfp.
    bare = installation.url.removeprefix("http://")
    status, _, err = submit(package, "--host", bare)
    assert status == 1
    assert f"https://{bare} does not speak TLS" in err
    assert f"Perhaps it is http://{bare}." in err


def test_a_private_authority_is_trusted_when_it_is_named(submit, package, tmp_path):
    certificate = tmp_path / "server.pem"
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {certificate} -out {tmp_path}/ca.pem",
        shell=True,
        check=True,
        capture_output=True,
    )
    with certificate.open("a") as both:
        both.write((tmp_path / "ca.pem").read_text())
    with ApiServer(Installation(), str(certificate)) as installation:
        status, _, err = submit(package, "--host", installation.url)
        assert status == 1
        assert "is not one that is trusted here." in err
        assert "--ca-cert FILE.pem" in err
        trusting = ("--host", installation.url, "--ca-cert", tmp_path / "ca.pem")
        assert submit(package, *trusting)[0] == 0
        assert len(installation.runs) == 1


def test_what_the_installation_refuses_is_told_in_its_words(
    submit, installation, package, monkeypatch
):
    monkeypatch.setattr("pipeline.kubeflow.compiled_package.SCHEMA_VERSION", "2.0.0")
    old = package.with_name("old.yaml")
    old.write_text(yaml.safe_dump({**SPEC, "schemaVersion": "2.0.0"}))
    status, _, err = submit(old, "--host", installation.url)
    assert status == 2
    assert (
        "It says: Invalid input error: KFP only supports schema version 2.1.0, but the pipeline "
        "specification has version 2.0.0." in err
    )


def test_an_installation_in_trouble_is_told(submit, installation, package):
    installation.failing = 1
    status, _, err = submit(package, "--host", installation.url)
    assert status == 1
    assert "is in trouble (status 503). It says: upstream connect error." in err


# The command


def test_the_help_loads_nothing_heavy():
    code = (
        "import sys; from pipeline.cli import cli; "
        "cli(['submit', '--help'], standalone_mode=False); "
        "sys.exit(bool({'kfp', 'kubernetes', 'tensorflow', 'tfx'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0
    assert "KF_PIPELINES_SA_TOKEN_PATH" in shown.stdout


def test_the_installed_command_keeps_the_terminal_and_the_home_clean(installation, package):
    home = Path(os.environ["HOME"])
    (home / ".config/kfp").mkdir(parents=True)
    # Of another installation, with a namespace that this one would refuse.
    left = home / ".config/kfp/context.json"
    left.write_text('{"namespace": "elsewhere"}')
    shown = subprocess.run(
        [COMMAND, "submit", package, "--host", installation.url],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    starts = [line.split()[0] for line in shown.stdout.splitlines()]
    assert starts == ["pipeline", "run", "page", "succeeded"]
    assert left.read_text() == '{"namespace": "elsewhere"}'
    assert [path for path in home.rglob("*") if path.is_file()] == [left]


def test_a_traceback_is_shown_with_debug_only(submit, installation, package):
    installation.failing = 1
    assert "Traceback" not in submit(package, "--host", installation.url)[2]
    installation.failing = 1
    assert "Traceback" in submit(package, "--host", installation.url, "--debug")[2]
