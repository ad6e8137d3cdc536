"""Does what the commands that compile do: checks the addresses, and writes a package file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from data.storage.files import write_file
from data.storage.object_store import SCHEMES
from pipeline.config.config import Config, ConfigError
from pipeline.config.secrets import hide_secret_options
from pipeline.kubeflow.compile.blueprint import Blueprint
from pipeline.kubeflow.compile.inference_package import build_inference_package
from pipeline.kubeflow.compile.package_yaml import format_package
from pipeline.kubeflow.compile.pipeline_spec import build_package, is_copied_by_launcher

STORE_KEYS = {
    "AWS_ACCESS_KEY_ID": "mlpipeline-minio-artifact/accesskey",
    "AWS_SECRET_ACCESS_KEY": "mlpipeline-minio-artifact/secretkey",  # nosec B105 # a name
}
"""Environment variables with the keys of a store, and the secrets that hold them by default."""

# The store that TensorFlow and Beam can open by themselves.
_GOOGLE = ("gs://",)


def compile_to_file(file: str, config: Config, image: str, root: str, serving: str) -> str:
    """Write a package and return a line that describes it.

    Args:
      file: YAML file to write or to replace.
      config: a checked configuration; `data` is set.
      image: container image that every step runs in.
      root: bucket folder for artifacts.
      serving: folder for pushed models, in a mounted volume or in a bucket.

    Raises:
      ConfigError: a step could not run, or the backend would refuse the package.
    """
    if not is_copied_by_launcher(config.data):
        _check_reachable("data", config.data, config, _GOOGLE)
    _check_reachable("--serving", serving, config, (*_GOOGLE, *SCHEMES))
    if config.initial_weights:
        _check_reachable("initial_weights", config.initial_weights, config, _GOOGLE)
    _check_beam_options(config.beam.args)
    if serving.startswith("minio://"):
        config = _add_store_keys(config)
    serving = serving.rstrip("/")
    # What the next run needs is kept beside the pushed models.
    kept = os.path.dirname(serving)
    blueprint = Blueprint(
        settings=config.model_dump(mode="json", by_alias=True, exclude_unset=True),
        root=root.rstrip("/"),
        serving_dir=serving,
        accepted_statistics_dir=os.path.join(kept, "accepted_statistics"),
        checkpoint_dir=os.path.join(kept, "checkpoints"),
    )
    documents = build_package(blueprint, image)
    write_file(file, format_package(documents))
    steps = len(documents[0]["root"]["dag"]["tasks"])
    return f"{steps} steps in {image}, schema version {documents[0]['schemaVersion']}"


def compile_inference_to_file(
    file: str, config: Config, image: str, root: str, values: Mapping[str, Any]
) -> str:
    """Write a package that runs `radio-signals infer`, and return a line that describes it.

    Args:
      file: YAML file to write or to replace.
      config: a checked configuration.
      image: container image that the step runs in.
      root: bucket folder for artifacts.
      values: value of each parameter unless a run sets another one: `input`, `output`, `model`,
        `threshold`, `max_bad_rows`.

    Raises:
      ConfigError: the step could not run, or the backend would refuse the package.
    """
    for name in ("input", "output", "model"):
        _check_reachable(f"--{name}", values[name], config, (*_GOOGLE, *SCHEMES))
        if values[name].startswith("minio://"):
            config = _add_store_keys(config)
    documents = build_inference_package(config.kubeflow, image, root.rstrip("/"), values)
    write_file(file, format_package(documents))
    return f"1 step in {image}, schema version {documents[0]['schemaVersion']}"


def _add_store_keys(config: Config) -> Config:
    """Add the keys of the installation's own store, unless the configuration has keys."""
    settings = config.kubeflow
    if STORE_KEYS.keys() & settings.secrets.keys():
        return config
    settings = settings.model_copy(update={"secrets": settings.secrets | STORE_KEYS})
    return config.model_copy(update={"kubeflow": settings})


def _check_beam_options(options: Sequence[str]) -> None:
    """Refuse options with secrets, because a package contains them in clear text."""
    for option, shown in zip(options, hide_secret_options(options), strict=True):
        if option != shown:
            raise ConfigError(
                f"beam.args: {shown} holds a secret, and a compiled package contains these options "
                "in clear text. Leave it out, and give the steps an environment variable that "
                "Beam's clients read, with kubeflow.secrets, as in "
                "AWS_SECRET_ACCESS_KEY: SECRET/KEY."
            )


def _check_reachable(key: str, path: str, config: Config, schemes: tuple[str, ...]) -> None:
    """Refuse a path that a pod could not open, or whose files would be lost with the pod."""
    if "://" in path:
        if not path.startswith(schemes):
            raise ConfigError(
                f"{key}: {path} cannot be opened; only {', '.join(schemes)} can. "
                "Mount it as a volume (kubeflow.volumes) and give the path."
            )
        bucket, _, folder = path.partition("://")[2].partition("/")
        if not bucket or not folder.strip("/"):
            # Other files are kept beside the folder, and there is nothing beside a bucket.
            raise ConfigError(
                f"{key}: {path} does not name a folder in a bucket, such as "
                "minio://mlpipeline/radio-signals/serving."
            )
        return
    volumes = [volume.rstrip("/") for volume in config.kubeflow.volumes]
    if not any(path == volume or path.startswith(f"{volume}/") for volume in volumes):
        mounted = ", ".join(volumes) or "none is mounted"
        raise ConfigError(
            f"{key}: {path} is not in a mounted volume ({mounted}), so no step would find it. "
            "Mount one, for example with --set kubeflow.volumes./mnt/radio=CLAIM, or give a bucket "
            f"({', '.join(schemes)})."
        )
