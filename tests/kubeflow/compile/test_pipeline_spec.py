"""What the compiled package says: steps, parameters, resources, pods."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp.components import load_component_from_text
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.cli.main import cli
from pipeline.config.config import ConfigError
from tests.graph import NODES
from tests.kubeflow.compile_command import EVERYTHING, compile_arguments, compile_package

# Which steps each parameter of a run is handed to.
MATTERS_TO = {
    "data": {"spectrogram-example-gen", "report"},
    "model": {"transform", "trainer", "report"},
    "epochs": {"trainer", "report"},
    "learning_rate": {"trainer", "report"},
    "accuracy_threshold": {"evaluator", "report"},
}


@pytest.fixture
def spec(documents) -> dict:
    return documents[0]


@pytest.fixture
def tasks(spec) -> dict:
    return spec["root"]["dag"]["tasks"]


def container(spec, name) -> dict:
    return spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"]


def test_kfps_own_reader_takes_it(package, spec):
    loaded = load_component_from_text(package.read_text())
    assert loaded.name == "radio-signals"
    # Every field is one of the specification.
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())


def test_every_node_of_the_graph_is_a_step_in_the_graphs_order(tasks):
    assert {task["taskInfo"]["name"] for task in tasks.values()} == NODES
    seen = set()
    for name, task in tasks.items():
        assert set(task.get("dependentTasks", ())) <= seen
        seen.add(name)


def test_a_reader_finds_name_purpose_and_parameters_first(package):
    first_page = package.read_text().splitlines()[:12]
    assert first_page[:2] == ["# PIPELINE DEFINITION", "# Name: radio-signals"]
    assert first_page[2].startswith("# Description: Classifies radio-signal spectrograms")
    assert any(line.startswith("#    epochs = 5  Passes over") for line in first_page)


def test_a_run_can_set_five_parameters_that_have_defaults_and_descriptions(spec):
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: of["defaultValue"] for name, of in parameters.items()} == {
        "data": "/mnt/radio/data",
        "model": "compact",
        "epochs": 5,
        "learning_rate": 0.0,
        "accuracy_threshold": 0.9,
    }
    assert {name: of["parameterType"] for name, of in parameters.items()} == {
        "data": "STRING",
        "model": "STRING",
        "epochs": "NUMBER_INTEGER",
        "learning_rate": "NUMBER_DOUBLE",
        "accuracy_threshold": "NUMBER_DOUBLE",
    }
    assert all(len(of["description"]) > 20 for of in parameters.values())


@pytest.mark.parametrize("name", MATTERS_TO)
def test_a_parameter_goes_to_the_steps_that_it_matters_to_and_no_others(tasks, name):
    taken_by = {
        step
        for step, task in tasks.items()
        for parameter in task["inputs"].get("parameters", {}).values()
        if parameter.get("componentInputParameter") == name
    }
    assert taken_by == MATTERS_TO[name]


def test_steps_that_read_what_no_cache_looks_at_are_never_cached(tasks):
    cached = {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert set(tasks) - cached == {"spectrogram-example-gen", "baseline-model"}


def test_failed_steps_are_tried_again_with_growing_pauses(tasks):
    for task in tasks.values():
        assert task["retryPolicy"] == {
            "maxRetryCount": 3,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }


def test_resources_are_of_the_step_or_else_the_default(spec):
    assert container(spec, "trainer")["resources"] == {
        "cpuLimit": 4,
        "cpuRequest": 4,
        "memoryLimit": 16,
        "memoryRequest": 16,
        "accelerator": {"type": "nvidia.com/gpu", "count": "1"},
    }
    assert container(spec, "evaluator")["resources"] == {
        "cpuLimit": 2,
        "cpuRequest": 2,
        "memoryLimit": 8,
        "memoryRequest": 8,
    }


def test_every_step_runs_our_entry_point_in_the_image(spec, tasks):
    for name, task in tasks.items():
        of_step = container(spec, name)
        assert of_step["image"] == "registry.example/radio-signals:1"
        assert of_step["command"] == ["python3", "-m", "pipeline.kubeflow.entrypoint"]
        assert of_step["args"][:2] == ["--radio_signals_step", task["taskInfo"]["name"]]
        assert of_step["env"] == [{"name": "TZ", "value": "UTC"}]


def test_pods_have_volumes_secrets_selectors_tolerations_and_pull_settings(documents, tasks):
    pods = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(pods) == {f"exec-{name}" for name in tasks}
    for pod in pods.values():
        assert pod == {
            "imagePullPolicy": "Always",
            "imagePullSecret": [{"secretName": "registry"}],
            "secretAsEnv": [
                {
                    "secretName": "store",
                    "keyToEnv": [
                        {"secretKey": "key", "envVar": "S3_KEY"},
                        {"secretKey": "secret", "envVar": "S3_SECRET"},
                    ],
                },
                {
                    "secretName": "other",
                    "keyToEnv": [{"secretKey": "token", "envVar": "TOKEN"}],
                },
            ],
            "pvcMount": [{"constant": "radio-claim", "mountPath": "/mnt/radio"}],
            "nodeSelector": {"labels": {"pool": "batch"}},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        }


def test_no_path_of_the_machine_that_compiled_is_in_it(package):
    text = package.read_text()
    for folder in (package.parent, Path(__file__).parents[3], sys.prefix):
        assert str(folder) not in text


def test_the_same_graph_gives_the_same_bytes(package, tmp_path):
    # A version of the pipeline is named after them.
    assert compile_package(tmp_path, *EVERYTHING).read_bytes() == package.read_bytes()


def test_models_and_history_outlive_the_run_beside_each_other(tasks):
    def constant(task, name):
        return tasks[task]["inputs"]["parameters"][name]["runtimeValue"]["constant"]

    destination = json.loads(constant("pusher", "push_destination"))
    assert destination["filesystem"]["base_directory"] == "/mnt/radio/serving"
    assert constant("baseline-model", "serving_dir") == "/mnt/radio/serving"
    history = constant("example-validator", "accepted_statistics_dir")
    assert history == "/mnt/radio/accepted_statistics"


OWN_KEYS = {
    "secretName": "mlpipeline-minio-artifact",
    "keyToEnv": [
        {"secretKey": "accesskey", "envVar": "AWS_ACCESS_KEY_ID"},
        {"secretKey": "secretkey", "envVar": "AWS_SECRET_ACCESS_KEY"},
    ],
}


@pytest.mark.parametrize(
    ("serving", "arguments", "secrets"),
    [
        ("minio://mlpipeline/radio/serving", (), [OWN_KEYS]),
        # Keys of one's own, or whatever the machines of a cloud are allowed.
        ("minio://mlpipeline/radio/serving", ("--set=kubeflow.env.AWS_ACCESS_KEY_ID=k",), None),
        ("s3://bucket/radio/serving", (), None),
    ],
)
def test_models_are_pushed_to_the_installations_store_with_its_own_keys(
    tmp_path, serving, arguments, secrets
):
    file = tmp_path / "pipeline.yaml"
    cli.main(compile_arguments(file, *arguments, serving=serving), standalone_mode=False)
    spec, platform = yaml.safe_load_all(file.read_text())
    assert (
        f'"base_directory": "{serving}"'
        in (
            spec["root"]["dag"]["tasks"]["pusher"]["inputs"]["parameters"]["push_destination"][
                "runtimeValue"
            ]["constant"]
        )
    )
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert [pod.get("secretAsEnv") for pod in pods.values()] == [secrets] * 10


@pytest.mark.parametrize(
    ("changes", "arguments", "said"),
    [
        (
            {"root": "/mnt/radio"},
            (),
            'The pipeline root "/mnt/radio" is not the address of a store',
        ),
        ({"serving": "/models"}, (), "--serving: /models is in no mounted volume (/mnt/radio)"),
        (
            {"serving": "hdfs://models/radio"},
            (),
            "--serving: of stores, those at gs://, minio://, s3:// can be opened",
        ),
        ({"serving": "gs://models"}, (), "--serving: gs://models names no folder in a bucket"),
        ({"serving": "minio:///x"}, (), "--serving: minio:///x names no folder in a bucket"),
        ({"data": "data"}, (), "data: data is in no mounted volume"),
        (
            {},
            ("--set=kubeflow.resources.Training={cpu: 2}",),
            'kubeflow.resources: there is no step "Training"; the steps are',
        ),
        ({}, ("--set=kubeflow.secrets={TOKEN: token}",), '"token" of TOKEN is not of the form'),
        ({}, ("--set=kubeflow.pul_policy=Never",), 'Did you mean "kubeflow.pull_policy"?'),
    ],
)
def test_what_could_not_run_is_refused_before_a_file_is_written(tmp_path, changes, arguments, said):
    # In this process, and not by the installed command: TFX takes seconds to load.
    with pytest.raises(ConfigError) as refused:
        cli.main(
            compile_arguments(tmp_path / "p.yaml", *arguments, **changes), standalone_mode=False
        )
    assert said in str(refused.value)
    assert list(tmp_path.iterdir()) == []
