"""Compiles packages by the command line."""

import subprocess
from pathlib import Path

from tests.end_to_end.pipeline_runs import COMMAND

VOLUME = "--set=kubeflow.volumes={/mnt/radio: radio-claim}"
TARGETS = {
    "--image": "registry.example/radio-signals:1",
    "--root": "minio://mlpipeline/v2/artifacts",
    "--serving": "/mnt/radio/serving",
    "--data": "/mnt/radio/data",
}

# Something of all that can be configured.
EVERYTHING = (
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


def options(**changes: str) -> list[str]:
    """Return `TARGETS` as arguments; `changes` replace them, by the name of the option."""
    targets = TARGETS | {f"--{name}": value for name, value in changes.items()}
    return [f"{name}={value}" for name, value in targets.items()]


def command(file: Path, *arguments: str, **changes: str) -> list[str]:
    """Return `compile` and its arguments; `changes` as of `options`."""
    return ["compile", str(file), *options(**changes), VOLUME, *arguments]


def compiled(folder: Path, *arguments: str, steps: int = 10, **changes: str) -> Path:
    """Return a package, which has to be accepted."""
    file = folder / "pipeline.yaml"
    finished = subprocess.run(
        [COMMAND, *command(file, *arguments, **changes)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert f"{steps} steps in " in finished.stdout
    return file
