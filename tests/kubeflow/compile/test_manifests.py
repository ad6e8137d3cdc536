"""What is applied to a cluster by hand names what the package and the page name."""

from pathlib import Path

import pytest
import yaml

from pipeline.cli.main import cli
from pipeline.kubeflow.compile.compile_package import STORE_KEYS
from tests.kubeflow.compile_command import TARGETS, target_options

DEPLOY = Path(__file__).parents[3] / "deploy" / "kubeflow"
PAGE = (DEPLOY / "README.md").read_text()


def objects() -> dict[str, dict]:
    """The manifests' objects by kind."""
    return {
        manifest["kind"]: manifest
        for file in DEPLOY.glob("*.yaml")
        if file.name != "cluster.yaml"
        for manifest in yaml.safe_load_all(file.read_text())
    }


def claims(pod: dict) -> set[str]:
    """Names of the volume claims of a pod's volumes."""
    return {volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"]}


def test_every_file_is_named_on_the_page():
    for file in DEPLOY.glob("*.yaml"):
        assert file.name in PAGE


def test_only_what_a_profile_needs_has_a_namespace_and_it_is_the_profiles():
    found = objects()
    profile = found["Profile"]["metadata"]["name"]
    assert f"export NAMESPACE={profile}" in PAGE
    namespaces = {
        kind: manifest["metadata"]["namespace"]
        for kind, manifest in found.items()
        if "namespace" in manifest["metadata"]
    }
    assert namespaces == {"ServiceAccount": profile, "RoleBinding": profile}
    (subject,) = found["RoleBinding"]["subjects"]
    assert subject["namespace"] == profile
    assert subject["name"] == found["ServiceAccount"]["metadata"]["name"]


def test_whatever_has_no_namespace_is_applied_to_the_one_that_was_chosen():
    for line in PAGE.splitlines():
        if line.startswith("kubectl") and "deploy/kubeflow/" in line:
            file = DEPLOY / line.split("deploy/kubeflow/")[1].split()[0]
            given = "-n $NAMESPACE" in line
            for manifest in yaml.safe_load_all(file.read_text()):
                placed = manifest["kind"] == "Profile" or "namespace" in manifest["metadata"]
                assert given != placed, f"{file.name}: {line}"


@pytest.fixture(scope="module")
def pods(tmp_path_factory) -> dict:
    """Settings of the pods of what the page compiles."""
    file = tmp_path_factory.mktemp("package") / "pipeline.yaml"
    for option, value in TARGETS.items():
        assert f"{option} {value}" in PAGE
    cli.main(
        ["compile", str(file), f"--config={DEPLOY / 'cluster.yaml'}", *target_options()],
        standalone_mode=False,
    )
    _, platform = yaml.safe_load_all(file.read_text())
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_the_steps_mount_the_claim_that_the_server_of_the_models_mounts(pods):
    claim = objects()["PersistentVolumeClaim"]["metadata"]["name"]
    (mount,) = pods["exec-pusher"]["pvcMount"]
    assert mount["constant"] == claim
    predictor = objects()["InferenceService"]["spec"]["predictor"]
    (container,) = predictor["containers"]
    (served,) = container["volumeMounts"]
    assert claims(predictor) == {claim}
    assert served["mountPath"] == mount["mountPath"]
    assert f"--model_base_path={TARGETS['--serving']}" in container["args"]


def test_data_is_copied_to_the_claim_and_the_place_where_the_steps_find_it(pods):
    pod = objects()["Pod"]
    (mount,) = pods["exec-spectrogram-example-gen"]["pvcMount"]
    assert claims(pod["spec"]) == {mount["constant"]}
    for container in pod["spec"]["containers"] + pod["spec"]["initContainers"]:
        assert container["image"] == TARGETS["--image"]
        assert [each["mountPath"] for each in container["volumeMounts"]] == [mount["mountPath"]]
    assert f"cp -n $NAMESPACE data {pod['metadata']['name']}:{TARGETS['--data']}" in PAGE


def test_the_secret_has_the_keys_that_are_taken_where_no_others_are_named():
    secret = objects()["Secret"]
    keys = STORE_KEYS.values()
    assert set(keys) == {f"{secret['metadata']['name']}/{key}" for key in secret["stringData"]}
