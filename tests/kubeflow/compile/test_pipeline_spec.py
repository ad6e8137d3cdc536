"""What a compiled package contains: steps, parameters, resources and settings of pods."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp.components import load_component_from_text
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.config.config import ConfigError
from tests.graph import NODES
from tests.kubeflow.compile_command import EVERYTHING, compile_here, compile_package

# The steps that use each parameter of a run.
STEPS_BY_PARAMETER = {
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


def test_kfp_reads_the_package(package, spec):
    loaded = load_component_from_text(package.read_text())
    assert loaded.name == "radio-signals"
    # A field that the specification does not have is an error.
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())


def test_every_node_of_the_graph_is_a_step_in_the_same_order(tasks):
    assert {task["taskInfo"]["name"] for task in tasks.values()} == NODES
    seen = set()
    for name, task in tasks.items():
        assert set(task.get("dependentTasks", ())) <= seen
        seen.add(name)


def test_the_file_begins_with_name_description_and_parameters(package):
    first_page = package.read_text().splitlines()[:12]
    assert first_page[:2] == ["# PIPELINE DEFINITION", "# Name: radio-signals"]
    assert first_page[2].startswith("# Description: Classifies radio-signal spectrograms")
    assert any(line.startswith("#    epochs = 5  Passes over") for line in first_page)


def test_a_run_can_set_five_parameters_with_defaults_and_descriptions(spec):
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: parameter["defaultValue"] for name, parameter in parameters.items()} == {
        "data": "/mnt/radio/data",
        "model": "compact",
        "epochs": 5,
        "learning_rate": 0.0,
        "accuracy_threshold": 0.9,
    }
    assert {name: parameter["parameterType"] for name, parameter in parameters.items()} == {
        "data": "STRING",
        "model": "STRING",
        "epochs": "NUMBER_INTEGER",
        "learning_rate": "NUMBER_DOUBLE",
        "accuracy_threshold": "NUMBER_DOUBLE",
    }
    assert all(len(parameter["description"]) > 20 for parameter in parameters.values())


@pytest.mark.parametrize("name", STEPS_BY_PARAMETER)
def test_a_parameter_goes_only_to_the_steps_that_use_it(tasks, name):
    steps = {
        step
        for step, task in tasks.items()
        for parameter in task["inputs"].get("parameters", {}).values()
        if parameter.get("componentInputParameter") == name
    }
    assert steps == STEPS_BY_PARAMETER[name]


def test_steps_that_read_outside_the_pipeline_are_never_cached(tasks):
    cached = {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert set(tasks) - cached == {"spectrogram-example-gen", "baseline-model"}


def test_failed_steps_are_retried_with_growing_pauses(tasks):
    for task in tasks.values():
        assert task["retryPolicy"] == {
            "maxRetryCount": 3,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "600s",
        }


def test_a_step_has_its_own_resources_or_else_the_default(spec):
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
        step = container(spec, name)
        assert step["image"] == "registry.example/radio-signals:1"
        assert step["command"] == ["python3", "-m", "pipeline.kubeflow.entrypoint"]
        assert step["args"][:2] == ["--radio_signals_step", task["taskInfo"]["name"]]
        assert step["env"] == [{"name": "TZ", "value": "UTC"}]


MOUNT = {"constant": "radio-claim", "mountPath": "/mnt/radio"}
# They read the data, or what runs keep for later runs.
STEPS_WITH_STORE = ["example-validator", "trainer", "baseline-model", "pusher"]
STEPS_WITH_VOLUME = ["spectrogram-example-gen", *STEPS_WITH_STORE]


def test_pods_have_volumes_secrets_selectors_tolerations_and_pull_settings(documents, tasks):
    pods = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert set(pods) == {f"exec-{name}" for name in tasks}
    for name, pod in pods.items():
        mounts = pod.pop("pvcMount", [])
        assert mounts == ([MOUNT] if name.removeprefix("exec-") in STEPS_WITH_VOLUME else [])
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
            "nodeSelector": {"labels": {"pool": "batch"}},
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        }


def test_a_package_contains_no_path_of_this_machine(package):
    text = package.read_text()
    for folder in (package.parent, Path(__file__).parents[3], sys.prefix):
        assert str(folder) not in text


@pytest.mark.slow
def test_the_same_graph_gives_the_same_bytes_in_every_process(package, tmp_path):
    # A version of the pipeline is named after them. This process has made the package.
    file = compile_package(tmp_path, *EVERYTHING)
    assert file.read_bytes() == package.read_bytes()


def test_models_and_accepted_statistics_are_kept_beside_each_other(tasks):
    def constant(task, name):
        return tasks[task]["inputs"]["parameters"][name]["runtimeValue"]["constant"]

    destination = json.loads(constant("pusher", "push_destination"))
    assert destination["filesystem"]["base_directory"] == "/mnt/radio/serving"
    assert constant("baseline-model", "serving_dir") == "/mnt/radio/serving"
    statistics = constant("example-validator", "accepted_statistics_dir")
    assert statistics == "/mnt/radio/accepted_statistics"


DEFAULT_KEYS = {
    "secretName": "mlpipeline-minio-artifact",
    "keyToEnv": [
        {"secretKey": "accesskey", "envVar": "AWS_ACCESS_KEY_ID"},
        {"secretKey": "secretkey", "envVar": "AWS_SECRET_ACCESS_KEY"},
    ],
}


@pytest.mark.parametrize(
    ("serving", "arguments", "secrets"),
    [
        ("minio://mlpipeline/radio/serving", (), [DEFAULT_KEYS]),
        # Keys in the configuration, or the rights of the pod.
        (
            "minio://mlpipeline/radio/serving",
            ("--set=kubeflow.secrets={AWS_ACCESS_KEY_ID: own/key}",),
            [
                {
                    "secretName": "own",
                    "keyToEnv": [{"secretKey": "key", "envVar": "AWS_ACCESS_KEY_ID"}],
                }
            ],
        ),
        ("s3://bucket/radio/serving", (), None),
    ],
)
def test_models_are_pushed_to_the_installations_store_with_its_keys(
    tmp_path, serving, arguments, secrets
):
    file = compile_here(tmp_path / "pipeline.yaml", *arguments, serving=serving)
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
    # Data in a volume are read by one step. Only steps that open the store have its keys.
    with_volume = [name for name, pod in pods.items() if "pvcMount" in pod]
    assert with_volume == ["exec-spectrogram-example-gen"]
    for name, pod in pods.items():
        has_store = name.removeprefix("exec-") in STEPS_WITH_STORE
        assert pod.get("secretAsEnv") == (secrets if has_store else None)


def test_a_volume_that_an_environment_variable_names_and_other_secrets_reach_all_steps(tmp_path):
    arguments = (
        "--set=kubeflow.volumes={/mnt/radio: radio-claim, /mnt/scratch: scratch, /mnt/rad: none}",
        "--set=kubeflow.env.TMPDIR=/mnt/scratch/tmp",
        "--set=kubeflow.secrets={LICENCE: own/licence, AWS_ACCESS_KEY_ID: own/key}",
    )
    serving = "minio://mlpipeline/radio/serving"
    file = compile_here(tmp_path / "pipeline.yaml", *arguments, serving=serving)
    _, platform = yaml.safe_load_all(file.read_text())
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    access = {
        name: (
            [mount["mountPath"] for mount in pod["pvcMount"]],
            [key["envVar"] for key in pod["secretAsEnv"][0]["keyToEnv"]],
        )
        for name, pod in pods.items()
    }
    assert access["exec-evaluator"] == (["/mnt/scratch"], ["LICENCE"])
    assert access["exec-report"] == (["/mnt/scratch"], ["LICENCE"])
    assert access["exec-pusher"] == (["/mnt/scratch"], ["LICENCE", "AWS_ACCESS_KEY_ID"])
    assert access["exec-spectrogram-example-gen"][0] == ["/mnt/radio", "/mnt/scratch", "/mnt/rad"]


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        (
            {"root": "/mnt/radio"},
            (),
            'The pipeline root "/mnt/radio" is not the address of a store',
        ),
        ({"serving": "/models"}, (), "--serving: /models is not in a mounted volume (/mnt/radio)"),
        (
            {"serving": "hdfs://models/radio"},
            (),
            "--serving: hdfs://models/radio cannot be opened; only gs://, minio://, s3:// can.",
        ),
        (
            {"serving": "gs://models"},
            (),
            "--serving: gs://models does not name a folder in a bucket",
        ),
        ({"serving": "minio:///x"}, (), "--serving: minio:///x does not name a folder in a bucket"),
        ({"data": "data"}, (), "data: data is not in a mounted volume"),
        (
            {},
            ("--set=kubeflow.resources.Training={cpu: 2}",),
            'kubeflow.resources: there is no step "Training"; the steps are',
        ),
        (
            {},
            ("--set=kubeflow.secrets={TOKEN: token}",),
            "kubeflow.secrets: TOKEN does not name a Kubernetes secret and a key in it. "
            "Write TOKEN: SECRET/KEY, and not the secret itself.",
        ),
        (
            {},
            ("--set=beam.args=[--token=canary]",),
            "beam.args: --token=(hidden) holds a secret, and a compiled package contains these "
            "options in clear text. Leave it out, and give the steps an environment variable that "
            "Beam's clients read, with kubeflow.secrets, as in AWS_SECRET_ACCESS_KEY: SECRET/KEY.",
        ),
        (
            {},
            ("--set=serving_check.server_image=tensorflow/serving:2.20.0",),
            "serving_check.server_image: TFX's InfraValidator cannot run on Kubeflow Pipelines. "
            "Leave the key empty there; the model is still checked in a process with TensorFlow "
            "alone.",
        ),
        ({}, ("--set=kubeflow.pul_policy=Never",), 'Did you mean "kubeflow.pull_policy"?'),
    ],
)
def test_a_package_that_could_not_run_is_refused_before_a_file_is_written(
    tmp_path, changes, arguments, message
):
    with pytest.raises(ConfigError) as refusal:
        compile_here(tmp_path / "p.yaml", *arguments, **changes)
    assert message in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_the_entry_point_loads_no_compiler():
    # Every step loads it first.
    code = (
        "import sys, pipeline.kubeflow.entrypoint; "
        "sys.exit(bool({'kfp', 'tensorflow', 'tfx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
