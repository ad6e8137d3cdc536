"""A compiled package, made once by the command that users have."""

from pathlib import Path

import pytest
import yaml

from tests.kubeflow.compiled import compiled


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Path:
    """A package with everything that can be configured."""
    return compiled(
        tmp_path_factory.mktemp("package"),
        "--epochs=5",
        "--set=kubeflow.resources.default={cpu: 2, memory: 8}",
        "--set=kubeflow.resources.Trainer={cpu: 4, memory: 16, accelerator: nvidia.com/gpu}",
        "--set=kubeflow.env.TZ=UTC",
        "--set=kubeflow.secrets={S3_KEY: store/key, S3_SECRET: store/secret, TOKEN: other/token}",
        "--set=kubeflow.node_selector={pool: batch}",
        "--set=kubeflow.tolerations=[{key: gpu, operator: Exists, effect: NoSchedule}]",
        "--set=kubeflow.pull_secret=registry",
        "--set=kubeflow.pull_policy=Always",
        "--set=kubeflow.retries=3",
    )


@pytest.fixture(scope="session")
def documents(package) -> list[dict]:
    return list(yaml.safe_load_all(package.read_text()))
