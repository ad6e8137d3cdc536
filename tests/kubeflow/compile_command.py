"""Compiles packages with `radio-signals compile`."""

import subprocess
from pathlib import Path

from pipeline.cli.main import cli
from tests.end_to_end.support.pipeline_runs import COMMAND

VOLUME = "--set=kubeflow.volumes={/mnt/radio: radio-claim}"
TARGETS = {
    "--image": "registry.example/radio-signals:1",
    "--root": "minio://mlpipeline/v2/artifacts",
    "--serving": "/mnt/radio/serving",
    "--data": "/mnt/radio/data",
}

# A value for every key of the configuration's section kubeflow, and another key.
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


def target_options(**changes: str) -> list[str]:
    """Return the options of `TARGETS`; `changes` has other values by name of the option."""
    targets = TARGETS | {f"--{name}": value for name, value in changes.items()}
    return [f"{name}={value}" for name, value in targets.items()]


def compile_arguments(file: Path, *arguments: str, **changes: str) -> list[str]:
    """Return the arguments that compile to a file; `changes` as for `target_options`."""
    return ["compile", str(file), *target_options(**changes), VOLUME, *arguments]


def compile_here(file: Path, *arguments: str, **changes: str) -> Path:
    """Compile a package to a file in this process, and return the file."""
    cli.main(compile_arguments(file, *arguments, **changes), standalone_mode=False)
    return file


def compile_package(folder: Path, *arguments: str, steps: int = 10, **changes: str) -> Path:
    """Compile a package with the installed command, and return its file."""
    file = folder / "pipeline.yaml"
    finished = subprocess.run(
        [COMMAND, *compile_arguments(file, *arguments, **changes)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert f"{steps} steps in " in finished.stdout
    return file
