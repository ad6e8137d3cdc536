"""Compiles the graph to a package for Kubeflow Pipelines."""

from __future__ import annotations

import os

from data.reading.files import is_remote
from data.storage.object_store import SCHEMES
from pipeline.config.config import Config, ConfigError
from pipeline.kubeflow.compile.blueprint import Blueprint
from pipeline.kubeflow.compile.package import (
    compile_package,
    copied_by_launcher,
    outlives_runs,
    package_text,
)

# The store that TensorFlow opens by itself, and Beam.
_OPENED = ("gs://",)

_EXAMPLE = "minio://mlpipeline/radio-signals/serving"

# With which keys a store is opened, and where a default installation has those of its own.
_KEYS = {
    "AWS_ACCESS_KEY_ID": "mlpipeline-minio-artifact/accesskey",
    "AWS_SECRET_ACCESS_KEY": "mlpipeline-minio-artifact/secretkey",
}


def compile_to(file: str, config: Config, image: str, root: str, serving: str) -> str:
    """Write a package; return what it holds, in a line.

    Args:
      file: YAML, replaced if it is there.
      config: a checked configuration; `data` is set.
      image: that every step runs in.
      root: address of the bucket folder where artifacts go.
      serving: folder where models are pushed, in a mounted volume or a bucket.

    Raises:
      ConfigError: naming what could not run, or what the backend would refuse.
    """
    if not copied_by_launcher(config.data):
        _reachable("data", config.data, config)
    _reachable("--serving", serving, config, (*_OPENED, *SCHEMES))
    if config.initial_weights:
        _reachable("initial_weights", config.initial_weights, config)
    if serving.startswith("minio://"):
        config = _with_keys(config)
    blueprint = Blueprint(
        given=config.model_dump(mode="json", by_alias=True, exclude_unset=True),
        root=root.rstrip("/"),
        serving_dir=serving.rstrip("/"),
        **outlives_runs(serving),
    )
    documents = compile_package(blueprint, image)
    unfinished = f"{file}.part"
    with open(unfinished, "w", encoding="utf-8") as stream:
        stream.write(package_text(documents))
    os.replace(unfinished, file)
    steps = len(documents[0]["root"]["dag"]["tasks"])
    return f"{steps} steps in {image}, schema version {documents[0]['schemaVersion']}"


def _with_keys(config: Config) -> Config:
    """Add the keys of the installation's own store, unless others are given."""
    given = config.kubeflow
    if _KEYS.keys() & (given.secrets.keys() | given.env.keys()):
        return config
    kubeflow = given.model_copy(update={"secrets": given.secrets | _KEYS})
    return config.model_copy(update={"kubeflow": kubeflow})


def _reachable(key: str, path: str, config: Config, schemes: tuple[str, ...] = _OPENED) -> None:
    """Refuse what a pod could not open, or would write to a file system that ends with it."""
    if is_remote(path):
        if not path.startswith(schemes):
            raise ConfigError(
                f"{key}: of stores, those at {', '.join(schemes)} can be opened. "
                f"Mount {path} as a volume (kubeflow.volumes) and give the path."
            )
        bucket, _, folder = path.partition("://")[2].partition("/")
        if not bucket or not folder.strip("/"):
            # Something is kept beside the folder too, and a bucket has no beside.
            raise ConfigError(f"{key}: {path} names no folder in a bucket, as in {_EXAMPLE}.")
        return
    mounted = [mount.rstrip("/") for mount in config.kubeflow.volumes]
    if not any(path == mount or path.startswith(f"{mount}/") for mount in mounted):
        where = ", ".join(mounted) or "none is mounted"
        raise ConfigError(
            f"{key}: {path} is in no mounted volume ({where}), so that no step would find it. "
            "Mount one, --set kubeflow.volumes./mnt/radio=CLAIM for instance, or give a bucket "
            f"({', '.join(schemes)})."
        )
