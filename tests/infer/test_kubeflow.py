"""Kubeflow Pipelines runs the same inference, from a package of one step."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from pipeline.cli.main import cli
from pipeline.config.config import ConfigError
from tests.classify.conftest import greys  # noqa: F401 - a fixture
from tests.classify.test_images import ORDER, write_npy
from tests.end_to_end.support.pipeline_runs import COMMAND


def compile_package(folder: Path, *arguments: str, **changes: str) -> list[dict]:
    """Compile a package for data in a folder, and return its documents."""
    places = {"output": f"{folder}/classes", "model": f"{folder}/serving"} | changes
    options = [f"--{name}={value}" for name, value in places.items()]
    file = folder / "package.yaml"
    target = ["--image=radio-signals:1", "--root=minio://mlpipeline/v2/artifacts"]
    volume = f"--set=kubeflow.volumes={{{folder}: claim}}"
    command = ["compile-infer", str(file), f"{folder}/new", *options, *target, volume, *arguments]
    cli.main(command, standalone_mode=False)
    return list(yaml.safe_load_all(file.read_text()))


def find_container(package: list[dict]) -> dict:
    (executor,) = package[0]["deploymentSpec"]["executors"].values()
    return executor["container"]


def as_launcher(package: list[dict], **values: str) -> list[str]:
    """Return the command of the step, with the values of a run in the place of parameters."""
    parameters = package[0]["root"]["inputDefinitions"]["parameters"]
    values = {name: str(each["defaultValue"]) for name, each in parameters.items()} | values
    container = find_container(package)
    arguments = list(container["args"])
    for name, value in values.items():
        placeholder = f"{{{{$.inputs.parameters['{name}']}}}}"
        assert arguments.count(placeholder) == 1
        arguments[arguments.index(placeholder)] = value
    assert container["command"] == ["radio-signals"]
    return [COMMAND, *arguments]


@pytest.fixture
def volume(tmp_path, greys):  # noqa: F811 - the fixture
    """A volume with a pushed model and images to classify."""
    (tmp_path / "serving").symlink_to(greys / "serving")
    (tmp_path / "new").mkdir()
    write_npy(tmp_path / "new" / "a.npy")
    return tmp_path


@pytest.mark.slow
def test_the_step_classifies_its_input_and_a_later_run_replaces_the_answers(volume):
    package = compile_package(volume, "--threshold=0.99")
    subprocess.run(as_launcher(package), check=True, timeout=120)
    answers = pd.read_parquet(volume / "classes").sort_values("row")
    assert list(answers["class"]) == ORDER
    assert list(answers["uncertain"]) == list(answers["score"] < 0.99)

    subprocess.run(as_launcher(package, threshold="0"), check=True, timeout=120)
    assert not pd.read_parquet(volume / "classes")["uncertain"].any()


def test_the_step_has_the_settings_of_the_section_kubeflow(tmp_path):
    package = compile_package(
        tmp_path,
        "--set=kubeflow.resources.RunInference={cpu: 4, memory: 16}",
        "--set=kubeflow.secrets={TOKEN: other/token}",
        "--set=kubeflow.retries=3",
    )
    assert find_container(package)["resources"] == {
        "cpuLimit": 4,
        "cpuRequest": 4,
        "memoryLimit": 16,
        "memoryRequest": 16,
    }
    (task,) = package[0]["root"]["dag"]["tasks"].values()
    assert task["retryPolicy"]["maxRetryCount"] == 3
    assert task["cachingOptions"] == {}, "new input or a new model would go unnoticed"
    (pod,) = package[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values()
    assert pod["pvcMount"] == [{"constant": "claim", "mountPath": str(tmp_path)}]
    assert pod["secretAsEnv"] == [
        {"secretName": "other", "keyToEnv": [{"secretKey": "token", "envVar": "TOKEN"}]}
    ]


def test_a_run_can_set_five_parameters(tmp_path):
    parameters = compile_package(tmp_path)[0]["root"]["inputDefinitions"]["parameters"]
    assert {name: each["defaultValue"] for name, each in parameters.items()} == {
        "input": f"{tmp_path}/new",
        "output": f"{tmp_path}/classes",
        "model": f"{tmp_path}/serving",
        "threshold": 0.8,
        "max_bad_rows": 0,
    }


def test_a_model_in_the_installations_own_store_brings_its_keys(tmp_path):
    package = compile_package(tmp_path, model="minio://mlpipeline/radio/serving")
    (pod,) = package[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values()
    (secret,) = pod["secretAsEnv"]
    assert secret["secretName"] == "mlpipeline-minio-artifact"


def test_a_folder_that_no_volume_holds_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="--output: /elsewhere is not in a mounted volume"):
        compile_package(tmp_path, output="/elsewhere")
    assert not (tmp_path / "package.yaml").exists()


def test_the_help_says_how_to_schedule_it():
    text = CliRunner().invoke(cli, ["compile-infer", "--help"]).output
    assert 'radio-signals submit nightly.yaml --host URL --cron "0 6 * * *"' in text
