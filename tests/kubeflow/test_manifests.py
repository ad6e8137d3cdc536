"""What is applied to a cluster by hand names what the package and the page name."""

from pathlib import Path

import pytest
import yaml

from pipeline.cli import cli
from pipeline.kubeflow import compilation
from tests.kubeflow.compiled import TARGETS

DEPLOY = Path(__file__).parents[2] / "deploy" / "kubeflow"
PAGE = (DEPLOY / "README.md").read_text()


def objects() -> dict[str, dict]:
    """The manifests' objects by kind."""
    return {
        manifest["kind"]: manifest
        for file in DEPLOY.glob("*.yaml")
        if file.name != "cluster.yaml"
        for manifest in yaml.safe_load_all(file.read_text())
    }


def test_every_file_is_named_on_the_page():
    for file in DEPLOY.glob("*.yaml"):
        assert file.name in PAGE


def test_everything_is_in_one_namespace():
    found = objects()
    name = found.pop("Namespace")["metadata"]["name"]
    assert {manifest["metadata"]["namespace"] for manifest in found.values()} == {name}


@pytest.fixture(scope="module")
def pods(tmp_path_factory) -> dict:
    """Settings of the pods of what the page compiles."""
    file = tmp_path_factory.mktemp("package") / "pipeline.yaml"
    for option, value in TARGETS.items():
        assert f"{option} {value}" in PAGE
    options = [f"{option}={value}" for option, value in TARGETS.items()]
    cli.main(
        ["compile", str(file), f"--config={DEPLOY / 'cluster.yaml'}", *options],
        standalone_mode=False,
    )
    _, platform = yaml.safe_load_all(file.read_text())
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_the_steps_mount_the_claim_that_the_server_of_the_models_mounts(pods):
    claim = objects()["PersistentVolumeClaim"]["metadata"]["name"]
    (mount,) = pods["exec-pusher"]["pvcMount"]
    assert mount["constant"] == claim
    predictor = objects()["InferenceService"]["spec"]["predictor"]
    (volume,) = predictor["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim
    (container,) = predictor["containers"]
    (served,) = container["volumeMounts"]
    assert (served["name"], served["mountPath"]) == (volume["name"], mount["mountPath"])
    assert f"--model_base_path={TARGETS['--serving']}" in container["args"]


def test_the_secret_has_the_keys_that_are_taken_where_no_others_are_named():
    secret = objects()["Secret"]
    keys = compilation._KEYS.values()
    assert set(keys) == {f"{secret['metadata']['name']}/{key}" for key in secret["stringData"]}
