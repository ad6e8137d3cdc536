"""The manifests of deploy/kubeflow, its page and a compiled package use the same names."""

from pathlib import Path

import pytest
import yaml

from pipeline.cli.main import cli
from pipeline.kubeflow.compile.compile_package import STORE_KEYS
from tests.kubeflow.compile_command import TARGETS, target_options

DEPLOY = Path(__file__).parents[3] / "deploy" / "kubeflow"
PAGE = (DEPLOY / "README.md").read_text()


def objects() -> dict[str, dict]:
    """Return the objects of the manifests by kind."""
    return {
        manifest["kind"]: manifest
        for file in DEPLOY.glob("*.yaml")
        if file.name != "cluster.yaml"
        for manifest in yaml.safe_load_all(file.read_text())
    }


def claims(pod: dict) -> set[str]:
    """Return the names of the volume claims of a pod."""
    volumes = [volume for volume in pod["volumes"] if "emptyDir" not in volume]
    return {volume["persistentVolumeClaim"]["claimName"] for volume in volumes}


def test_the_page_names_every_file():
    for file in DEPLOY.glob("*.yaml"):
        assert file.name in PAGE


def test_only_the_objects_of_a_profile_have_a_namespace_and_it_is_the_profiles():
    manifests = objects()
    profile = manifests["Profile"]["metadata"]["name"]
    assert f"export NAMESPACE={profile}" in PAGE
    namespaces = {
        kind: manifest["metadata"]["namespace"]
        for kind, manifest in manifests.items()
        if "namespace" in manifest["metadata"]
    }
    assert namespaces == {"ServiceAccount": profile, "RoleBinding": profile}
    (subject,) = manifests["RoleBinding"]["subjects"]
    assert subject["namespace"] == profile
    assert subject["name"] == manifests["ServiceAccount"]["metadata"]["name"]


def test_objects_without_a_namespace_are_applied_to_the_chosen_one():
    for line in PAGE.splitlines():
        if line.startswith("kubectl") and "deploy/kubeflow/" in line:
            file = DEPLOY / line.split("deploy/kubeflow/")[1].split()[0]
            has_option = "-n $NAMESPACE" in line
            for manifest in yaml.safe_load_all(file.read_text()):
                has_namespace = manifest["kind"] == "Profile" or "namespace" in manifest["metadata"]
                assert has_option != has_namespace, f"{file.name}: {line}"


@pytest.fixture(scope="module")
def pods(tmp_path_factory) -> dict:
    """Settings of the pods in the package that the page compiles."""
    file = tmp_path_factory.mktemp("package") / "pipeline.yaml"
    for option, value in TARGETS.items():
        assert f"{option} {value}" in PAGE
    cli.main(
        ["compile", str(file), f"--config={DEPLOY / 'cluster.yaml'}", *target_options()],
        standalone_mode=False,
    )
    _, platform = yaml.safe_load_all(file.read_text())
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_the_steps_mount_the_claim_that_the_model_server_mounts(pods):
    claim = objects()["PersistentVolumeClaim"]["metadata"]["name"]
    (mount,) = pods["exec-pusher"]["pvcMount"]
    assert mount["constant"] == claim
    predictor = objects()["InferenceService"]["spec"]["predictor"]
    (container,) = predictor["containers"]
    server_mount, _ = container["volumeMounts"]
    assert server_mount["readOnly"]
    assert claims(predictor) == {claim}
    assert server_mount["mountPath"] == mount["mountPath"]
    assert f"--model_base_path={TARGETS['--serving']}" in container["args"]


def test_data_are_copied_to_the_folder_that_the_steps_read(pods):
    pod = objects()["Pod"]
    (mount,) = pods["exec-spectrogram-example-gen"]["pvcMount"]
    assert claims(pod["spec"]) == {mount["constant"]}
    for container in pod["spec"]["containers"] + pod["spec"]["initContainers"]:
        assert container["image"] == TARGETS["--image"]
        assert container["volumeMounts"][0]["mountPath"] == mount["mountPath"]
    assert f"cp -n $NAMESPACE data {pod['metadata']['name']}:{TARGETS['--data']}" in PAGE


def test_the_secret_has_the_keys_that_are_used_by_default():
    secret = objects()["Secret"]
    keys = STORE_KEYS.values()
    assert set(keys) == {f"{secret['metadata']['name']}/{key}" for key in secret["stringData"]}


@pytest.mark.parametrize("kind", ["Pod", "InferenceService"])
def test_pods_have_no_rights_that_they_do_not_use(kind):
    spec = objects()[kind]["spec"]
    spec = spec.get("predictor", spec)
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        context = spec["securityContext"] | container["securityContext"]
        assert context["runAsNonRoot"] is True
        assert "add" not in context["capabilities"]
    for container in spec["containers"] + spec.get("initContainers", []):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"]["drop"] == ["ALL"]


def test_an_account_that_submits_has_no_token_for_the_cluster():
    assert objects()["ServiceAccount"]["automountServiceAccountToken"] is False


def test_the_defaults_of_steps_forbid_writing_except_to_folders_of_the_pod():
    data = objects()["ConfigMap"]["data"]
    container = yaml.safe_load(data["mainContainer"])
    assert container["securityContext"] == {
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    volumes = yaml.safe_load(data["workflowDefaults"])["spec"]["volumes"]
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert list(mounts.values()) == [volume["name"] for volume in volumes]
    assert "ENV HOME=/home/radio " in (DEPLOY.parents[1] / "Dockerfile").read_text()
    assert set(mounts) == {"/tmp", "/home/radio"}
