"""What a submission uploads, and under which names."""

import re

from tests.kubeflow.fake_api_server import FakeApi
from tests.kubeflow.submit.packages import PLATFORM, SPEC, STEPS, write_package


def test_the_first_submission_creates_the_pipeline_and_runs_its_version(submit, api, package):
    status, out, err = submit(package, "--host", api.url, "--run-name", "first")
    assert (status, err) == (0, "")
    (pipeline,) = api.pipelines
    (version,) = api.versions
    (experiment,) = api.experiments
    (run,) = api.runs
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
        f"page       {api.url}/#/runs/details/{run['run_id']}",
        "succeeded",
    ]


def test_the_same_package_is_not_uploaded_twice_and_another_is_another_version(
    submit, api, tmp_path
):
    first = write_package(tmp_path)
    assert submit(first, "--host", api.url)[0] == 0
    status, out, _ = submit(first, "--host", api.url)
    assert status == 0
    assert "already there" in out
    assert len(api.versions) == 1
    other = write_package(tmp_path, sdkVersion="tfx-1.21.0")
    assert submit(other, "--host", api.url)[0] == 0
    assert len(api.pipelines) == 1
    assert len({version["display_name"] for version in api.versions}) == 2
    last = api.runs[-1]["pipeline_version_reference"]
    assert last["pipeline_version_id"] == api.versions[1]["pipeline_version_id"]
    assert len(api.experiments) == 1


def test_a_version_of_the_given_name_is_used_as_it_is(submit, api, package):
    options = ("--host", api.url, "--version", "v1", "--upload-only")
    assert submit(package, *options)[0] == 0
    status, out, _ = submit(package, *options)
    assert status == 0
    assert "version v1, already there" in out
    assert [version["display_name"] for version in api.versions] == ["v1"]
    assert api.runs == []


def test_a_version_that_is_uploaded_twice_at_the_same_moment_is_used(
    submit, api, package, monkeypatch
):
    upload = FakeApi.upload_version

    def upload_after_another(self, *arguments):
        upload(self, *arguments)
        return upload(self, *arguments)

    monkeypatch.setattr(FakeApi, "upload_version", upload_after_another)
    status, _, err = submit(package, "--host", api.url)
    assert (status, err) == (0, "")
    (version,) = api.versions
    reference = api.runs[0]["pipeline_version_reference"]
    assert reference["pipeline_version_id"] == version["pipeline_version_id"]


def test_a_name_that_is_taken_but_not_listed_is_reported(submit, api, package):
    # Somebody has changed its display name.
    api.add_pipeline("radio-signals")["display_name"] = "another"
    status, _, err = submit(package, "--host", api.url)
    assert status == 2
    assert "already has something of that name. It says: Already exist error: The name" in err


def test_a_pipeline_is_found_among_others(submit, api, package):
    for number in range(5):
        api.add_pipeline(f"radio-signals-{number}")
    assert submit(package, "--host", api.url, "--no-wait")[0] == 0
    assert submit(package, "--host", api.url, "--no-wait")[0] == 0
    assert len(api.pipelines) == 6
    assert len(api.versions) == 1


def test_the_platform_document_is_uploaded_with_the_pipeline(submit, api, tmp_path):
    package = write_package(tmp_path, PLATFORM)
    assert submit(package, "--host", api.url)[0] == 0
    assert api.versions[0]["pipeline_spec"] == SPEC


def test_upload_only_names_the_page_of_the_version(submit, api, package):
    status, out, _ = submit(package, "--host", api.url, "--upload-only", "--pipeline-name", "trial")
    assert status == 0
    assert api.pipelines[0]["display_name"] == "trial"
    (version,) = api.versions
    ids = version["pipeline_id"], version["pipeline_version_id"]
    assert "page       {}/#/pipelines/details/{}/version/{}\n".format(api.url, *ids) in out
    assert api.experiments == []


def test_without_cache_another_version_has_the_cache_off_in_every_task(submit, api, package):
    options = ("--host", api.url, "--version", "v1")
    assert submit(package, *options)[0] == 0
    assert submit(package, *options, "--no-cache")[0] == 0
    cached, uncached = api.versions
    assert [cached["display_name"], uncached["display_name"]] == ["v1", "v1-no-cache"]
    tasks = uncached["pipeline_spec"]["root"]["dag"]["tasks"]
    assert [tasks[step]["cachingOptions"] for step in STEPS] == [{"enableCache": False}] * 3
    used = api.runs[1]["pipeline_version_reference"]["pipeline_version_id"]
    assert used == uncached["pipeline_version_id"]
