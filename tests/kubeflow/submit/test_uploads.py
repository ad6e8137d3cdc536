"""What `radio-signals submit` uploads, and under which name."""

import re

from tests.kubeflow.api_server import Installation
from tests.kubeflow.submit.packages import PLATFORM, SPEC, STEPS, write_package


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
