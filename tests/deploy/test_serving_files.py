"""The files of deploy/serving are what TensorFlow Serving, Kubernetes and KServe expect."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from pipeline.config.config import Config

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy" / "serving"
PAGE = (ROOT / "docs" / "deployment.md").read_text()


def load(name: str) -> dict[str, dict]:
    """Return the objects of a manifest by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all((DEPLOY / name).read_text())}


def read_models(text: str):
    (model,) = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    return model


@pytest.fixture
def pod() -> dict:
    return load("deployment.yaml")["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture
def predictor() -> dict:
    return load("inference-service.yaml")["InferenceService"]["spec"]["predictor"]


def test_the_newest_two_versions_are_loaded():
    model = read_models((DEPLOY / "models.config").read_text())
    assert (model.name, model.model_platform) == ("radio-signals", "tensorflow")
    assert model.model_version_policy.latest.num_versions == 2


def test_stable_and_canary_are_labels_of_two_loaded_versions():
    model = read_models((DEPLOY / "models-canary.config").read_text())
    stable, canary = model.model_version_policy.specific.versions
    assert dict(model.version_labels) == {"stable": stable, "canary": canary}


def test_requests_are_put_together_within_limits():
    # The package of TensorFlow Serving's interfaces has no message for this file.
    text = (DEPLOY / "batching.config").read_text()
    assert dict(re.findall(r"^(\w+) \{ value: (\d+) \}$", text, re.MULTILINE)) == {
        "max_batch_size": "128",
        "batch_timeout_micros": "2000",
        "num_batch_threads": "2",
        "max_enqueued_batches": "64",
    }


def test_prometheus_reads_the_path_that_the_pod_announces():
    metadata = load("deployment.yaml")["Deployment"]["spec"]["template"]["metadata"]
    (path,) = re.findall(r'path: "(.+)"', (DEPLOY / "monitoring.config").read_text())
    assert metadata["annotations"]["prometheus.io/path"] == path


def test_the_pod_reads_each_configuration_file_and_the_models(pod):
    (container,) = pod["containers"]
    flags = dict(argument.removeprefix("--").split("=") for argument in container["args"])
    (generated,) = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["configMapGenerator"]
    sources = dict((entry.split("=") * 2)[:2] for entry in generated["files"])
    assert all((DEPLOY / source).is_file() for source in sources.values())
    assert {value for value in flags.values() if value.startswith("/etc/")} == {
        f"/etc/serving/{name}" for name in sources
    }
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes["configuration"]["configMap"]["name"] == generated["name"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    base_path = read_models((DEPLOY / "models.config").read_text()).base_path
    assert mounts[base_path] == {
        "name": "models",
        "mountPath": base_path,
        "subPath": "serving",
        "readOnly": True,
    }


def test_the_service_and_the_probes_use_the_ports_of_the_server(pod):
    (container,) = pod["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert f"--port={ports['grpc']}" in container["args"]
    assert f"--rest_api_port={ports['rest']}" in container["args"]
    objects = load("deployment.yaml")
    assert {port["targetPort"] for port in objects["Service"]["spec"]["ports"]} == set(ports)
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert objects["Service"]["spec"]["selector"] == labels
    assert objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def test_the_models_are_on_the_volume_to_which_the_pipeline_pushes(pod):
    (claim,) = (v["persistentVolumeClaim"] for v in pod["volumes"] if "persistentVolumeClaim" in v)
    volume = yaml.safe_load((ROOT / "deploy" / "kubeflow" / "volume.yaml").read_text())
    assert claim == {"claimName": volume["metadata"]["name"], "readOnly": True}


def test_the_predictor_serves_the_version_that_it_names(predictor, tmp_path):
    (container,) = predictor["containers"]
    server = tmp_path / "tensorflow_model_server"
    server.write_text('#!/bin/sh\necho "$@"\n')
    server.chmod(0o755)
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    finished = subprocess.run(
        [*container["command"], *container["args"]],
        env={**os.environ, **variables, "TMPDIR": str(tmp_path), "PATH": f"{tmp_path}:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    config = tmp_path / "models.config"
    assert f"--model_config_file={config}" in finished.stdout.split()
    (port,) = container["ports"]
    assert f"--rest_api_port={port['containerPort']}" in finished.stdout.split()
    model = read_models(config.read_text())
    assert model.base_path == "/mnt/models", "KServe copies the content of STORAGE_URI there"
    assert list(model.model_version_policy.specific.versions) == [int(variables["VERSION"])]


def test_the_predictor_has_the_account_with_the_keys_of_the_store(predictor):
    objects = load("store-account.yaml")
    account = objects["ServiceAccount"]
    assert predictor["serviceAccountName"] == account["metadata"]["name"]
    assert account["secrets"] == [{"name": objects["Secret"]["metadata"]["name"]}]
    assert set(objects["Secret"]["stringData"]) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}


def test_the_commands_of_the_page_change_what_they_name(predictor):
    pointers = re.findall(r'"path": "(/spec/[^"]+)"', PAGE)
    assert pointers
    service = load("inference-service.yaml")["InferenceService"]
    for pointer in pointers:
        value = service
        *parents, last = pointer.strip("/").split("/")
        for key in parents:
            value = value[int(key)] if isinstance(value, list) else value[key]
        assert last == "canaryTrafficPercent" or last in value, pointer
    assert predictor["containers"][0]["env"][1]["name"] == "VERSION"


@pytest.mark.parametrize("pods", ["pod", "predictor"])
def test_pods_have_no_rights_that_they_do_not_use(pods, request):
    spec = request.getfixturevalue(pods)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}


def test_the_same_release_of_the_server_is_named_everywhere():
    releases = {
        release
        for file in [*DEPLOY.glob("*.yaml"), ROOT / "deploy/kubeflow/inference-service.yaml"]
        for release in re.findall(r"image: (tensorflow/serving\S+)", file.read_text())
    }
    (release,) = releases
    assert release in PAGE
    assert (
        release
        in Config.model_fields["serving_check"].annotation.model_fields["server_image"].description
    )


def test_the_page_names_every_file():
    for file in DEPLOY.rglob("*.*"):
        assert file.name in PAGE, file
