"""Compiles packages by the command line."""

import subprocess
from pathlib import Path

from tests.end_to_end.conftest import COMMAND

VOLUME = "--set=kubeflow.volumes={/mnt/radio: radio-claim}"
TARGETS = {
    "--image": "registry.example/radio-signals:1",
    "--root": "minio://mlpipeline/v2/artifacts",
    "--serving": "/mnt/radio/serving",
    "--data": "/mnt/radio/data",
}


def compile_package(
    file: Path, *arguments: str, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run `radio-signals compile`; `changes` replace `TARGETS`, by the name of the option."""
    targets = TARGETS | {f"--{name}": value for name, value in changes.items()}
    options = [f"{name}={value}" for name, value in targets.items()]
    return subprocess.run(
        [COMMAND, "compile", file, *options, VOLUME, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )


def compiled(folder: Path, *arguments: str, steps: int = 10, **changes: str) -> Path:
    """Return a package, which has to be accepted."""
    file = folder / "pipeline.yaml"
    finished = compile_package(file, *arguments, **changes)
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    assert f"{steps} steps in " in finished.stdout
    return file
