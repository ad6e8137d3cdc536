"""Every rule of the backend: a package that keeps it passes, one that breaks it is refused.

The rules are those of a stock Kubeflow Pipelines backend; docs/kubeflow.md lists them with these
tests.
"""

import copy

import pytest

from pipeline.config.config import ConfigError
from pipeline.kubeflow.compile.backend_rules import check_package, find_violations


@pytest.fixture
def broken(documents):
    """The package, to be broken."""
    return copy.deepcopy(documents)


def said_of(documents) -> str:
    return " ".join(find_violations(documents))


def test_the_compiled_package_breaks_no_rule(documents):
    assert list(find_violations(documents)) == []


@pytest.mark.parametrize("version", ["2.0.0", None])
def test_another_schema_version_is_refused(broken, version):
    broken[0]["schemaVersion"] = version
    assert said_of(broken) == (
        f"The backend knows schema version 2.1.0 only, and this is {version}."
    )


def test_a_resolver_is_refused(broken):
    broken[0]["deploymentSpec"]["executors"]["exec-trainer"] = {"resolver": {}}
    assert said_of(broken) == ("exec-trainer is a Resolver, which the backend has not implemented.")


def test_a_driver_is_refused_because_it_would_never_run(broken):
    executor = broken[0]["deploymentSpec"]["executors"]["exec-spectrogram-example-gen"]
    executor["container"]["lifecycle"] = {"preCacheCheck": {"command": ["driver"]}}
    assert "has a driver, which the backend never runs" in said_of(broken)


def test_a_step_without_command_or_image_is_refused(broken):
    executors = broken[0]["deploymentSpec"]["executors"]
    del executors["exec-trainer"]["container"]["command"]
    del executors["exec-pusher"]["container"]["image"]
    assert said_of(broken) == (
        "exec-trainer has no command; the launcher does not run an image's own. "
        "exec-pusher has no image: give --image."
    )


@pytest.mark.parametrize("root", ["/mnt/artifacts", "hdfs://name/path", "minio://", ""])
def test_a_root_that_the_launcher_cannot_copy_to_is_refused(broken, root):
    broken[0]["defaultPipelineRoot"] = root
    assert f'The pipeline root "{root}" is not the address of a store' in said_of(broken)


def test_names_that_kubernetes_cannot_take_are_refused(broken):
    tasks = broken[0]["root"]["dag"]["tasks"]
    tasks["Report_1"] = tasks.pop("report")
    broken[0]["pipelineInfo"]["name"] = "Radio Signals"
    said = said_of(broken)
    assert 'The pipeline\'s name "Radio Signals" is not made of lower-case letters' in said
    assert 'The task "Report_1" has no name that Kubernetes can take.' in said


def test_what_points_nowhere_is_refused(broken):
    tasks = broken[0]["root"]["dag"]["tasks"]
    tasks["pusher"]["dependentTasks"].append("lost")
    tasks["pusher"]["inputs"]["artifacts"]["model"]["taskOutputArtifact"]["producerTask"] = "lost"
    tasks["trainer"]["inputs"]["parameters"]["run_epochs"]["componentInputParameter"] = "lost"
    tasks["report"]["componentRef"]["name"] = "comp-lost"
    said = said_of(broken)
    assert "The task pusher waits for lost, which is not there." in said
    assert "The input model of the task pusher is made by no task." in said
    assert "The parameter run_epochs of the task trainer is none of the pipeline's." in said
    assert "The task report is of a component that is not there." in said


def test_tasks_that_wait_for_each_other_are_refused(broken):
    broken[0]["root"]["dag"]["tasks"]["schema"]["dependentTasks"] = ["transform"]
    assert "These tasks wait for each other:" in said_of(broken)


def test_a_parameter_without_a_type_is_refused(broken):
    broken[0]["root"]["inputDefinitions"]["parameters"]["epochs"]["parameterType"] = "INT"
    assert said_of(broken) == "The parameter epochs has no type that the backend knows."


def test_settings_of_a_pod_that_is_not_there_are_refused(broken):
    executors = broken[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    executors["exec-lost"] = {}
    assert said_of(broken) == (
        "The platform specification has settings of exec-lost, which is not there."
    )


def test_a_package_too_large_for_an_object_of_kubernetes_is_refused(broken):
    broken[0]["pipelineInfo"]["description"] = "x" * 1_000_000
    assert "Kubernetes takes objects up to about 1,000,000" in said_of(broken)


def test_everything_that_is_wrong_is_said_at_once(broken):
    broken[0]["schemaVersion"] = "2.0.0"
    broken[0]["defaultPipelineRoot"] = "/tmp"
    with pytest.raises(ConfigError, match=r"refuse this package: The backend .* The pipeline root"):
        check_package(broken)
