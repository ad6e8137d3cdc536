"""Packages that break a rule of Kubeflow's backend are refused; docs/kubeflow.md has the rules."""

import copy

import pytest

from pipeline.config.config import ConfigError
from pipeline.kubeflow.compile.backend_rules import check_package, find_violations


@pytest.fixture
def changed(documents):
    """A copy of the package for a test to change."""
    return copy.deepcopy(documents)


def violations(documents) -> str:
    return " ".join(find_violations(documents))


def test_the_compiled_package_breaks_no_rule(documents):
    assert list(find_violations(documents)) == []


@pytest.mark.parametrize("version", ["2.0.0", None])
def test_another_schema_version_is_refused(changed, version):
    changed[0]["schemaVersion"] = version
    assert violations(changed) == (
        f"The backend supports only schema version 2.1.0, but this is {version}."
    )


def test_a_resolver_is_refused(changed):
    changed[0]["deploymentSpec"]["executors"]["exec-trainer"] = {"resolver": {}}
    assert violations(changed) == (
        "exec-trainer is a Resolver, which the backend has not implemented."
    )


def test_a_driver_is_refused_because_it_would_never_run(changed):
    executor = changed[0]["deploymentSpec"]["executors"]["exec-spectrogram-example-gen"]
    executor["container"]["lifecycle"] = {"preCacheCheck": {"command": ["driver"]}}
    assert "has a driver, which the backend never runs" in violations(changed)


def test_a_step_without_command_or_image_is_refused(changed):
    executors = changed[0]["deploymentSpec"]["executors"]
    del executors["exec-trainer"]["container"]["command"]
    del executors["exec-pusher"]["container"]["image"]
    assert violations(changed) == (
        "exec-trainer has no command; the launcher does not run an image's own. "
        "exec-pusher has no image: give --image."
    )


@pytest.mark.parametrize("root", ["/mnt/artifacts", "hdfs://name/path", "minio://", ""])
def test_a_root_that_the_launcher_cannot_copy_to_is_refused(changed, root):
    changed[0]["defaultPipelineRoot"] = root
    assert f'The pipeline root "{root}" is not the address of a store' in violations(changed)


def test_names_that_kubernetes_does_not_accept_are_refused(changed):
    tasks = changed[0]["root"]["dag"]["tasks"]
    tasks["Report_1"] = tasks.pop("report")
    changed[0]["pipelineInfo"]["name"] = "Radio Signals"
    sentences = violations(changed)
    assert 'name "Radio Signals" must consist of at most 128 lower-case letters' in sentences
    assert 'The task "Report_1" has a name that Kubernetes does not allow.' in sentences


def test_references_to_nothing_are_refused(changed):
    tasks = changed[0]["root"]["dag"]["tasks"]
    tasks["pusher"]["dependentTasks"].append("lost")
    tasks["pusher"]["inputs"]["artifacts"]["model"]["taskOutputArtifact"]["producerTask"] = "lost"
    tasks["trainer"]["inputs"]["parameters"]["run_epochs"]["componentInputParameter"] = "lost"
    tasks["report"]["componentRef"]["name"] = "comp-lost"
    sentences = violations(changed)
    assert "The task pusher waits for lost, which does not exist." in sentences
    assert "No task produces the input model of the task pusher." in sentences
    assert "The pipeline does not have the parameter run_epochs of the task trainer." in sentences
    assert "The task report has a component that does not exist." in sentences


def test_tasks_that_wait_for_each_other_are_refused(changed):
    changed[0]["root"]["dag"]["tasks"]["schema"]["dependentTasks"] = ["transform"]
    assert "These tasks wait for each other:" in violations(changed)


def test_a_parameter_without_a_type_is_refused(changed):
    changed[0]["root"]["inputDefinitions"]["parameters"]["epochs"]["parameterType"] = "INT"
    assert violations(changed) == "The parameter epochs has no type that the backend knows."


def test_settings_for_a_pod_that_does_not_exist_are_refused(changed):
    executors = changed[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["exec-lost"] = {}
    assert violations(changed) == (
        "The platform specification has settings for exec-lost, which does not exist."
    )


def test_a_package_too_large_for_kubernetes_is_refused(changed):
    changed[0]["pipelineInfo"]["description"] = "x" * 1_000_000
    assert "stores a run, package included, only up to about 1,000,000" in violations(changed)


def test_all_violations_are_reported_at_once(changed):
    changed[0]["schemaVersion"] = "2.0.0"
    changed[0]["defaultPipelineRoot"] = "/tmp"
    with pytest.raises(ConfigError, match=r"refuse this package: The backend .* The pipeline root"):
        check_package(changed)
