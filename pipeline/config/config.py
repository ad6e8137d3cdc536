"""The one typed configuration: defaults here, a YAML file over them, the command line on top."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from data.reading.files import is_remote
from data.reading.layout import Layout
from data.seed_layout import CLASS_NAMES, HEIGHT, WIDTH
from pipeline.config.sections import (
    MONITORS,
    Augment,
    Beam,
    Input,
    Kubeflow,
    Optimizer,
    Schedule,
    Section,
    Thresholds,
    Tuning,
    one_of,
    refuse_unknown_classes,
)
from trainer.models import MODELS

STRATEGIES = ("auto", "one_device", "mirrored", "multi_worker")
NORMALISATIONS = ("image", "levels")

# Keys whose own keys are not of the configuration: names of classes, of steps, of the cluster's.
_MAPPINGS = (
    "class_weights",
    "thresholds.class_precision",
    "thresholds.class_recall",
    "kubeflow.resources",
    "kubeflow.env",
    "kubeflow.secrets",
    "kubeflow.volumes",
    "kubeflow.node_selector",
)


class ConfigError(ValueError):
    """A key or value of the configuration is wrong. The message names the key."""


class Config(Section):
    """Everything a run depends on.

    Attributes:
      data: folder of labelled spectrograms (see data/README.md), or address of a bucket.
      output: local folder for metadata, artifacts, pushed models and the latest results.
      artifacts: where steps put what they make, a folder or the address of a bucket that Beam's
        workers reach; empty for artifacts/ in the output folder.
      classes: names in the order of the label columns.
      height, width: pixels along time and along frequency.
      model: a name in `trainer.models.MODELS`.
      epochs, batch_size, seed: of training; the seed also shuffles the data.
      initial_weights: a `.weights.h5` file to start from, or empty.
      warm_start: start from the newest pushed model that has these classes, this image size and
        this architecture; from random weights where none has.
      normalise: image brings each spectrogram to mean 0 and deviation 1, so that neither
        brightness nor contrast counts; levels leaves grey levels from 0 to 1; null for the
        model's own: levels for reference, image for all others.
      label_smoothing: part of each label that is spread over all classes. Training and
        validation loss are of smoothed labels; null for the model's own.
      class_weights: how much an image counts in the training loss: null for all alike, balanced
        for every class alike, or a mapping of class names to weights, 1 where not named.
      early_stopping: epochs without a better one before training ends, 0 never.
      keep_best: what makes an epoch better, for the exported weights and for early stopping:
        val_accuracy or val_loss.
      calibrate: serve probabilities that were brought to mean what they say, by one temperature
        fitted on validation; the most probable class stays the same. False serves the network's
        own.
      mixed_precision: compute in bfloat16, keep weights and probabilities in float32. For
        processors that have it; others get slower.
      steps_per_execution: training steps between two looks at callbacks; the largest number up
        to it that divides the steps of an epoch. Always 1 with several replicas.
      strategy: the devices that train: one_device, mirrored (all GPUs of this machine),
        multi_worker (the cluster in the environment variable TF_CONFIG), or auto: whichever of
        these is there. batch_size is that of all devices together.
      infer_schema: derive the schema from the data instead of importing the curated one.
      schema: a curated schema to import, or empty for the one in data/.
      interactive_report: put TFMA's interactive views, and scripts with them, into the report.
      cache: answer steps from earlier runs where nothing they depend on has changed.
    """

    data: str = ""
    output: str = "runs"
    artifacts: str = ""
    classes: tuple[str, ...] = CLASS_NAMES
    height: int = Field(HEIGHT, ge=16)
    width: int = Field(WIDTH, ge=16)
    model: str = "compact"
    epochs: int = Field(12, ge=1)
    batch_size: int = Field(32, ge=1)
    seed: int = Field(0, ge=0, lt=2**31)
    initial_weights: str = ""
    warm_start: bool = False
    normalise: str | None = None
    label_smoothing: float | None = Field(None, ge=0, lt=1)
    class_weights: str | dict[str, float] | None = None
    early_stopping: int = Field(0, ge=0)
    keep_best: str = "val_loss"
    calibrate: bool = True
    mixed_precision: bool = False
    steps_per_execution: int = Field(1, ge=1)
    strategy: str = "auto"
    infer_schema: bool = False
    schema_file: str = Field("", alias="schema")
    interactive_report: bool = False
    cache: bool = True
    input: Input = Input()
    schedule: Schedule = Schedule()
    optimizer: Optimizer = Optimizer()
    augment: Augment = Augment()
    tuning: Tuning = Tuning()
    thresholds: Thresholds = Thresholds()
    beam: Beam = Beam()
    kubeflow: Kubeflow = Kubeflow()

    @property
    def layout(self) -> Layout:
        """What the data must look like."""
        return Layout(
            self.classes, self.height, self.width, self.input.label_column, self.input.values
        )

    @property
    def given(self) -> frozenset[str]:
        """The keys that somebody set, nested ones with dots, whatever they were set to."""
        return frozenset(_given_keys(self))

    @field_validator("data")
    @classmethod
    def _local_path(cls, data: str) -> str:
        return data.removeprefix("file://")

    @field_validator("output")
    @classmethod
    def _local_folder(cls, output: str) -> str:
        if is_remote(output):
            raise ValueError(
                "it is a folder of this machine, because metadata are a SQLite file in it; what "
                "workers have to reach can be elsewhere: set artifacts to a bucket's address"
            )
        return output

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if len(classes) < 2 or len(set(classes)) != len(classes) or not all(classes):
            raise ValueError("at least two different class names are needed")
        return classes

    @field_validator("keep_best")
    @classmethod
    def _known_monitor(cls, keep_best: str) -> str | None:
        return one_of(MONITORS, keep_best)

    @field_validator("normalise")
    @classmethod
    def _known_normalisation(cls, normalise: str | None) -> str | None:
        return one_of(NORMALISATIONS, normalise)

    @field_validator("strategy")
    @classmethod
    def _known_strategy(cls, strategy: str) -> str | None:
        return one_of(STRATEGIES, strategy)

    @field_validator("class_weights", mode="before")
    @classmethod
    def _weights_of_known_classes(cls, weights: Any, validated: ValidationInfo) -> Any:
        if weights in (None, "balanced"):
            return weights
        if not isinstance(weights, dict) or not all(
            isinstance(weight, (int, float)) and weight > 0 for weight in weights.values()
        ):
            raise ValueError("it is balanced, or a weight above 0 for each of some class names")
        refuse_unknown_classes(weights, validated.data.get("classes", ()))
        return weights

    @field_validator("thresholds")
    @classmethod
    def _bounds_of_known_classes(
        cls, thresholds: Thresholds, validated: ValidationInfo
    ) -> Thresholds:
        for key in ("class_precision", "class_recall"):
            bounds = getattr(thresholds, key)
            try:
                names = bounds if isinstance(bounds, dict) else ()
                refuse_unknown_classes(names, validated.data.get("classes", ()))
            except ValueError as error:
                # So that the message names the key within its section.
                wrong = InitErrorDetails(
                    type=PydanticCustomError("class", "{why}", {"why": str(error)}),
                    loc=(key,),
                    input=bounds,
                )
                raise ValidationError.from_exception_data("Thresholds", [wrong]) from None
        return thresholds

    @field_validator("warm_start")
    @classmethod
    def _one_start(cls, warm_start: bool, validated: ValidationInfo) -> bool:
        if warm_start and validated.data.get("initial_weights"):
            raise ValueError("training starts from initial_weights already; leave one of them out")
        return warm_start

    @field_validator("model")
    @classmethod
    def _known_model(cls, model: str) -> str:
        if model not in MODELS:
            raise ValueError(f"there is no such model; the models are {', '.join(MODELS)}")
        return model


def load_config(
    file: str | None = None, settings: tuple[str, ...] = (), options: dict[str, Any] | None = None
) -> Config:
    """Merge the layers into a checked configuration.

    Args:
      file: a YAML file, or None.
      settings: "key=value" strings, dots between the parts of a nested key, values in YAML.
      options: command-line options, nested like the configuration; None values are absent.

    Raises:
      ConfigError: naming the key that is unknown, or whose value does not fit.
    """
    merged: dict[str, Any] = {}
    if file:
        _merge(merged, _read_yaml(file))
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f'--set {setting}: write key=value, for example "epochs=20".')
        value = value or '""'  # "key=" empties a text; YAML would call it null, which is "unset"
        _merge(merged, nested(key.strip(), _yaml_value(setting, value)))
    _merge(merged, options or {})
    _refuse_unknown_keys(merged)
    try:
        return Config.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def _read_yaml(file: str) -> dict[str, Any]:
    try:
        with open(file, encoding="utf-8") as stream:
            content = yaml.safe_load(stream) or {}
    except FileNotFoundError:
        raise ConfigError(f"The configuration file {file} does not exist.") from None
    except OSError as error:
        raise ConfigError(f"The configuration file {file}: {error.strerror}.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{file} must hold keys and values, for example: epochs: 20")
    merged: dict[str, Any] = {}
    for key, value in content.items():
        # "thresholds.accuracy: 0.9" means the same as the key within its section.
        _merge(merged, nested(str(key), value))
    return merged


def _yaml_value(setting: str, value: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError:
        raise ConfigError(f"--set {setting}: the value is not YAML.") from None


def nested(key: str, value: Any) -> dict[str, Any]:
    """Return a mapping with one value at a key with dots."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def _merge(base: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        elif isinstance(value, dict):
            base[key] = {}
            _merge(base[key], value)
        elif value is not None:
            base[key] = value


def _refuse_unknown_keys(given: dict[str, Any]) -> None:
    known = list(known_keys())
    sections = {key.partition(".")[0] for key in known if "." in key}
    for key in _leaf_keys(given):
        if key in known or key in sections:
            continue
        if key.startswith(tuple(f"{mapping}." for mapping in _MAPPINGS)):
            continue
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0)
        raise ConfigError(f'There is no configuration key "{key}". Did you mean "{nearest[0]}"?')


def known_keys() -> Iterator[str]:
    """Yield every configuration key, nested ones with dots."""
    for name, field in Config.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            yield from (f"{name}.{key}" for key in section.model_fields)
        else:
            yield field.alias or name


def _given_keys(section: Section, prefix: str = "") -> Iterator[str]:
    for name in section.model_fields_set:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _given_keys(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _leaf_keys(given: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in given.items():
        if isinstance(value, dict) and value:
            yield from _leaf_keys(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _explain(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}. Received: {first['input']!r}."


def packaged_schema() -> str:
    """Return the path of the curated schema that comes with the package."""
    import data

    return os.path.join(os.path.dirname(data.__file__), "schema.pbtxt")
